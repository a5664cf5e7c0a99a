// Package capture makes finished stills of live streams: what is captured (Moment), of which stream (Camera, Hub), whether it may
// be (Policy, Moderator), and what becomes of it (Enhancer, Encoder, Store, Notifier).
//
//	cam := &capture.Camera{Decoder: &ffmpeg.Decoder{}, Store: store.Dir{Path: "stills"}}
//	go (&rtmp.Server{Handler: cam}).ListenAndServe(ctx)
//	still, err := cam.Capture(ctx, capture.Request{Moment: capture.Ago(2 * time.Second)})
package capture

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"sync"
	"time"

	"github.com/livestill/livestill/frame"
)

// A Camera remembers the recent past of one live stream and captures stills of it. Its fields are the steps of a capture, in the
// order they run; all but the Decoder may be nil. They must not change once the Camera is in use.
//
// The order keeps promises: nothing that Policy or Moderator refused is ever encoded or stored, an error of theirs refuses, and
// pixels are compressed once, at the end. Nothing is decoded while nobody captures, but see Warm.
//
// Captures of the same moments at the same time share the work: each picture is decoded, enhanced and encoded once, each unit
// decoded once if the Decoder is a Follower. Each has its own run of Policy, Moderator, Store and Notifier. For that a picture, its
// file, and the decoder's state are kept for a quarter of a second after a capture.
type Camera struct {
	Policy    Policy
	Decoder   Decoder
	Enhancer  Enhancer
	Moderator Moderator
	Encoder   Encoder // nil means JPEG{}
	Store     Store   // nil keeps the still with the caller alone
	Notifier  Notifier

	History frame.History // the recent past; set its bounds before the stream begins

	// Warm keeps the newest picture at hand: a decoder follows the stream, never further behind than this, so that no more than that,
	// and one picture, is left to decode. A nanosecond keeps it at one picture; two seconds bound what a GOP of ten costs, and
	// decode nothing of shorter ones. The price is that nearly all of the stream is decoded, captured or not. Zero decodes nothing but
	// for captures.
	Warm time.Duration

	lines      lines
	pictures   flights[unitID, developed]
	neighbours flights[nearID, developed]
	ratings    flights[pictureID, Scores]
	enhanced   flights[pictureID, *frame.Picture]
	files      flights[pictureID, []byte]

	mu     sync.Mutex
	stream string // name of the stream, kept after it ends
	live   bool
}

// ServeStream takes in the units of s until it ends. It refuses a second stream at the same time with ErrLive. What an earlier
// stream left in the History remains until it is too old, so that the last seconds can be captured after the end.
func (c *Camera) ServeStream(ctx context.Context, s *frame.Stream) error {
	c.mu.Lock()
	busy := c.live
	if !busy {
		c.live, c.stream = true, s.Name
	}
	c.mu.Unlock()
	if busy {
		return fmt.Errorf("%s: %w", s.Name, ErrLive)
	}
	defer func() {
		c.mu.Lock()
		c.live = false
		c.mu.Unlock()
	}()
	c.History.Cut()
	if c.Warm > 0 && c.Decoder != nil {
		ctx, end := context.WithCancel(ctx)
		var warming sync.WaitGroup
		defer warming.Wait()
		defer end()
		warming.Go(func() { c.keepWarm(ctx) })
	}
	for u, err := range s.Units {
		if err != nil {
			return err
		}
		c.History.Add(u)
	}
	return nil
}

// Capture makes a still as r asks. It waits for what the moment needs: for the stream to begin, for the future to come; bound it
// with ctx. Its error is an *Error.
func (c *Camera) Capture(ctx context.Context, r Request) (*Still, error) {
	asked := time.Now()
	if r.Stream == "" {
		r.Stream = c.name()
	}
	if r.ID == "" {
		r.ID = rand.Text()
	}
	s := &Still{ID: r.ID, Stream: r.Stream, Request: r}
	step, err := c.run(ctx, s, asked)
	event := Event{Request: s.Request, Still: s}
	if err != nil {
		err = &Error{Step: step, Stream: s.Stream, Err: err}
		event.Still, event.Err = nil, err
	}
	if c.Notifier != nil {
		c.Notifier.Notify(context.WithoutCancel(ctx), event)
	}
	return event.Still, err
}

