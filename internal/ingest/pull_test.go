package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/ingest"
)

var (
	errAttempt = errors.New("it failed")
	errStop    = errors.New("the test stops")
)

// A script has a letter for each attempt: f fails, w fails but is fruitful, u brings two units and ends, L is the last.
func attempts(ctx context.Context, l *ingest.Loop, script string) (begins []time.Duration, err error) {
	start := time.Now()
	return begins, l.Run(ctx, func() (last bool, err error) {
		at := len(begins)
		begins = append(begins, time.Since(start))
		start = time.Now() // the next is measured from here
		switch script[at] {
		case 'w':
			l.Fruitful()
		case 'u':
			l.Connected()
			l.Connected()
		}
		return script[at] == 'L', errAttempt
	})
}

func TestLoopWaits(t *testing.T) {
	for _, test := range []struct {
		about, script string
		waits         []int // the longest that they may be, in seconds
	}{
		{"ends at once", "L", nil},
		{"doubles, up to the longest", "ffffffL", []int{1, 2, 4, 8, 10, 10}},
		{"begins anew after a unit", "fffufL", []int{1, 2, 4, 1, 2}},
		{"begins anew if there is no need to wait longer", "fffwwfL", []int{1, 2, 4, 1, 1, 2}},
	} {
		t.Run(test.about, func(t *testing.T) {
			shortest, longest := make([]time.Duration, len(test.waits)), make([]time.Duration, len(test.waits))
			for i := range test.waits {
				shortest[i] = time.Hour
			}
			for range 100 {
				synctest.Test(t, func(t *testing.T) {
					l := ingest.Loop{First: time.Second, Longest: 10 * time.Second, Log: slog.New(slog.DiscardHandler), Counts: new(ingest.ClientCounts)}
					begins, err := attempts(t.Context(), &l, test.script)
					if !errors.Is(err, errAttempt) || len(begins) != len(test.waits)+1 {
						t.Fatalf("%d attempts, %v", len(begins), err)
					}
					for i, wait := range begins[1:] {
						shortest[i], longest[i] = min(shortest[i], wait), max(longest[i], wait)
					}
				})
			}
			for i, seconds := range test.waits {
				most := time.Duration(seconds) * time.Second
				if shortest[i] < most/2 || shortest[i] > most*6/10 || longest[i] > most || longest[i] < most*9/10 {
					t.Errorf("wait %d is %v to %v, want half of %v to all of it", i, shortest[i], longest[i], most)
				}
			}
		})
	}
}

func TestLoopOnce(t *testing.T) {
	for _, script := range []string{"f", "u", "L"} {
		l := ingest.Loop{Once: true, First: time.Hour, Longest: time.Hour, Log: slog.New(slog.DiscardHandler), Counts: new(ingest.ClientCounts)}
		if begins, err := attempts(t.Context(), &l, script); !errors.Is(err, errAttempt) || len(begins) != 1 {
			t.Errorf("%s: %d attempts, %v", script, len(begins), err)
		}
	}
}

func TestLoopTells(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []string
		l := ingest.Loop{Stream: "cam", First: time.Second, Longest: time.Second, Log: slog.New(slog.DiscardHandler), Counts: new(ingest.ClientCounts)}
		l.Hook = func(p frame.Pull) {
			told = append(told, fmt.Sprintf("%v %d", p.State, p.Failures))
			retrying := p.State == frame.PullRetrying
			if p.Stream != "cam" || (p.Wait > 0) != retrying || errors.Is(p.Err, errAttempt) == (p.State == frame.PullConnected) {
				t.Errorf("%+v", p)
			}
		}
		if _, err := attempts(t.Context(), &l, "ffuuwfL"); !errors.Is(err, errAttempt) {
			t.Error(err)
		}
		want := "retrying 1, retrying 2, connected 0, lost 0, retrying 0, connected 0, lost 0, retrying 0, retrying 1, retrying 2"
		if got := strings.Join(told, ", "); got != want {
			t.Errorf("told %s, want %s", got, want)
		}
	})
}

func TestContextEndsALoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Minute, func() { cancel(errStop) })
		l := ingest.Loop{First: time.Hour, Longest: time.Hour, Log: slog.New(slog.DiscardHandler), Counts: new(ingest.ClientCounts)}
		start := time.Now()
		if begins, err := attempts(ctx, &l, "f"); !errors.Is(err, errStop) || len(begins) != 1 || time.Since(start) != time.Minute {
			t.Errorf("after %v and %d attempts: %v", time.Since(start), len(begins), err)
		}
		if _, err := attempts(ctx, &l, "f"); !errors.Is(err, errStop) {
			t.Errorf("an attempt under a context that is done: %v", err)
		}
	})
}
