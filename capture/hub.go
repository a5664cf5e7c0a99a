package capture

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/livestill/livestill/frame"
)

// A Hub takes in any number of streams, with a Camera for each while it is live, and for a while longer. Its fields must not change once it is in
// use; its functions may decide anew each time.
type Hub struct {
	// Name says what a stream is called: in captures, stores and logs. With
	// RTMP it is asked for as app/key, and the key is often a secret, see
	// Stream.Key: here is the place to look up whose it is. Whoever
	// publishes without a key names an app alone, and has shown no secret.
	// An error refuses the publisher. Nil leaves Stream.Name as it is. It
	// is called before NewCamera, on the same goroutine; not for what
	// Source pulls, which has the name that it was asked for by.
	Name func(s *frame.Stream) (string, error)

	// NewCamera makes the Camera of a stream that is about to begin. An
	// error refuses the publisher and says why. It is the place to set
	// s.OnCue. Until it has returned the publisher does not have the name,
	// so that who is refused hurts nobody; of several that it lets in at
	// once, all but one may be refused after all. Any number of goroutines
	// call it. If a Camera of that name is still there, see Linger, that
	// one goes on, and the new one is not used. One Camera serves one name:
	// with that of another name a publisher is refused. So it is, with
	// ErrLive, while the Camera has a stream that is not of this Hub. It is
	// required.
	NewCamera func(s *frame.Stream) (*Camera, error)

	// TakeOver lets a second publisher of a live name take it over, but not
	// what Source pulls, as
	// encoders do that reconnect before their old connection is known to be
	// dead. The first is hung up on with ErrTakenOver, and the second goes
	// on with its Camera. Without TakeOver the second is refused with
	// ErrLive.
	TakeOver bool

	// Linger is how long a stream's Camera remains when it has ended: its
	// last seconds can be captured, and a publisher that comes back goes on
	// with it. What the two send never decodes into each other. Zero means
	// ten seconds, as long as a History remembers if nothing else is said;
	// negative means not at all.
	Linger time.Duration

	// Source says what pulls a stream that a capture asks for and that is
	// not live: it is pulled as long as captures ask for it, and for as
	// long as Linger says after the last; at the same time once for all of
	// them. A capture waits until the stream is there, for ten seconds. An
	// error, or nil, ends the capture with ErrNotLive, and so does the end
	// of Run; errors.Is and errors.As find why, which its text, that a
	// viewer may see, does not tell. What a stream has left behind, see
	// Linger, is captured without. The stream has the name that was asked
	// for, whatever the Runner calls it, if it hands its context on to
	// ServeStream. It takes a Run. Nil pulls nothing.
	Source func(stream string) (Runner, error)

	// MaxBytes bounds the memory of all Histories together, but of those
	// that have a Budget of their own: the largest is shrunk first. Zero
	// leaves it to the Budgets of the Cameras: see frame.Budget.
	MaxBytes int64

	// Policy is asked before anything is said of a stream, also of one that
	// is not live: who may not capture does not learn which are. Then the
	// Camera's own is asked. Nil allows.
	Policy Policy

	// Notifier is told how captures ended that came to no Camera: who was
	// refused by Policy, or wanted a stream that is not live. A Camera's
	// own is told of all others. It may be nil.
	Notifier Notifier

	// OnBegin is told of a stream that begins, before its first unit, OnEnd
	// of one that has ended, and why: nil if the publisher has left
	// properly. They are called on the goroutine of the stream, which waits
	// for them. Either may be nil.
	OnBegin func(Live)
	OnEnd   func(Live, error)

	once      sync.Once
	histories *frame.Budget // of MaxBytes; nil without it

	mu      sync.Mutex
	named   map[string]*named
	changed chan struct{} // closed when another stream begins; nil while nobody waits
	pulls   pulls
}

// A named is what has a name: a live stream, or one that has ended.
type named struct {
	camera *Camera
	pull   *pull       // that its last stream came by; nil if nobody asked for it
	live   *publisher  // nil when it has ended
	forget *time.Timer // ends what lingers
}

// A publisher is one that has a name for its stream.
type publisher struct {
	hub    *Hub
	stream *frame.Stream
	pull   *pull // that it comes by; nil for none
	since  time.Time
	cause  atomic.Pointer[error] // why it is hung up on; nil unless it is
	failed error                 // what OnEnd did
}

