package frame_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/fakeclock"
)

// TestHistoryForgetsByTheClock has three GOPs of half a second, and then nothing more of the stream, which has ended or not. A MaxAge later
// what was shown before is forgotten; what is on show since is not, unless the stream has ended.
func TestHistoryForgetsByTheClock(t *testing.T) {
	for _, test := range []struct {
		about string
		cut   bool
		after []int         // GOPs that are left, half a second after half a second, from the last unit or the end on
		still time.Duration // between those
	}{
		{"stalled", false, []int{3, 2, 1, 1}, 0},
		{"ended", true, []int{3, 2, 0, 0}, 0},
		{"stalled, and then ended: the last picture was on show until then", true, []int{1, 1, 0, 0}, 5 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			h := frame.History{MaxAge: time.Second, Budget: new(frame.Budget)}
			for n := range 15 {
				h.Add(unit(n, n%5 == 0, 10))
				if n < 14 {
					fakeclock.Pass(100 * time.Millisecond)
				}
			}
			fakeclock.Pass(test.still)
			if test.cut {
				h.Cut()
			}
			for n, want := range test.after {
				synctest.Wait()
				if got := len(h.GOPs()); got != want {
					t.Errorf("%s for %v: %d GOPs are left, want %d", test.about, time.Duration(n)*time.Second/2, got, want)
				}
				fakeclock.Pass(500*time.Millisecond + 1)
			}
			if test.cut && (h.Size() > 100 || h.Budget.Stats().Remembered > 4<<10) {
				t.Errorf("%d bytes are left, the Budget knows of %d", h.Size(), h.Budget.Stats().Remembered)
			}
			h.Add(unit(100, true, 10)) // and goes on
			if got := len(h.GOPs()); got == 0 {
				t.Error("nothing is remembered any more")
			}
		})
	}
}
