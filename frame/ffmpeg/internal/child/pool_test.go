package child_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livestill/livestill/frame/ffmpeg/internal/child"
	"github.com/livestill/livestill/internal/fakeclock"
)

// A shared is memory that is none.
type shared struct{}

func (shared) ReadAt(b []byte, _ int64) (int, error) { return len(b), nil }
func (shared) Close() error                          { return nil }

// fakes returns a Pool of children that are no processes. They say hello so, and nothing else.
func fakes(hello string) *child.Pool {
	return &child.Pool{
		Hello: func(r io.Reader) (bool, error) {
			b := make([]byte, 1)
			if _, err := io.ReadFull(r, b); err != nil {
				return false, err
			}
			if b[0] != 'h' {
				return false, errors.New("it is no hello")
			}
			return true, nil
		},
		Start: func(_, _ int64) (*child.Child, error) {
			ours, theirs := net.Pipe()
			go func() {
				_, _ = io.WriteString(theirs, hello)
				_, _ = io.Copy(io.Discard, theirs)
			}()
			killed := make(chan struct{})
			wait := func() string {
				<-killed
				return "killed"
			}
			return child.New(ours, shared{}, sync.OnceFunc(func() { close(killed) }), func() {}, wait), nil
		},
	}
}

// Children are used again, one is always spare, and of those that are idle all but one end after ten seconds.
func TestPool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := fakes("h")
		defer p.Close()
		var all []*child.Child
		for range 3 {
			c, err := p.Take(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, c)
		}
		synctest.Wait()
		if s := p.Count(); s.Running != 4 || s.Idle != 1 || s.Started != 4 || !s.Confined {
			t.Errorf("three at work: %+v", s)
		}
		for _, c := range all {
			p.Put(c)
		}
		if c, err := p.Take(t.Context()); err != nil || c != all[2] {
			t.Errorf("not the one that was used last: %v", err)
		} else {
			p.Put(c)
		}
		fakeclock.Pass(11 * time.Second)
		synctest.Wait()
		if s := p.Count(); s.Running != 1 || s.Idle != 1 {
			t.Errorf("after eleven seconds: %+v", s)
		}
		p.Close()
		if s := p.Count(); s.Running != 0 || s.Idle != 0 {
			t.Errorf("closed: %+v", s)
		}
		if _, err := p.Take(t.Context()); !errors.Is(err, child.ErrClosed) {
			t.Errorf("closed: %v", err)
		}
	})
}

// A child that does not say hello is killed, and the error says whether it said something else or nothing.
func TestPoolOfStrangers(t *testing.T) {
	for hello, want := range map[string]error{"what": child.ErrCrashed, "": child.ErrHung} {
		synctest.Test(t, func(t *testing.T) {
			p := fakes(hello)
			if _, err := p.Take(t.Context()); !errors.Is(err, want) {
				t.Errorf("%q: %v, want %v", hello, err, want)
			}
			p.Close()
			if s := p.Count(); s.Running != 0 {
				t.Errorf("%q: %+v", hello, s)
			}
		})
	}
}

// When a context ends, a child has a little time left for its answer.
func TestExchangeIsHurried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := fakes("h")
		defer p.Close()
		c, err := p.Take(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		err = c.Exchange(ctx, nil, time.Hour, func(r io.Reader) error {
			_, err := io.ReadAll(r)
			return err
		})
		if took := time.Since(began); !errors.Is(err, os.ErrDeadlineExceeded) || took < time.Second || took > 1100*time.Millisecond {
			t.Errorf("%v after %v", err, took)
		}
		c.Kill()
		if how := c.End(); how != "killed" {
			t.Errorf("it ended: %s", how)
		}
	})
}