const defaultLinger = 10 * time.Second // as long as a History remembers; chosen, not measured

// ServeStream serves s with its Camera: a new one, or the one that it had before. ctx ends it, as Close does.
func (h *Hub) ServeStream(ctx context.Context, s *frame.Stream) error {
	pull := h.pullOf(ctx)
	c, err := h.admit(s, pull)
	if err != nil {
		return err
	}
	mine := &publisher{hub: h, stream: s, pull: pull, since: time.Now()}
	c, out, before, err := h.takeName(c, mine)
	if err != nil {
		return err
	}
	defer h.releaseName(mine)
	defer c.claim.release()
	if out != nil {
		out.close(ErrTakenOver)
	}
	s.Units = h.units(c, mine)
	for begun := false; !begun; before = c.scheduler().Live() {
		if err := mine.await(ctx, before); err != nil {
			return err
		}
		if begun, err = c.serve(ctx, s); !begun && c.claim.alone() {
			break // whoever else has called its ServeStream was first
		}
	}
	return errors.Join(err, mine.failed)
}

// await waits until the stream before has ended. Its error is why the publisher has not to begin any more.
func (p *publisher) await(ctx context.Context, before <-chan struct{}) error {
	if before != nil {
		select {
		case <-before:
		case <-ctx.Done():
		}
	}
	if cause := p.cause.Load(); cause != nil {
		return *cause
	}
	return context.Cause(ctx)
}

// admit asks the app what a stream is called, unless a pull of ours brings it, and for its Camera.
func (h *Hub) admit(s *frame.Stream, pull *pull) (c *Camera, err error) {
	err = containStep(StepAdmit, "", func() (err error) {
		switch {
		case pull != nil:
			s.Name = pull.name
		case h.Name != nil:
			if s.Name, err = h.Name(s); err != nil {
				return err
			}
		}
		switch live := h.publisher(s.Name); {
		case h.NewCamera == nil:
			return errors.New("hub has no NewCamera")
		case live != nil && !h.TakeOver:
			return ErrLive
		}
		if c, err = h.NewCamera(s); err == nil && c == nil {
			return errors.New("NewCamera made no Camera")
		}
		return err
	})
	return c, err
}

// takeName gives a publisher its name, unless another has it for good, and returns the Camera that is to serve it: that of before, or c. Out, if
// any, is the publisher that is taken over, which the caller hangs up on. Before is closed when the Camera is free.
func (h *Hub) takeName(c *Camera, p *publisher) (camera *Camera, out *publisher, before <-chan struct{}, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.named == nil {
		h.named = make(map[string]*named)
	}
	name := p.stream.Name
	if err := h.apart(name, c); err != nil {
		return nil, nil, nil, err
	}
	n := h.named[name]
	if n != nil && (n.live == nil || n.live.stream.Close != nil) {
		c = n.camera
	}
	if !c.claim.take(h, c.scheduler()) {
		return nil, nil, nil, fmt.Errorf("its Camera has a stream that is not of this Hub: %w", ErrLive)
	}
	switch {
	case n == nil:
		n = h.newNamed(c)
	case n.live == nil:
		n.forget.Stop()
	case !h.TakeOver, p.pull != nil && n.live.pull == nil: // what is pulled never takes over
		c.claim.release()
		return nil, nil, nil, ErrLive
	default:
		if out = n.live; n.camera != c { // it cannot be closed, and may stall for long
			n = h.newNamed(c)
		}
	}
	n.live, n.pull = p, p.pull
	if p.pull != nil {
		p.pull.streams++
	}
	h.named[name] = n
	if h.changed != nil {
		close(h.changed)
		h.changed = nil
	}
	return n.camera, out, n.camera.scheduler().Live(), nil
}

// apart refuses a Camera that has a stream of another name, or had one: its pictures would be mistaken for those of the name.
func (h *Hub) apart(name string, c *Camera) error {
	before := c.scheduler().Stream()
	for other, n := range h.named {
		if n.camera == c {
			before = other
		}
	}
	if before != "" && before != name {
		return errors.New("NewCamera gave it the Camera of another stream")
	}
	return nil
}

