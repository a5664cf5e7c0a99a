package capturetest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/livestill/livestill/capture"
)

// population puts stills of two streams by two users, one with two variants, and returns their locations.
func (t storeTest) population() (all []*capture.Still, at map[*capture.Still]string) {
	t.Helper()
	at = make(map[*capture.Still]string)
	for i, s := range []*capture.Still{
		still("live/alice", "A", 10), still("live/alice", "B", 20), still("live/alice", "B", 30), still("live/alice/b", "C", 40),
		still("live/al", "A", 50), still("", "D", 60), still("live/alice", "A", 70),
	} {
		s.Request.By = [7]string{"bob", "bob", "bob", "carol", "", "bob/carol", "dave"}[i]
		s.Time = shown.Add(time.Duration(i) * time.Hour)
		switch i {
		case 2:
			s.Variant, s.Time = "thumb", all[1].Time
		case 6:
			s.Time = all[0].Time // by another; else they are the same
		}
		all, at[s] = append(all, s), t.put(s)
	}
	return all, at
}

// selections select of the population those that are named by their places.
var selections = []struct {
	about string
	which capture.Selection
	want  []int
}{
	{"all", capture.Selection{}, []int{0, 1, 2, 3, 4, 5, 6}},
	{"a stream, and no other whose name begins so", capture.Selection{Stream: "live/alice"}, []int{0, 1, 2, 6}},
	{"an ID of one stream", capture.Selection{Stream: "live/al", ID: "A"}, []int{4}},
	{"an ID of any stream", capture.Selection{ID: "A"}, []int{0, 4, 6}},
	{"an ID with all its variants", capture.Selection{ID: "B"}, []int{1, 2}},
	{"a user", capture.Selection{By: "bob"}, []int{0, 1, 2}},
	{"a user with a slash", capture.Selection{By: "bob/carol"}, []int{5}},
	{"a user in one stream", capture.Selection{By: "carol", Stream: "live/alice"}, nil},
	{"what is not there", capture.Selection{Stream: "live"}, nil},
	{"from an instant on", capture.Selection{Since: shown.Add(4 * time.Hour)}, []int{4, 5}},
	{"before an instant", capture.Selection{Before: shown.Add(time.Hour)}, []int{0, 6}},
}

func (t storeTest) lists() {
	l, ok := t.Store.(capture.Lister)
	if !ok || unsupported(l.List(t.Context(), capture.Selection{})) {
		return
	}
	all, at := t.population()
	for _, test := range selections {
		got := make(map[string]capture.Stored)
		for s, err := range l.List(t.Context(), test.which) {
			if err != nil {
				t.Fatalf("List of %s: %v", test.about, err)
			}
			got[s.Location] = s
		}
		if len(got) != len(test.want) {
			t.Errorf("List of %s: %d stills, want %d", test.about, len(got), len(test.want))
		}
		for _, i := range test.want {
			s := all[i]
			want := capture.Stored{
				Location: at[s], Stream: s.Stream, ID: s.ID, Variant: s.Variant, Time: s.Time, Type: s.Type, Size: int64(len(s.Data)),
			}
			listed := got[at[s]]
			listed.By = "" // may be anything
			if listed != want {
				t.Errorf("List of %s: %+v, want %+v", test.about, listed, want)
			}
		}
	}
	for _, err := range l.List(t.Context(), capture.Selection{}) {
		if err != nil {
			t.Error(err)
		}
		break // a List that goes on yielding panics
	}
	cause := errors.New("the caller has gone")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	var err error
	for _, err = range l.List(ctx, capture.Selection{}) {
	}
	if !errors.Is(err, cause) {
		t.Errorf("List with an ended context: %v, want %v", err, cause)
	}
}

// deleter returns the Store as a Deleter, if it is one. Those of wrappers may be of none.
func (t storeTest) deleter() (d capture.Deleter, ok bool) {
	if d, ok = t.Store.(capture.Deleter); !ok {
		return nil, false
	}
	_, err := d.Delete(t.Context(), capture.Selection{ID: "none"})
	return d, !errors.Is(err, errors.ErrUnsupported)
}

func (t storeTest) deletes() {
	d, ok := t.deleter()
	if !ok {
		return
	}
	if n, err := d.Delete(t.Context(), capture.Selection{}); !errors.Is(err, capture.ErrSelectsAll) {
		t.Errorf("Delete of all: %d, %v, want ErrSelectsAll", n, err)
	}
	for _, test := range selections[1:] {
		all, at := t.population()
		left := make(map[string][]byte)
		for _, s := range all {
			left[at[s]] = s.Data
		}
		for _, i := range test.want {
			delete(left, at[all[i]])
		}
		told, stop := t.watches(all)
		if n, err := d.Delete(t.Context(), test.which); err != nil || (n == 0) != (len(test.want) == 0) {
			t.Errorf("Delete of %s: %d, %v", test.about, n, err)
		}
		t.want(left)
		stop()
		if got := told(); got != nil && !slices.Equal(got, test.want) {
			t.Errorf("Delete of %s told of %v", test.about, got)
		}
		if n, err := d.Delete(t.Context(), test.which); n != 0 || err != nil {
			t.Errorf("Delete of %s again: %d, %v", test.about, n, err)
		}
	}
	cause := errors.New("the caller has gone")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	if _, err := d.Delete(ctx, capture.Selection{Stream: "live/alice"}); !errors.Is(err, cause) {
		t.Errorf("Delete with an ended context: %v, want %v", err, cause)
	}
}

// watches watches the stills, if the Store can do that. told returns which were told of, nil if it cannot.
func (t storeTest) watches(all []*capture.Still) (told func() []int, stop func()) {
	w, ok := t.Store.(capture.DeleteWatcher)
	if !ok {
		return func() []int { return nil }, func() {}
	}
	selected, stops := make([]bool, len(all)), make([]func(), len(all))
	for i, s := range all {
		stops[i] = w.OnDelete(s, func(context.Context) { selected[i] = true })
	}
	w.OnDelete(all[0], func(context.Context) { t.Error("told of a still that is no longer watched") })()
	told = func() []int {
		which := []int{}
		for i, selected := range selected {
			if selected {
				which = append(which, i)
			}
		}
		return which
	}
	return told, func() {
		for _, stop := range stops {
			stop()
		}
	}
}

// churns has each of several delete what it put, so that the folder of their stream, if there is one, comes and goes. That may fail, and
// is tried again.
func (t storeTest) churns() {
	d, ok := t.deleter()
	if !ok {
		return
	}
	try := func(do func() error) {
		err := do()
		for range 10 {
			if err == nil {
				return
			}
			err = do()
		}
		t.Errorf("Put and Delete beside others: %v", err)
	}
	var wait sync.WaitGroup
	for n := range 3 {
		wait.Go(func() {
			for i := range 10 {
				s := still("live/alice", fmt.Sprint(n, "-", i), 8)
				try(func() error { _, err := t.Store.Put(t.Context(), s); return err })
				try(func() error {
					_, err := d.Delete(t.Context(), capture.Selection{Stream: s.Stream, ID: s.ID})
					return err
				})
			}
		})
	}
	wait.Wait()
	t.want(nil)
}

func unsupported(all iter.Seq2[capture.Stored, error]) bool {
	for _, err := range all {
		return errors.Is(err, errors.ErrUnsupported)
	}
	return false
}
