package capture

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/livestill/livestill/frame"
)

// A Hub takes in any number of streams, with a Camera for each while it is live.
type Hub struct {
	// NewCamera makes the Camera of a stream that is about to begin. An
	// error refuses the publisher and says why. It is the place to set
	// s.OnCue. Until it has returned the publisher has no hold on the name,
	// so that who is refused hurts nobody; of several that it lets in at
	// once, all but one may be refused after all. Any number of goroutines
	// call it.
	NewCamera func(s *frame.Stream) (*Camera, error)

	// TakeOver lets a second publisher of a live name take it over, as
	// encoders do that reconnect before their old connection is known to be
	// dead. The first is hung up on with ErrTakenOver. Each has a Camera of
	// its own, so that their pictures do not mix. Without TakeOver the
	// second is refused with ErrLive.
	TakeOver bool

	mu      sync.Mutex
	streams map[string]*publisher // by name
}

// A publisher is one that has a name for its stream.
type publisher struct {
	camera *Camera
	taken  atomic.Bool
}

// ServeStream serves s with a new Camera.
func (h *Hub) ServeStream(ctx context.Context, s *frame.Stream) error {
	errLive := fmt.Errorf("%s: %w", s.Name, ErrLive)
	if !h.TakeOver && h.Camera(s.Name) != nil {
		return errLive
	}
	c, err := h.NewCamera(s)
	switch {
	case err != nil:
		return err
	case c == nil:
		return fmt.Errorf("%s: NewCamera made no Camera", s.Name)
	}
	mine := &publisher{camera: c}
	if !h.hold(s.Name, mine) {
		return errLive
	}
	defer h.release(s.Name, mine)
	units := mine.until(s.Units)
	s.Units = func(yield func(frame.AccessUnit, error) bool) {
		defer h.release(s.Name, mine) // before the Camera waits for what captures have begun
		units(yield)
	}
	return c.ServeStream(ctx, s)
}

// hold gives a name to a publisher, unless another has it for good.
func (h *Hub) hold(name string, p *publisher) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.streams == nil {
		h.streams = make(map[string]*publisher)
	}
	if other := h.streams[name]; other != nil {
		if !h.TakeOver {
			return false
		}
		other.taken.Store(true)
	}
	h.streams[name] = p
	return true
}

func (h *Hub) release(name string, p *publisher) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.streams[name] == p {
		delete(h.streams, name)
	}
}

// until yields units until the name is taken over.
func (p *publisher) until(units iter.Seq2[frame.AccessUnit, error]) iter.Seq2[frame.AccessUnit, error] {
	return func(yield func(frame.AccessUnit, error) bool) {
		for u, err := range units {
			if p.taken.Load() {
				yield(frame.AccessUnit{}, ErrTakenOver)
				return
			}
			if !yield(u, err) {
				return
			}
		}
	}
}

// Camera returns the Camera of a live stream, nil if there is none of that name. It keeps working after the stream has ended,
// on what it remembers.
func (h *Hub) Camera(stream string) *Camera {
	h.mu.Lock()
	defer h.mu.Unlock()
	if p := h.streams[stream]; p != nil {
		return p.camera
	}
	return nil
}

// Streams returns the names of the live streams, sorted.
func (h *Hub) Streams() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var names []string
	for name := range h.streams {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Capture makes a still of the stream that r names. Its error is an *Error; ErrNotLive if there is no such stream.
func (h *Hub) Capture(ctx context.Context, r Request) (*Still, error) {
	c := h.Camera(r.Stream)
	if c == nil {
		return nil, &Error{Step: "wait", Stream: r.Stream, Err: ErrNotLive}
	}
	return c.Capture(ctx, r)
}

// Refine is Capture that delivers twice: see Camera.Refine.
func (h *Hub) Refine(ctx context.Context, r Request) iter.Seq2[*Still, error] {
	if c := h.Camera(r.Stream); c != nil {
		return c.Refine(ctx, r)
	}
	return func(yield func(*Still, error) bool) {
		yield(nil, &Error{Step: "wait", Stream: r.Stream, Err: ErrNotLive})
	}
}
