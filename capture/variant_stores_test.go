package capture_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/store"
	"github.com/livestill/livestill/frame"
)

// TestVariantsInStores: each kind of store lists, opens and deletes all files of a still, through a Hub and with Every, and each once.
func TestVariantsInStores(t *testing.T) {
	type whole interface {
		capture.Lister
		capture.Opener
		capture.Deleter
	}
	for name, made := range map[string]func(dir string) whole{
		"Mem":      func(string) whole { return &store.Mem{} },
		"Dir":      func(dir string) whole { return &store.Dir{Path: dir} },
		"Tee":      func(dir string) whole { return store.Tee{&store.Dir{Path: dir + "/a"}, &store.Mem{}} },
		"Failover": func(dir string) whole { return store.Failover{&store.Dir{Path: dir + "/a"}, &store.Mem{}} },
		"Spool":    func(dir string) whole { return &store.Spool{Path: dir + "/spool", Store: &store.Dir{Path: dir + "/a"}} },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				shelf := made(dir)
				running, stop := context.WithCancel(t.Context())
				var spooling sync.WaitGroup
				defer spooling.Wait()
				defer stop()
				if spool, ok := shelf.(*store.Spool); ok {
					spooling.Go(func() { _ = spool.Run(running) }) // until it is stopped
				}
				hub := &capture.Hub{NewCamera: func(*frame.Stream) (*capture.Camera, error) {
					cam := small()
					cam.Store = shelf
					return cam, nil
				}}
				go serve(t, hub, units(100, 10, false))
				pass(10 * interval)
				n := 0
				for still, err := range hub.Every(t.Context(), 3*interval, capture.Request{Stream: "live/a"}) {
					if err != nil {
						t.Fatal(err)
					}
					checkAll(t, shelf, still)
					if n++; n == 3 {
						break
					}
				}
			})
		})
	}
}

// TestTheSamePictureAgain has a Store fail to put the still itself, which is captured again under the same ID a second later: of the same picture it
// has each file once, of another one the Variants of both.
func TestTheSamePictureAgain(t *testing.T) {
	for _, test := range []struct {
		name   string
		moment func(now time.Time) capture.Moment
		files  int
	}{
		{"At", func(now time.Time) capture.Moment { return capture.At(now.Add(-interval)) }, 3},
		{"AtPTS", func(time.Time) capture.Moment { return capture.AtPTS(8 * interval) }, 3},
		{"newest", func(time.Time) capture.Moment { return capture.Moment{} }, 5},
		{"Ago", func(time.Time) capture.Moment { return capture.Ago(2 * interval) }, 5},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				shelf, away := &store.Mem{}, true
				cam := small()
				cam.Store = capture.StoreFunc(func(ctx context.Context, s *capture.Still) (string, error) {
					if away && s.Variant == "" {
						return "", errHook
					}
					return shelf.Put(ctx, s)
				})
				go serve(t, cam, units(100, 10, false))
				pass(10 * interval)
				r := capture.Request{ID: "id", Moment: test.moment(time.Now())}
				if _, err := cam.Capture(t.Context(), r); !errors.Is(err, errHook) {
					t.Fatal(err)
				}
				away = false
				pass(10 * interval)
				if _, err := cam.Capture(t.Context(), r); err != nil {
					t.Fatal(err)
				}
				if n, err := shelf.Delete(t.Context(), capture.Selection{ID: "id"}); n != test.files || err != nil {
					t.Errorf("%d files are stored, want %d: %v", n, test.files, err)
				}
			})
		})
	}
}

// checkAll checks that a store has all files of a still, and deletes them.
func checkAll(t *testing.T, shelf interface {
	capture.Lister
	capture.Opener
	capture.Deleter
}, still *capture.Still,
) {
	t.Helper()
	var listed []string
	for s, err := range shelf.List(t.Context(), capture.Selection{ID: still.ID}) {
		if err != nil {
			t.Fatal(err)
		}
		listed = append(listed, s.Variant)
	}
	slices.Sort(listed)
	if !slices.Equal(listed, []string{"", "raw", "thumb"}) {
		t.Errorf("listed are %q", listed)
	}
	for _, s := range append([]*capture.Still{still}, still.Variants...) {
		opened, err := shelf.Open(t.Context(), s.Location)
		if err != nil {
			t.Fatalf("%q at %s: %v", s.Variant, s.Location, err)
		}
		data, err := io.ReadAll(opened)
		steps := fmt.Sprint(opened.Still.Steps)
		if err != nil || string(data) != string(s.Data) || opened.Still.Variant != s.Variant || opened.Still.Type != s.Type || opened.Still.Variants != nil ||
			strings.Contains(steps, capture.StepScale) != (s.Variant != "") {
			t.Errorf("%q is %q, %v, %s, %v", s.Variant, data, opened.Still, steps, err)
		}
		if err := opened.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := shelf.Delete(t.Context(), capture.Selection{ID: still.ID}); err != nil {
		t.Error(err)
	}
	for s, err := range shelf.List(t.Context(), capture.Selection{ID: still.ID}) {
		t.Errorf("%v is left, %v", s, err)
	}
}
