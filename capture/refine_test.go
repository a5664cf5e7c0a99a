package capture_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/store"
	"github.com/livestill/livestill/frame"
)

// encodings is an Encoder that counts its files.
type encodings struct{ n int }

func (*encodings) Type() string { return "image/x-test" }
func (e *encodings) Encode(_ context.Context, w io.Writer, _ *frame.Picture) error {
	e.n++
	_, err := w.Write([]byte{byte(e.n)})
	return err
}

// TestRefine refines the newest picture of a live stream, which goes on while the first still is looked at.
func TestRefine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &steps{}
		cam := s.camera()
		d, m := &decoder{}, &merger{places: span(-3, 3)}
		cam.Decoder, cam.Enhancer, cam.Encoder = d, m, &encodings{}
		var stored []string
		cam.Store = capture.StoreFunc(func(_ context.Context, still *capture.Still) (string, error) {
			stored = append(stored, still.ID)
			return "shelf", s.run("store")
		})
		go serve(t, cam, units(100, 10, false))
		pass(3550 * time.Millisecond)
		begun := time.Now()
		var stills []*capture.Still
		for still, err := range cam.Refine(t.Context(), capture.Request{By: "bob", Lookahead: 2 * interval}) {
			if err != nil {
				t.Fatal(err)
			}
			stills = append(stills, still)
			pass(interval)
		}
		if len(stills) != 2 {
			t.Fatalf("%d stills", len(stills))
		}
		first, second := stills[0], stills[1]
		m.check(t, "both", burst{span(35, 35), 35}, burst{span(32, 37), 35})
		if first.Refined || !second.Refined || first.Merged != 1 || second.Merged != 6 {
			t.Errorf("first refined %v of %d, second refined %v of %d", first.Refined, first.Merged, second.Refined, second.Merged)
		}
		if took := time.Since(begun); took != 250*time.Millisecond || first.Step("gather") != 0 || second.Step("gather") != 50*time.Millisecond {
			t.Errorf("took %v, of it %v to gather", took, second.Step("gather"))
		}
		if first.ID != second.ID || !slices.Equal(stored, []string{first.ID, first.ID}) || first.PTS != second.PTS || first.Age != second.Age ||
			first.Scores.Quality != second.Scores.Quality || second.Location != "shelf" {
			t.Errorf("first %+v,\nsecond %+v", first, second)
		}
		if got := strings.Join(s.ran, " "); got != "policy moderate finish seal store notify moderate finish seal store notify" {
			t.Errorf("hooks ran: %s", got)
		}
		for i, want := range []string{
			"policy wait decode enhance moderate finish encode seal store", "policy wait decode gather enhance moderate finish encode seal store",
		} {
			var names []string
			for _, step := range stills[i].Steps {
				names = append(names, step.Name)
			}
			if got := strings.Join(names, " "); got != want {
				t.Errorf("steps of still %d: %s", i, got)
			}
			if string(stills[i].Data) != string(rune(i+1)) || number(stills[i]) != 35 {
				t.Errorf("still %d shows %d", i, number(stills[i]))
			}
		}
		if n := d.decoded.Load(); n > 8 {
			t.Errorf("%d units were decoded, 8 do", n)
		}
	})
}

// TestRefineEnds has the loop break, and hooks fail.
func TestRefineEnds(t *testing.T) {
	for _, test := range []struct {
		about     string
		enhancer  capture.Enhancer
		fail      string
		failAt    int // which run of it
		breaks    bool
		lookahead time.Duration
		want      string // s for a still, e for an error
		bursts    int
	}{
		{about: "both", want: "ss", bursts: 2},
		{about: "the loop breaks", breaks: true, want: "s", bursts: 1},
		{about: "the Policy refuses", fail: "policy", failAt: 1, want: "e"},
		{about: "the Moderator refuses the first", fail: "moderate", failAt: 1, want: "e", bursts: 1},
		{about: "the Moderator refuses the second", fail: "moderate", failAt: 2, want: "se", bursts: 2},
		{about: "the Store fails at the second", fail: "store", failAt: 2, want: "se", bursts: 2},
		{about: "a negative Lookahead", lookahead: -1, want: "s", bursts: 1},
		{about: "no Merger", enhancer: capture.Apply(invert{}), want: "s"},
	} {
		synctest.Test(t, func(t *testing.T) {
			m := &merger{places: span(-3, 3)}
			s := &steps{}
			cam := s.camera()
			if cam.Enhancer = test.enhancer; cam.Enhancer == nil {
				cam.Enhancer = m
			}
			runs := 0
			may := func(name string) error {
				if name != test.fail {
					return nil
				}
				if runs++; runs == test.failAt {
					return errHook
				}
				return nil
			}
			cam.Policy = capture.PolicyFunc(func(context.Context, capture.Request) error { return may("policy") })
			cam.Moderator = capture.ModeratorFunc(func(context.Context, capture.Request, *frame.Picture) error { return may("moderate") })
			cam.Store = capture.StoreFunc(func(context.Context, *capture.Still) (string, error) { return "", may("store") })
			serve(t, cam, units(20, 10, false))
			got := ""
			for still, err := range cam.Refine(t.Context(), capture.Request{By: "bob", Lookahead: test.lookahead}) {
				var typed *capture.Error
				switch {
				case err == nil && still != nil:
					got += "s"
				case still == nil && errors.As(err, &typed) && typed.Step == test.fail && errors.Is(err, errHook):
					got += "e"
				default:
					t.Errorf("%s: %v, %v", test.about, still, err)
				}
				if test.breaks {
					break
				}
			}
			if got != test.want || len(m.bursts) != test.bursts {
				t.Errorf("%s: yields %s, want %s; merged %v", test.about, got, test.want, m.bursts)
			}
			want := strings.Repeat("notify ", len(test.want))
			if ran := strings.NewReplacer("encode ", "", "finish ", "", "seal ", "").Replace(strings.Join(s.ran, " ") + " "); ran != want {
				t.Errorf("%s: told %q", test.about, ran)
			}
		})
	}
}

