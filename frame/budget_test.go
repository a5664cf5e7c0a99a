package frame_test

import (
	"context"
	"errors"
	"math"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/fakeclock"
)

const mib = 1 << 20

// TestBudgetIsGivenInOrder has three wait for memory that one has: who came first is first, what is too much is refused, and who gives up
// is passed over.
func TestBudgetIsGivenInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &frame.Budget{Bytes: 400 * mib} // of which 100 are for decoding
		first, err := b.Reserve(t.Context(), frame.ForDecoding, 80*mib)
		if err != nil {
			t.Fatal(err)
		}
		wanted, done := b.Offer(frame.ForDecoding, 1000)
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
		} else if want := "too costly: 51.0 MiB for pictures, of 50.0 MiB in the budget"; err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	})
}

// TestMuchDelaysLittleByASecond: who asks for more than a quarter is passed after a second, and who has as much is overdue when others
// have waited for a second.
func TestMuchDelaysLittleByASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &frame.Budget{Bytes: 400 * mib} // of which 100 are for decoding
		began := time.Now()
		reserve := func(bytes int64) (after time.Duration, release func()) {
			release, err := b.Reserve(t.Context(), frame.ForDecoding, bytes)
			if err != nil {
				t.Error(err)
			}
			return time.Since(began), release
		}
		_, first := reserve(40 * mib)
		given := make(chan func())
		go func() {
			after, release := reserve(90 * mib)
			if after != 3*time.Second {
				t.Errorf("much was given after %v, want 3s", after)
			}
			given <- release
		}()
		synctest.Wait()
		after, second := reserve(20 * mib)
		if after != time.Second {
			t.Errorf("little was given after %v, want 1s", after)
		}
		fakeclock.Pass(2 * time.Second)
		if b.Overdue(frame.ForDecoding, 40*mib) {
			t.Error("40 of 100 are overdue while nobody waits except for more")
		}
		first()
		second()
		release := <-given
		go reserve(20 * mib)
		fakeclock.Pass(time.Second - time.Nanosecond)
		if b.Overdue(frame.ForDecoding, 90*mib) {
			t.Error("90 of 100 are overdue before a second is over")
		}
		fakeclock.Pass(time.Nanosecond)
		if !b.Overdue(frame.ForDecoding, 90*mib) || b.Overdue(frame.ForDecoding, 25*mib) {
			t.Error("after a second 90 of 100 are to be overdue, and 25 not")
		}
		release()
	})
}

// TestNoMoreIsAcceptedThanItTakes has four offer memory, of which others want that of two.
func TestNoMoreIsAcceptedThanItTakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &frame.Budget{Bytes: 400 * mib} // of which 100 are for decoding
		var told atomic.Int64
		for range 4 {
			release, _ := b.Reserve(t.Context(), frame.ForDecoding, 25*mib)
			wanted, done := b.Offer(frame.ForDecoding, 25*mib)
			go func() {
				select {
				case <-wanted:
					told.Add(1)
					fakeclock.Pass(time.Millisecond) // for which it has to be counted on
				case <-time.After(time.Minute):
				}
				release()
				done()
			}()
		}
		for range 2 {
			go func() {
				if _, err := b.Reserve(t.Context(), frame.ForDecoding, 20*mib); err != nil {
					t.Error(err)
				}
			}()
		}
		fakeclock.Pass(time.Second)
		if n := told.Load(); n != 2 {
			t.Errorf("%d were told, want 2", n)
		}
		fakeclock.Pass(time.Minute)
	})
}

// TestWhoHasMuchLeavesAsMuch has one keep what he is given for ever. Others are given what he has to leave, and a third what they leave.
func TestWhoHasMuchLeavesAsMuch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &frame.Budget{Bytes: 800 * mib} // of which 100 are for pictures
		ctx, cancel := context.WithCancel(t.Context())
		given := make(map[string]int)
		ask := func(who string, times int) {
			for range times {
				go func() {
					if _, err := b.ReserveFor(ctx, who, frame.ForPictures, 10*mib); err == nil {
						given[who]++
					}
				}()
				synctest.Wait()
			}
		}
		ask("one", 20)
		ask("two", 20)
		ask("three", 1)
		if given["one"] != 5 || given["two"] != 2 || given["three"] != 1 {
			t.Errorf("given: %v", given)
		}
		if s := b.Stats(); s.Waiting != 33 || s.Reserved != 80*mib {
			t.Errorf("%+v", s)
		}
		cancel()
		synctest.Wait()
	})
}

// TestNonsenseIsNotCounted: less than none is none, and what overflows is too much.
func TestNonsenseIsNotCounted(t *testing.T) {
	b := new(frame.Budget)
	if _, err := b.Reserve(t.Context(), frame.ForPictures, math.MinInt64); err != nil {
		t.Error(err)
	}
	release, ok := b.Try(frame.ForPictures, -1)
	if !ok || b.Stats().Reserved != 0 {
		t.Errorf("%v, %+v", ok, b.Stats())
	}
	release()
	b.Try(frame.ForPictures, 1)
	if _, ok := b.Try(frame.ForPictures, math.MaxInt64); ok {
		t.Error("more than any machine has")
	}
}