// newNamed has the History of a Camera, which no stream uses yet, share MaxBytes.
func (h *Hub) newNamed(c *Camera) *named {
	h.once.Do(func() {
		if h.MaxBytes > 0 {
			h.histories = &frame.Budget{Bytes: 2 * h.MaxBytes} // half of which is for Histories
		}
	})
	if h.histories != nil && c.History.Budget == nil && c.Budget == nil {
		c.History.Budget = h.histories
	}
	c.discreet.Store(true)
	return &named{camera: c}
}

// releaseName takes the name from a publisher. Its Camera lingers.
func (h *Hub) releaseName(p *publisher) {
	h.mu.Lock()
	defer h.mu.Unlock()
	name := p.stream.Name
	n := h.named[name]
	if n == nil || n.live != p {
		return
	}
	n.live = nil
	if h.linger() < 0 {
		delete(h.named, name)
		return
	}
	n.forget = time.AfterFunc(h.linger(), func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.named[name] == n && n.live == nil {
			delete(h.named, name)
		}
	})
}

func (h *Hub) linger() time.Duration { return cmp.Or(h.Linger, defaultLinger) }

// close hangs up on a publisher. The first cause counts; none is context.Canceled.
func (p *publisher) close(cause error) {
	cause = cmp.Or(cause, context.Canceled)
	if p.cause.CompareAndSwap(nil, &cause) && p.stream.Close != nil {
		hangUp(p.stream, cause)
	}
}

// units yields those of a publisher until they end or it is hung up on, and tells OnBegin and OnEnd.
func (h *Hub) units(c *Camera, p *publisher) iter.Seq2[frame.AccessUnit, error] {
	units := p.stream.Units
	return func(yield func(frame.AccessUnit, error) bool) {
		err := containStep(StepBegin, p.stream.Name, func() error {
			if h.OnBegin != nil {
				h.OnBegin(c.live(p))
			}
			return nil
		})
		ended := false
		defer func() {
			if !ended {
				err = errors.New("its source, or what it calls, panicked")
			}
			h.releaseName(p) // before the Camera waits for what captures have begun
			p.failed = containStep(StepEnd, p.stream.Name, func() error {
				if h.OnEnd != nil {
					h.OnEnd(c.live(p), err)
				}
				return nil
			})
		}()
		if err == nil {
			err = p.each(units, yield)
		} else {
			yield(frame.AccessUnit{}, err)
		}
		ended = true
	}
}

// each yields units until they end, yield has enough, or the publisher is hung up on, and returns why: nil if the publisher has left properly.
func (p *publisher) each(units iter.Seq2[frame.AccessUnit, error], yield func(frame.AccessUnit, error) bool) error {
	for u, err := range units {
		if cause := p.cause.Load(); cause != nil && err == nil {
			u, err = frame.AccessUnit{}, *cause
		}
		if !yield(u, err) || err != nil {
			return err
		}
	}
	if cause := p.cause.Load(); cause != nil {
		yield(frame.AccessUnit{}, *cause)
		return *cause
	}
	return nil
}

// Close hangs up on the publisher of a live stream, whatever it does at the time: its stream ends with cause within a tenth of a second, if
// Stream.Close is set, as it is by our servers and clients. Its Camera lingers. ErrNotLive says that there is none.
func (h *Hub) Close(stream string, cause error) error {
	p := h.publisher(stream)
	if p == nil {
		return fmt.Errorf("%s: %w", stream, ErrNotLive)
	}
	p.close(cause)
	return nil
}

// publisher returns who has a live name; nil if nobody has.
func (h *Hub) publisher(stream string) *publisher {
	h.mu.Lock()
	defer h.mu.Unlock()
	if n := h.named[stream]; n != nil {
		return n.live
	}
	return nil
}

// Camera returns the Camera of a stream that is live, or has ended a while ago: see Linger. It is nil if there is none of that name. It keeps
// working when the Hub has forgotten it, on what it remembers. Its own captures know nothing of the Hub's Policy and Notifier.
func (h *Hub) Camera(stream string) *Camera {
	h.mu.Lock()
	defer h.mu.Unlock()
	if n := h.named[stream]; n != nil {
		return n.camera
	}
	return nil
}

// Streams returns the names of the live streams, sorted.
func (h *Hub) Streams() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var names []string
	for name, n := range h.named {
		if n.live != nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
