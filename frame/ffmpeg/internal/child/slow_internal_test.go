package child

import (
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livestill/livestill/internal/fakeclock"
)

// A request that is slow costs the child its priority, and is given up when others wait. One that is not is let be.
func TestSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		go func() { _, _ = io.Copy(io.Discard, theirs) }() // it hears all, and never answers
		defer func() { _ = ours.Close() }()
		var lowered atomic.Int32
		c := New(ours, nil, func() {}, func() { lowered.Add(1) }, nil)
		p := &Pool{children: map[*Child]bool{c: true}}
		began, end := time.Now(), make(chan error)
		go func() {
			end <- c.Exchange(t.Context(), []byte{1}, 10*Slow, func(answers io.Reader) error {
				_, err := io.ReadFull(answers, make([]byte, 1))
				return err
			})
		}()
		fakeclock.Pass(Slow / 2)
		p.GiveUp()
		if p.Late(Slow) != 0 || p.Late(Slow/2) != 1 || c.Slowed() {
			t.Error("it is slow too early")
		}
		fakeclock.Pass(Slow)
		if lowered.Load() != 1 || !c.Slowed() || p.Late(Slow) != 1 {
			t.Errorf("its priority was lowered %d times", lowered.Load())
		}
		p.GiveUp()
		if err := <-end; !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) != Slow*3/2 {
			t.Errorf("it ended after %v, %v", time.Since(began), err)
		}
		if p.Late(0) != 1 || p.Late(1) != 0 {
			t.Error("it is still at a request")
		}
	})
}
