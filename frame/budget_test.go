package frame_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/livestill/livestill/frame"
)

const mib = 1 << 20

// TestBudgetIsGivenInOrder has three wait for memory that one holds: who came first is first, what is too much is refused, and who gives up
// is passed over.
func TestBudgetIsGivenInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &frame.Budget{Bytes: 400 * mib} // of which 100 are for decoding
		first, err := b.Reserve(t.Context(), frame.ForDecoding, 80*mib)
		if err != nil {
			t.Fatal(err)
		}
		wanted, done := b.Wanted(frame.ForDecoding)
		var order []int
		wait := func(n int, ctx context.Context, bytes int64) {
			go func() {
				release, err := b.Reserve(ctx, frame.ForDecoding, bytes)
				if err == nil {
					order = append(order, n)
					release()
				}
			}()
			synctest.Wait()
		}
		select {
		case <-wanted:
			t.Error("memory is wanted before anybody waits")
		default:
		}
		ctx, cancel := context.WithCancel(t.Context())
		wait(1, ctx, 90*mib)
		wait(2, t.Context(), 70*mib)
		wait(3, t.Context(), 40*mib)
		select {
		case <-wanted:
		default:
			t.Error("nobody was told that memory is wanted")
		}
		done()
		if _, ok := b.Try(frame.ForDecoding, 1); ok || len(order) > 0 {
			t.Errorf("some came before those who waited: %v", order)
		}
		cancel()
		synctest.Wait()
		first()
		first() // again, which is nothing
		synctest.Wait()
		if len(order) != 2 || order[0] != 2 || order[1] != 3 {
			t.Errorf("it was given to %v, want 2 and 3", order)
		}
		if _, err := b.Reserve(t.Context(), frame.ForDecoding, 101*mib); !errors.Is(err, frame.ErrTooCostly) {
			t.Errorf("more than there is: %v", err)
		}
		if release, err := b.Reserve(t.Context(), frame.ForDecoding, 100*mib); err != nil {
			t.Errorf("all there is: %v", err)
		} else {
			release()
		}
		if _, err := b.Reserve(t.Context(), frame.ForPictures, 51*mib); !errors.Is(err, frame.ErrTooCostly) {
			t.Errorf("an eighth is for pictures: %v", err)
		}
	})
}
