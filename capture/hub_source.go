package capture

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/livestill/livestill/capture/internal/shared"
)

// A Runner takes in a stream until ctx ends, and returns why it has ended: an rtsp.Client or an rtmp.Client, whose Handler is the Hub that asked
// for it. One that does not return then keeps its name: captures of it end with ErrNotLive after ten seconds, and slog.Default tells once.
type Runner interface {
	Run(ctx context.Context) error
}

// errNotAsked ends what is pulled when nobody has asked for it for as long as a Hub lingers.
var errNotAsked = errors.New("nobody asks for the stream any more")

// A sourceError is why a pull has ended, for those who capture. Its text says no more than that: they need not know where the stream is, and by
// what key. errors.Is and errors.As look into it.
type sourceError struct{ err error }

func (sourceError) Error() string   { return "its source has failed, or ended" }
func (e sourceError) Unwrap() error { return e.err }

// pulls are the streams that a Hub pulls since it was asked for them.
type pulls struct {
	start   func(p *pull) // of Hub.Run; nil while that does not run
	running sync.WaitGroup
	byName  map[string]*pull
}

// A pull is one of them.
type pull struct {
	name    string
	end     context.CancelCauseFunc
	users   int           // captures under way
	streams int           // that it has brought
	idle    *time.Timer   // ends it; runs while there are none
	expired bool          // nobody used it for a while: whoever wants it now has it pulled anew
	stuck   bool          // it did not end in time after that, and the log has told
	ended   chan struct{} // closed when it has ended, with err
	err     error
}

// pullKey is the key of the pull in the context that its Runner has, and hands on to ServeStream.
type pullKey struct{}

// pullOf returns the pull of h that a stream comes by; nil if it was not asked for.
func (h *Hub) pullOf(ctx context.Context) *pull {
	p, _ := ctx.Value(pullKey{}).(*pull)
	if p == nil {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.pulls.byName[p.name] != p {
		return nil
	}
	return p
}

// Run runs what Source gives, until ctx ends, and returns its cause when all of it has ended. A Hub with a Source needs one Run.
func (h *Hub) Run(ctx context.Context) error {
	h.mu.Lock()
	if h.pulls.start != nil {
		h.mu.Unlock()
		return errors.New("capture: Hub.Run runs already")
	}
	h.pulls.start = func(p *pull) {
		ctx, end := context.WithCancelCause(context.WithValue(ctx, pullKey{}, p))
		p.end = end
		h.pulls.running.Go(func() { h.run(ctx, p) })
	}
	h.mu.Unlock()
	<-ctx.Done()
	h.mu.Lock()
	h.pulls.start = nil
	h.mu.Unlock()
	h.pulls.running.Wait()
	return context.Cause(ctx)
}

// source returns the Camera of a stream that is pulled for a capture, as soon as it is there; done says that the capture has ended.
func (h *Hub) source(ctx context.Context, name string) (c *Camera, done func(), err error) {
	for {
		p, before, err := h.join(name)
		if err != nil {
			return nil, nil, err
		}
		c, err = h.arrival(ctx, p, before)
		if err == nil {
			return c, func() { h.leave(p) }, nil
		}
		if anew := h.leave(p); !anew || ctx.Err() != nil || errors.Is(err, errStuck) {
			return nil, nil, err
		}
	}
}

// A Client's connection takes no longer, unless something is wrong.
const longestArrival = 10 * time.Second

// arrival waits until a stream of a pull is there, or was, after so many before.
func (h *Hub) arrival(ctx context.Context, p *pull, before int) (*Camera, error) {
	late := time.NewTimer(longestArrival)
	defer late.Stop()
	for {
		c, changed := h.await(p, before)
		if c != nil {
			return c, nil
		}
		select {
		case <-changed:
		case <-late.C:
			return nil, h.late(p)
		case <-p.ended:
			if c, _ := h.await(p, before); c != nil {
				return c, nil
			}
			return nil, fmt.Errorf("%w: %w", ErrNotLive, sourceError{p.err})
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// errStuck is of a Runner that ignores its context.
var errStuck = fmt.Errorf("%w: what pulled it before was told to end and has not within %v, so that it cannot be pulled anew", ErrNotLive, longestArrival)

// late tells why the stream of a pull is not there in time. The log tells once of a Runner that does not end.
func (h *Hub) late(p *pull) error {
	h.mu.Lock()
	expired, told := p.expired, p.stuck
	p.stuck = expired
	h.mu.Unlock()
	if !expired {
		return fmt.Errorf("%w: it was not there within %v", ErrNotLive, longestArrival)
	}
	if !told {
		slog.Warn("capture: a Runner has not ended with its context, its stream cannot be pulled", printable("stream", p.name))
	}
	return errStuck
}

// await returns the Camera of a live stream, or of one that the pull has brought since it had brought so many; else what is closed when another
// stream begins.
func (h *Hub) await(p *pull, before int) (c *Camera, changed <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if n := h.named[p.name]; n != nil && (n.live != nil || n.pull == p && p.streams > before) {
		return n.camera, nil
	}
	if h.changed == nil {
		h.changed = make(chan struct{})
	}
	return nil, h.changed
}

// join returns the pull of a stream, which it begins if there is none, and how many streams it has brought.
func (h *Hub) join(name string) (p *pull, before int, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if p := h.pulls.byName[name]; p != nil {
		p.users++
		p.idle.Stop()
		return p, p.streams, nil
	}
	if h.pulls.start == nil {
		return nil, 0, fmt.Errorf("%w: Hub.Run does not run", ErrNotLive)
	}
	p = &pull{name: name, users: 1, ended: make(chan struct{}), err: shared.ErrExit} // unless it returns
	p.idle = time.AfterFunc(time.Hour, func() { h.expire(p) })
	p.idle.Stop()
	if h.pulls.byName == nil {
		h.pulls.byName = make(map[string]*pull)
	}
	h.pulls.byName[name] = p
	h.pulls.start(p)
	return p, 0, nil
}

// run runs a pull.
func (h *Hub) run(ctx context.Context, p *pull) {
	defer h.forget(p)
	p.err = containStep(StepPull, p.name, func() error {
		r, err := h.Source(p.name)
		switch {
		case err != nil:
			return err
		case r == nil:
			return errors.New("there is no source of that name")
		}
		return r.Run(ctx)
	})
	if p.err == nil {
		p.err = errors.New("it has ended")
	}
}

// forget forgets a pull that has ended.
func (h *Hub) forget(p *pull) {
	p.end(nil)
	h.mu.Lock()
	defer h.mu.Unlock()
	p.idle.Stop()
	delete(h.pulls.byName, p.name)
	close(p.ended)
}

// leave ends one use of a pull; a while after the last it ends. It tells whether the pull ends since nobody used it.
func (h *Hub) leave(p *pull) (expired bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if p.users--; p.users == 0 && !p.expired {
		p.idle.Reset(max(0, h.linger()))
	}
	return p.expired
}

// expire ends a pull that nobody uses.
func (h *Hub) expire(p *pull) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if p.users == 0 {
		p.expired = true
		p.end(errNotAsked)
	}
}
