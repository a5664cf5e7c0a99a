package store_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/store"
)

// harms are what a store of someone else's may do instead of returning. Panicked says whether its error is a PanicError.
var harms = []struct {
	name     string
	do       func()
	panicked bool
}{
	{"panics", func() { panic("out of order") }, true},
	{"calls Goexit", runtime.Goexit, false},
}

// TestTeeContainsItsStores has a store behind a Tee end its goroutine: the still is not acknowledged, and the other store has it.
func TestTeeContainsItsStores(t *testing.T) {
	for _, harm := range harms {
		t.Run(harm.name, func(t *testing.T) {
			mem := new(store.Mem)
			tee := store.Tee{mem, capture.StoreFunc(func(context.Context, *capture.Still) (string, error) {
				harm.do()
				return "", nil
			})}
			_, err := tee.Put(t.Context(), still("s", "id", []byte("data")))
			if err == nil || !strings.Contains(err.Error(), "store 2 of 2") {
				t.Errorf("Put returned %v", err)
			}
			if panicked := new(capture.PanicError); errors.As(err, &panicked) != harm.panicked {
				t.Errorf("Put returned a %T", err)
			}
			for s, err := range mem.List(t.Context(), capture.Selection{}) {
				if err == nil && s.ID == "id" {
					return
				}
			}
			t.Error("the other store has nothing")
		})
	}
}

// TestFailoverContainsItsStores has a store of a Failover end its goroutine: the next stands in, and where there is none the error says why.
func TestFailoverContainsItsStores(t *testing.T) {
	for _, harm := range harms {
		t.Run(harm.name, func(t *testing.T) {
			mem := new(store.Mem)
			harming := capture.StoreFunc(func(context.Context, *capture.Still) (string, error) {
				harm.do()
				return "", nil
			})
			location, err := store.Failover{harming, mem}.Put(t.Context(), still("s", "id", []byte("data")))
			if _, ok := mem.Get(location); err != nil || !ok {
				t.Errorf("%q, %v: the other store has nothing there", location, err)
			}
			_, err = store.Failover{harming}.Put(t.Context(), still("s", "id", []byte("data")))
			if err == nil || !strings.Contains(err.Error(), "store 1 of 1") {
				t.Errorf("Put returned %v", err)
			}
			if panicked := new(capture.PanicError); errors.As(err, &panicked) != harm.panicked {
				t.Errorf("Put returned a %T", err)
			}
		})
	}
}

// TestSpoolContainsItsStore has the store behind a Spool end its goroutine a few times: the still is delivered then.
func TestSpoolContainsItsStore(t *testing.T) {
	for _, harm := range harms {
		t.Run(harm.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				puts := 0
				s := &store.Spool{Path: t.TempDir(), Store: capture.StoreFunc(func(context.Context, *capture.Still) (string, error) {
					if puts++; puts <= 8 {
						harm.do()
					}
					return "", nil
				})}
				defer start(t, s)()
				if _, err := s.Put(t.Context(), still("s", "id", []byte("data"))); err != nil {
					t.Fatal(err)
				}
				p := await(s, func(p store.Progress) bool { return p.Err != nil })
				if panicked := new(capture.PanicError); errors.As(p.Err, &panicked) != harm.panicked {
					t.Errorf("the error is %v", p.Err)
				}
				if p = await(s, empty); p.Delivered != 1 || p.Dead != 0 {
					t.Errorf("in the end: %+v", p)
				}
			})
		})
	}
}
