package keep_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livestill/livestill/capture/store/internal/keep"
)

// TestTidierBesidePuts: each Put finds its step taken without it, at most one at a time; after a cycle Puts take none for an hour, after a failure
// for a minute; and the log hears of failures, once a cycle, and of a cycle that takes a day.
func TestTidierBesidePuts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tidier keep.Tidier
		var log bytes.Buffer
		logger := slog.New(slog.NewTextHandler(&log, nil))
		steps, began := 0, false
		goOn := make(chan error)
		put := func() {
			tidier.Beside(t.Context(), logger, func(ctx context.Context) error {
				if steps++; !began {
					tidier.Begin()
					began = true
				}
				select {
				case err := <-goOn:
					return err
				case <-ctx.Done():
					return context.Cause(ctx)
				}
			})
			synctest.Wait()
		}
		want := func(about string, n int, says ...string) {
			t.Helper()
			if steps != n {
				t.Errorf("%s: %d steps, want %d", about, steps, n)
			}
			lines := strings.Count(log.String(), "\n")
			for _, text := range says {
				if !strings.Contains(log.String(), text) {
					lines = -1
				}
			}
			if lines != len(says) {
				t.Errorf("%s: log has %q, want %q", about, log.String(), says)
			}
			log.Reset()
		}
		end := func(err error) { goOn <- err; synctest.Wait() }

		put()
		put()
		want("two Puts", 1)
		end(nil)
		put()
		tidier.Note(errors.New("must not"))
		end(nil)
		want("one cannot be deleted", 2, "must not")
		put()
		tidier.Note(errors.New("nor that"))
		end(nil)
		want("another cannot", 3)
		put()
		end(errors.New("no list"))
		put()
		want("a step fails", 4, "no list")
		<-time.After(time.Minute) // on the bubble's clock
		began = false
		put()
		<-time.After(6 * time.Minute) // as above: a store that hangs
		synctest.Wait()
		want("a step hangs", 5, "deadline exceeded")
		<-time.After(25 * time.Hour)
		put()
		end(nil)
		put()
		end(nil)
		want("a day has passed", 7, "late")
		put()
		tidier.End()
		end(nil)
		put()
		<-time.After(59 * time.Minute)
		put()
		want("a cycle has ended", 8)
		<-time.After(time.Minute)
		began = false
		put()
		if err := tidier.Close(); err != nil {
			t.Error(err)
		}
		want("an hour has passed, and Close ends the step", 9)
	})
}

// TestTidierAtOnce takes steps until a cycle has ended that began later, and tells what failed in that.
func TestTidierAtOnce(t *testing.T) {
	var tidier keep.Tidier
	left, failing := 0, false
	step := func(context.Context) error {
		if left == 0 {
			tidier.Begin()
			left = 3
		}
		if left--; left == 0 {
			tidier.End()
		}
		if failing {
			tidier.Note(errors.New("must not"))
		}
		return nil
	}
	if err := errors.Join(step(t.Context()), tidier.Tidy(t.Context(), step)); err != nil || left != 0 {
		t.Errorf("%d steps left: %v", left, err)
	}
	failing = true
	if err := tidier.Tidy(t.Context(), step); err == nil || err.Error() != "3 failures, the first: must not" {
		t.Error(err)
	}
	cause := errors.New("the caller has gone")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	if err := tidier.Tidy(ctx, step); !errors.Is(err, cause) {
		t.Error(err)
	}
	broken := errors.New("no list")
	if err := tidier.Tidy(t.Context(), func(context.Context) error { return broken }); !errors.Is(err, broken) {
		t.Error(err)
	}
}
