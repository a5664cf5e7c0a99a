package store_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/store"
)

// TestStatsOfLists puts a still into lists of all kinds: how many each store took, and how many it failed to take.
func TestStatsOfLists(t *testing.T) {
	type list interface {
		capture.Store
		Stats() []capture.StoreStats
	}
	bare := capture.StoreFunc(func(context.Context, *capture.Still) (string, error) { return "there", nil })
	down := &store.Retry{Attempts: 1, Store: capture.StoreFunc(func(context.Context, *capture.Still) (string, error) {
		return "", errors.New("down")
	})}
	mem := func() capture.Store { return new(store.Mem) }
	for _, test := range []struct {
		about string
		list  list
		want  [][2]int64
	}{
		{"no store", store.Tee{}, nil},
		{"two", store.Tee{mem(), mem()}, [][2]int64{{1, 0}, {1, 0}}},
		{"one that does not count", store.Tee{bare, mem()}, [][2]int64{{0, 0}, {1, 0}}},
		{"none", store.Tee{nil, mem()}, [][2]int64{{0, 0}, {1, 0}}},
		{"one stands in", store.Failover{down, mem(), mem()}, [][2]int64{{0, 1}, {1, 0}, {0, 0}}},
		{"a list in a list", store.Tee{mem(), store.Failover{mem(), mem()}, store.Tee{bare}, mem()}, [][2]int64{{1, 0}, {1, 0}, {0, 0}, {0, 0}, {1, 0}}},
		{"a Retry of a list", store.Failover{&store.Retry{Store: store.Tee{mem(), mem()}}}, [][2]int64{{1, 0}}},
	} {
		_, _ = test.list.Put(t.Context(), still("s", "id", nil))
		var got [][2]int64
		for _, s := range test.list.Stats() {
			got = append(got, [2]int64{s.Put, s.Failed})
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", test.about, got, test.want)
		}
	}
}
