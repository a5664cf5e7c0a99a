package capture

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/livestill/livestill/frame"
)

// A Hub takes in any number of streams, with a Camera for each while it is live.
type Hub struct {
	// NewCamera makes the Camera of a stream that is about to begin. An error refuses the publisher and says why.
	NewCamera func(s *frame.Stream) (*Camera, error)

	mu      sync.Mutex
	cameras map[string]*Camera // by stream name; nil while NewCamera runs
}

// ServeStream serves s with a new Camera. A second stream of a live name is refused with ErrLive.
func (h *Hub) ServeStream(ctx context.Context, s *frame.Stream) error {
	if !h.reserve(s.Name) {
		return fmt.Errorf("%s: %w", s.Name, ErrLive)
	}
	defer func() {
		h.mu.Lock()
		delete(h.cameras, s.Name)
		h.mu.Unlock()
	}()
	c, err := h.NewCamera(s)
	if err != nil {
		return err
	}
	h.mu.Lock()
	h.cameras[s.Name] = c
	h.mu.Unlock()
	return c.ServeStream(ctx, s)
}

// reserve takes a name that is not live.
func (h *Hub) reserve(name string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, live := h.cameras[name]; live {
		return false
	}
	if h.cameras == nil {
		h.cameras = make(map[string]*Camera)
	}
	h.cameras[name] = nil
	return true
}

// Camera returns the Camera of a live stream, nil if there is none of that name. It keeps working after the stream has ended,
// on what it remembers.
func (h *Hub) Camera(stream string) *Camera {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.cameras[stream]
}

// Streams returns the names of the live streams, sorted.
func (h *Hub) Streams() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var names []string
	for name, c := range h.cameras {
		if c != nil {
			names = append(names, name)
		}
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
