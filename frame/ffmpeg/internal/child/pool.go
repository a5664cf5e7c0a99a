package child

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"runtime"
	"slices"
	"sync"
	"time"
)

const (
	startTimeout = 30 * time.Second // a hundred times what it takes
	idleFor      = 10 * time.Second // until children end that have nothing to do, all but one
)

// A Pool has children.
//
//	start ──▶ idle ◀──▶ at work on one job ──▶ killed, if anything went wrong
//	            └─▶ killed after idleFor, unless it is the only idle one, and by close
//
// Each child has a goroutine, which starts it, and waits for its end. None is asked to end, since it has nothing that would be lost.
type Pool struct {
	Memory int64 // bytes that a child may take, beside what it takes to start with
	Shared int64 // bytes of memory that it shares with this process

	// Hello reads what a child says first, and whether it says that it is confined.
	Hello func(io.Reader) (confined bool, err error)

	// Start starts a child: it is Start of this package, or like it.
	Start func(memory, shared int64) (*Child, error)

	running sync.WaitGroup // the goroutines of children

	mu       sync.Mutex
	children map[*Child]bool // that have not ended
	idle     []*Child        // the one that was used last comes last
	spare    bool            // a spare one is being started
	closed   bool
	stats    Stats
}

// start starts a child and waits until it is ready; if ctx ends first, the child becomes an idle one.
func (p *Pool) start(ctx context.Context) (*Child, error) {
	type started struct {
		child *Child
		err   error
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
		runtime.LockOSThread() // see Start
		defer runtime.UnlockOSThread()
		c, err := p.launch()
		select {
		case ready <- started{c, err}:
		case <-left:
			if err == nil {
				p.Put(c)
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
func (p *Pool) launch() (*Child, error) {
	c, err := p.Start(p.Memory, p.Shared)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	if p.children == nil {
		p.children = map[*Child]bool{}
	}
	p.children[c] = true
	p.stats.Started++
	closed := p.closed
	p.mu.Unlock()
	if closed {
		c.Kill()
	}
	_ = c.socket.SetDeadline(time.Now().Add(startTimeout))
	confined, err := p.Hello(c.socket)
	if err == nil {
		p.mu.Lock()
		p.stats.Confined = confined
		p.mu.Unlock()
		return c, nil
	}
	c.Kill()
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
func (p *Pool) wait(c *Child) {
	c.how = c.wait()
	p.mu.Lock()
	delete(p.children, c)
	p.idle = slices.DeleteFunc(p.idle, func(i *Child) bool { return i == c })
	p.mu.Unlock()
	_ = c.socket.Close()
	_ = c.Shared.Close()
	close(c.gone)
}

// Take returns an idle child, or a new one, and sees to it that the next to come finds one idle.
func (p *Pool) Take(ctx context.Context) (c *Child, err error) {
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
	p.Refill(ctx)
	return c, err
}

// Refill starts a spare child if none is idle.
func (p *Pool) Refill(ctx context.Context) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.spare || len(p.idle) > 0 {
		return
	}
	p.spare = true
	p.running.Go(func() {
		c, err := p.start(context.WithoutCancel(ctx))
		if err == nil {
			p.Put(c)
		} // else the next to come will try, and be told
		p.mu.Lock()
		p.spare = false
		p.mu.Unlock()
	})
}

// Put makes a child idle.
func (p *Pool) Put(c *Child) {
	if !p.put(c) {
		c.Kill()
	}
}

// put is Put, unless the child is to end.
func (p *Pool) put(c *Child) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || !p.children[c] {
		return false
	}
	p.idle = append(p.idle, c)
	c.expiry = time.AfterFunc(idleFor, func() {
		if p.expire(c) {
			c.Kill()
		}
	})
	return true
}

// expire takes away a child that has been idle for long, unless it is the only one.
func (p *Pool) expire(c *Child) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.Index(p.idle, c)
	if i < 0 || len(p.idle) == 1 {
		return false
	}
	p.idle = slices.Delete(p.idle, i, i+1)
	return true
}

// Blame counts why a child had to be killed, and returns that; if all were killed, since the pool was closed.
func (p *Pool) Blame(err error) error {
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

// Close ends all children, and waits for that.
func (p *Pool) Close() {
	p.mu.Lock()
	p.closed = true
	for _, c := range p.idle {
		c.expiry.Stop()
	}
	running := slices.Collect(maps.Keys(p.children)) // those to come find the Pool closed
	p.mu.Unlock()
	for _, c := range running {
		c.Kill()
	}
	p.running.Wait()
}

// Count tells how the children are.
func (p *Pool) Count() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.stats
	s.Running, s.Idle = len(p.children), len(p.idle)
	return s
}