// run runs the steps of a capture that was asked for at the given time and writes down in s what came of them.
// On an error it returns the step that failed.
func (c *Camera) run(ctx context.Context, s *Still, asked time.Time) (step string, err error) {
	if c.Decoder == nil {
		return "decode", ErrDecoder
	}
	encoder := c.Encoder
	if encoder == nil {
		encoder = JPEG{}
	}
	var t target
	var p *frame.Picture
	var id pictureID
	var scores <-chan Scores
	for _, step := range []struct {
		name string
		hook any
		do   func() error
	}{
		{"policy", c.Policy, func() error { return c.Policy.Allow(ctx, s.Request) }},
		{"wait", &c.History, func() error {
			t, err = c.wait(ctx, s, asked)
			if s.Stream == "" {
				s.Stream = c.name()
				s.Request.Stream = s.Stream
			}
			return err
		}},
		{"decode", c.Decoder, func() error {
			if p, err = c.expose(ctx, s, t); err == nil {
				id = idOf(p.PTS, p.Time)
				s.Age = asked.Add(t.offset).Sub(p.Time)
				scores = c.rate(ctx, id, p)
			}
			return err
		}},
		{"enhance", c.Enhancer, func() error {
			decoded := p
			p, err = c.enhanced.do(ctx, id, func(ctx context.Context) (*frame.Picture, error) {
				release, err := c.follower().Reserve(ctx)
				if err != nil {
					return nil, err
				}
				defer release()
				better, err := c.Enhancer.Enhance(ctx, &frame.Burst{Pictures: []*frame.Picture{decoded}})
				if err == nil && better == nil {
					err = errNoPicture
				}
				return better, err
			})
			return err
		}},
		{"moderate", c.Moderator, func() error { return c.Moderator.Moderate(ctx, s.Request, p) }},
		{"encode", encoder, func() error {
			s.Type, s.Picture = encoder.Type(), p
			s.Data, err = c.files.do(ctx, id, func(ctx context.Context) ([]byte, error) {
				release, err := c.follower().Reserve(ctx)
				if err != nil {
					return nil, err
				}
				defer release()
				var file bytes.Buffer
				err = encoder.Encode(&file, s.Picture)
				return file.Bytes(), err
			})
			s.Scores = <-scores
			return err
		}},
		{"store", c.Store, func() error { s.Location, err = c.Store.Put(ctx, s); return err }},
	} {
		if step.hook == nil {
			continue
		}
		began := time.Now()
		if err := context.Cause(ctx); err != nil {
			return step.name, err
		}
		if err := step.do(); err != nil {
			return step.name, err
		}
		s.Steps = append(s.Steps, Step{Name: step.name, Hook: fmt.Sprintf("%T", step.hook), Took: time.Since(began)})
	}
	return "", nil
}

// rate rates a picture while it is enhanced and encoded.
func (c *Camera) rate(ctx context.Context, id pictureID, p *frame.Picture) <-chan Scores {
	scores := make(chan Scores, 1)
	go func() {
		s, _ := c.ratings.do(context.WithoutCancel(ctx), id, func(context.Context) (Scores, error) { return Rate(p), nil })
		scores <- s
	}()
	return scores
}

// wait waits until the moment that s asks for is decided, and finds it.
func (c *Camera) wait(ctx context.Context, s *Still, asked time.Time) (target, error) {
	for {
		changed := c.History.Changed()
		if t, ok := s.Request.Moment.find(c.History.GOPs(), asked); ok {
			s.Wanted = t.wanted
			return t, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return target{}, context.Cause(ctx)
		}
	}
}

// serving reports whether the stream is live.
func (c *Camera) serving() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.live
}

// name returns the name of the stream that is, or was last, live; empty before the first.
func (c *Camera) name() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stream
}
