package capture

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// A Runner takes in a stream until ctx ends, and returns why it has ended: an rtsp.Client or an rtmp.Client, whose Handler is the Hub that asked
// for it.
type Runner interface {
	Run(ctx context.Context) error
}

// errNotAsked ends what is pulled when nobody has asked for it for as long as a Hub lingers.
var errNotAsked = errors.New("nobody asks for the stream any more")

// pulls are the streams that a Hub pulls since it was asked for them.
type pulls struct {
	serving context.Context // of Hub.Run, under which they run; nil while that does not run
	running sync.WaitGroup
	byName  map[string]*pull
}

// A pull is one of them.
type pull struct {
	end   context.CancelCauseFunc
	users int           // captures under way
	idle  *time.Timer   // ends it; runs while there are none
	ended chan struct{} // closed when it has ended, with err
	err   error
}

// Run runs what Source gives, until ctx ends, and returns its cause when all of it has ended. A Hub with a Source needs one Run.
func (h *Hub) Run(ctx context.Context) error {
	h.mu.Lock()
	if h.pulls.serving != nil {
		h.mu.Unlock()
		return errors.New("capture: Hub.Run runs already")
	}
	h.pulls.serving = ctx
	h.mu.Unlock()
	<-ctx.Done()
	h.mu.Lock()
	h.pulls.serving = nil
	h.mu.Unlock()
	h.pulls.running.Wait()
	return context.Cause(ctx)
}

// source returns the Camera of a stream that is pulled for a capture, as soon as it is there; done says that the capture has ended.
func (h *Hub) source(ctx context.Context, name string) (c *Camera, done func(), err error) {
	p, err := h.join(name)
	if err != nil {
		return nil, nil, err
	}
	done = func() { h.leave(p) }
	for {
		c, changed := h.await(name)
		if c != nil {
			return c, done, nil
		}
		select {
		case <-changed:
			continue
		case <-p.ended:
			err = fmt.Errorf("%w: %w", ErrNotLive, p.err)
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
		done()
		return nil, nil, err
	}
}

// pulling reports whether a stream is there since it was asked for: it is to remain as long as it is.
func (h *Hub) pulling(name string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.pulls.byName[name] != nil
}

// await returns the Camera of a live stream, or what is closed when another stream begins.
func (h *Hub) await(name string) (c *Camera, changed <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if n := h.named[name]; n != nil && n.live != nil {
		return n.camera, nil
	}
	if h.changed == nil {
		h.changed = make(chan struct{})
	}
	return nil, h.changed
}

// join returns the pull of a stream, which it begins if there is none.
func (h *Hub) join(name string) (*pull, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if p := h.pulls.byName[name]; p != nil {
		p.users++
		p.idle.Stop()
		return p, nil
	}
	if h.pulls.serving == nil {
		return nil, fmt.Errorf("%w: Hub.Run does not run", ErrNotLive)
	}
	ctx, end := context.WithCancelCause(h.pulls.serving)
	p := &pull{end: end, users: 1, ended: make(chan struct{})}
	p.idle = time.AfterFunc(time.Hour, func() { h.expire(p) })
	p.idle.Stop()
	if h.pulls.byName == nil {
		h.pulls.byName = make(map[string]*pull)
	}
	h.pulls.byName[name] = p
	h.pulls.running.Go(func() { h.run(ctx, name, p) })
	return p, nil
}

// run runs a pull.
func (h *Hub) run(ctx context.Context, name string, p *pull) {
	p.err = contain(func() error {
		r, err := h.Source(name)
		switch {
		case err != nil:
			return err
		case r == nil:
			return errors.New("Source has none of that name")
		}
		return r.Run(ctx)
	})
	if p.err == nil {
		p.err = errors.New("it has ended")
	}
	p.end(nil)
	h.mu.Lock()
	defer h.mu.Unlock()
	p.idle.Stop()
	delete(h.pulls.byName, name)
	close(p.ended)
}

// leave ends one use of a pull; a while after the last it ends.
func (h *Hub) leave(p *pull) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if p.users--; p.users == 0 {
		p.idle.Reset(max(0, h.linger()))
	}
}

// expire ends a pull that nobody uses.
func (h *Hub) expire(p *pull) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if p.users == 0 {
		p.end(errNotAsked)
	}
}
