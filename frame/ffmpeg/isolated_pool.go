package ffmpeg

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"slices"
	"sync"
	"time"
)

const (
	startTimeout = 30 * time.Second // a hundred times what it takes
	idleFor      = 10 * time.Second // until children end that have nothing to do, all but one
	mostGOPs     = 1000             // of one child, so that what libav may leak has an end
)

// A pool holds the children of an Isolated.
//
//	start ──▶ idle ◀──▶ at work on one GOP ──▶ killed, if anything went wrong
//	            └─▶ killed after idleFor, unless it is the only idle one, and by close
//
// Each child has a goroutine, which starts it, and waits for its end. None is asked to end, since it holds nothing that would be lost.
type pool struct {
	memory, room int64 // bytes of a child

	running sync.WaitGroup // the goroutines of children

	mu       sync.Mutex
	children map[*child]bool // that have not ended
	idle     []*child        // the one that was used last comes last
	spare    bool            // a spare one is being started
	closed   bool
	stats    Children
}

// A child is a process that decodes.
type child struct {
	socket interface { // to talk to it
		io.ReadWriteCloser
		SetDeadline(t time.Time) error
	}
	room interface { // where it makes pictures
		io.ReaderAt
		io.Closer
	}
	kill func()
	wait func() (how string) // waits for its end, and tells how that was

	gone   chan struct{} // closed when it has ended
	how    string        // set before that
	gops   int           // that it has begun
	expiry *time.Timer   // while it is idle
}

// start starts a child and waits until it is ready; if ctx ends first, the child becomes an idle one.
func (p *pool) start(ctx context.Context) (*child, error) {
	type started struct {
		*child
		err error
	}
	ready := make(chan started)
	left := make(chan struct{})
	defer close(left)
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, ErrClosed
	}
	p.running.Add(1)
	p.mu.Unlock()
	go func() {
		defer p.running.Done()
		runtime.LockOSThread() // see startChild
		defer runtime.UnlockOSThread()
		c, err := p.launch()
		select {
		case ready <- started{c, err}:
		case <-left:
			if err == nil {
				p.put(c)
			}
		}
		if err == nil {
			p.wait(c)
		}
	}()
	select {
	case s := <-ready:
		return s.child, s.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// launch starts a child, and hears it say hello.
func (p *pool) launch() (*child, error) {
	c, err := startChild(p.memory, p.room)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	p.children[c] = true
	p.stats.Started++
	closed := p.closed
	p.mu.Unlock()
	if closed {
		c.kill()
	}
	_ = c.socket.SetDeadline(time.Now().Add(startTimeout))
	a, _, err := readAnswer(c.socket)
	if err == nil && a.Kind == ansHello {
		p.mu.Lock()
		p.stats.Confined = a.Confined
		p.mu.Unlock()
		return c, nil
	}
	c.kill()
	p.wait(c)
	switch {
	case closed:
		return nil, ErrClosed
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, fmt.Errorf("%w: is ffmpeg.Child() called at the very top of main, always?", ErrHung)
	}
	return nil, fmt.Errorf("%w: %s", ErrCrashed, c.how)
}

// wait waits for the end of a child.
func (p *pool) wait(c *child) {
	c.how = c.wait()
	p.mu.Lock()
	delete(p.children, c)
	p.idle = slices.DeleteFunc(p.idle, func(i *child) bool { return i == c })
	p.mu.Unlock()
	_ = c.socket.Close()
	_ = c.room.Close()
	close(c.gone)
}

// take returns an idle child, or a new one, and sees to it that the next to come finds one idle.
func (p *pool) take(ctx context.Context) (c *child, err error) {
	p.mu.Lock()
	if n := len(p.idle); n > 0 {
		c = p.idle[n-1]
		p.idle = p.idle[:n-1]
		c.expiry.Stop()
	}
	p.mu.Unlock()
	if c == nil {
		c, err = p.start(ctx)
	}
	p.refill(ctx)
	return c, err
}

// refill starts a spare child if none is idle.
func (p *pool) refill(ctx context.Context) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.spare || len(p.idle) > 0 {
		return
	}
	p.spare = true
	p.running.Go(func() {
		c, err := p.start(context.WithoutCancel(ctx))
		if err == nil {
			p.put(c)
		} // else the next to come will try, and be told
		p.mu.Lock()
		p.spare = false
		p.mu.Unlock()
	})
}

// put makes a child idle.
func (p *pool) put(c *child) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || !p.children[c] {
		c.kill()
		return
	}
	p.idle = append(p.idle, c)
	c.expiry = time.AfterFunc(idleFor, func() { p.expire(c) })
}

// expire ends a child that has been idle for long, unless it is the only one.
func (p *pool) expire(c *child) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := slices.Index(p.idle, c); i >= 0 && len(p.idle) > 1 {
		p.idle = slices.Delete(p.idle, i, i+1)
		c.kill()
	}
}

// blame counts why a child had to be killed, and returns that; if all were killed, since the pool was closed.
func (p *pool) blame(err error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.closed:
		return ErrClosed
	case errors.Is(err, ErrHung):
		p.stats.Hung++
	default:
		p.stats.Crashed++
	}
	return err
}

// close ends all children, and waits for that.
func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	for _, c := range p.idle {
		c.expiry.Stop()
	}
	for c := range p.children {
		c.kill()
	}
	p.mu.Unlock()
	p.running.Wait()
}

func (p *pool) count() Children {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.stats
	s.Running, s.Idle = len(p.children), len(p.idle)
	return s
}

// roomFor returns the bytes of the largest picture.
func roomFor(maxPixels int) int64 { return 3 * int64(min(maxPixels, math.MaxInt32)) }