// TestDeletedWhileRefined: what is deleted between the two does not come back.
func TestDeletedWhileRefined(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kept := new(store.Mem)
		cam := &capture.Camera{Decoder: &decoder{}, Enhancer: &merger{places: span(-3, 3)}, Store: kept}
		serve(t, cam, units(20, 10, false))
		var ends []error
		for still, err := range cam.Refine(t.Context(), capture.Request{By: "bob"}) {
			if ends = append(ends, err); still == nil {
				break
			}
			if n, err := kept.Delete(t.Context(), capture.Selection{By: "bob"}); n != 1 || err != nil {
				t.Errorf("%d deleted, %v", n, err)
			}
		}
		if len(ends) != 2 || ends[0] != nil || !errors.Is(ends[1], capture.ErrDeleted) {
			t.Errorf("the captures ended with %v", ends)
		}
		for s, err := range kept.List(t.Context(), capture.Selection{}) {
			t.Errorf("%v is back, %v", s, err)
		}
	})
}

// A deletedMeanwhile is deleted from while it puts what refines another.
type deletedMeanwhile struct {
	*store.Mem
	deleted func()
}

func (d deletedMeanwhile) Put(ctx context.Context, s *capture.Still) (string, error) {
	if s.Refined {
		d.deleted()
	}
	return d.Mem.Put(ctx, s)
}

// TestDeletedWhileRefinementIsPut: a Delete that comes while the second is being put waits for it, through whatever is around the store.
func TestDeletedWhileRefinementIsPut(t *testing.T) {
	for _, around := range []func(capture.Store) capture.Store{
		func(s capture.Store) capture.Store { return s },
		func(s capture.Store) capture.Store { return store.Tee{s, new(store.Mem)} },
		func(s capture.Store) capture.Store { return store.Failover{&store.Retry{Store: s}} },
	} {
		synctest.Test(t, func(t *testing.T) {
			var kept capture.Store
			deletion := make(chan error, 1)
			kept = around(deletedMeanwhile{new(store.Mem), func() {
				go func() {
					_, err := store.Delete(t.Context(), kept, capture.Selection{By: "bob"})
					deletion <- err
				}()
				synctest.Wait()
			}})
			cam := &capture.Camera{Decoder: &decoder{}, Enhancer: &merger{places: span(-3, 3)}, Store: kept}
			serve(t, cam, units(20, 10, false))
			var ends []error
			for _, err := range cam.Refine(t.Context(), capture.Request{By: "bob"}) {
				ends = append(ends, err)
			}
			if len(ends) != 2 || ends[0] != nil || !errors.Is(ends[1], capture.ErrDeleted) {
				t.Errorf("%T: the captures ended with %v", kept, ends)
			}
			if err := <-deletion; err != nil {
				t.Error(err)
			}
			for s, err := range store.List(t.Context(), kept, capture.Selection{}) {
				t.Errorf("%T: %v is back, %v", kept, s, err)
			}
		})
	}
}

// TestDeleteDoesNotWaitForEver: for a Put that hangs it waits ten seconds. What is put then is deleted all the same.
func TestDeleteDoesNotWaitForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kept := new(store.Mem)
		cam := &capture.Camera{Decoder: &decoder{}, Enhancer: &merger{places: span(-3, 3)}, Store: deletedMeanwhile{kept, func() {
			began := time.Now()
			if n, err := kept.Delete(t.Context(), capture.Selection{By: "bob"}); n != 1 || err != nil || time.Since(began) != 10*time.Second {
				t.Errorf("%d deleted after %v: %v", n, time.Since(began), err)
			}
		}}}
		serve(t, cam, units(20, 10, false))
		var last error
		for _, err := range cam.Refine(t.Context(), capture.Request{By: "bob"}) {
			last = err
		}
		if !errors.Is(last, capture.ErrDeleted) {
			t.Error(last)
		}
		for s, err := range kept.List(t.Context(), capture.Selection{}) {
			t.Errorf("%v is left, %v", s, err)
		}
	})
}

// A roomy makes room for what it puts.
type roomy struct{ *store.Mem }

func (r roomy) Put(ctx context.Context, s *capture.Still) (string, error) {
	if _, err := r.Delete(ctx, capture.Selection{Stream: s.Stream}); err != nil {
		return "", err
	}
	return r.Mem.Put(ctx, s)
}

// TestPutThatDeletes does not delete what it puts.
func TestPutThatDeletes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		cam := &capture.Camera{Decoder: &decoder{}, Enhancer: &merger{places: span(-3, 3)}, Store: roomy{new(store.Mem)}}
		serve(t, cam, units(20, 10, false))
		n := 0
		for _, err := range cam.Refine(t.Context(), capture.Request{Lookahead: time.Nanosecond}) {
			if n++; err != nil {
				t.Error(err)
			}
		}
		if n != 2 || time.Since(began) >= 10*time.Second {
			t.Errorf("%d stills after %v", n, time.Since(began))
		}
	})
}
