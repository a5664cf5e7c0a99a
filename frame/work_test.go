package frame_test

import (
	"context"
	"errors"
	"testing"

	"github.com/livestill/livestill/frame"
)

// TestWork has work that calls work: it is run once by whoever gave the context, and by nobody without one.
func TestWork(t *testing.T) {
	errDone := errors.New("done")
	runs, does := 0, 0
	work := func(ctx context.Context) error {
		return frame.Work(ctx, func(ctx context.Context) error {
			return frame.Work(ctx, func(context.Context) error {
				does++
				return errDone
			})
		})
	}
	with := frame.WithWork(t.Context(), func(_ context.Context, do func() error) error {
		runs++
		return do()
	})
	for n, ctx := range []context.Context{t.Context(), with, frame.WithWork(with, nil)} {
		if err := work(ctx); !errors.Is(err, errDone) || does != n+1 {
			t.Errorf("context %d: %v, done %d times", n, err, does)
		}
	}
	if runs != 1 {
		t.Errorf("%d runs", runs)
	}
}
