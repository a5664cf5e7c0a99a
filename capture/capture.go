package capture

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"time"

	"github.com/livestill/livestill/capture/internal/sched"
	"github.com/livestill/livestill/frame"
)

// A capture is a still on its way through the steps of a Camera.
type capture struct {
	camera *Camera
	still  *Still
	asked  time.Time
	began  time.Time // when the step did that runs now

	found    found
	reach    time.Duration // how far to wait for neighbours of the picture; alone if it has to do without
	prefetch *prefetch     // nil without one
	giveBack func()        // the memory of its pictures; nil without any

	picture *frame.Picture // as it was decoded
	id      sched.ID
	scores  <-chan Scores // of the picture, once; nil when they have been received
}

// A step is what is done in a Step of a capture.
type step struct {
	name string // as in Step
	hook any    // as in Step; nil leaves the step out
	do   func() error
}

// begun returns a capture that is asked for now.
func (c *Camera) begun(r Request) *capture {
	if r.Stream == "" {
		r.Stream = c.scheduler().Stream()
	}
	if r.ID == "" {
		r.ID = rand.Text()
	}
	c.stats.captures.Add(1)
	w := &capture{camera: c, still: &Still{ID: r.ID, Stream: r.Stream, Request: r}, asked: time.Now(), reach: alone}
	if _, ok := c.Enhancer.(Merger); ok && r.Lookahead >= 0 {
		w.reach = r.Lookahead
	}
	return w
}

// close lets go of all that the capture holds, and waits for what works for it alone.
func (w *capture) close(ctx context.Context) {
	w.endPrefetch()
	w.repay()
	w.awaitScores()
	w.camera.stats.captures.Add(-1)
	w.camera.scheduler().Settle(ctx)
}

// run runs steps up to the first that fails. Its error is an *Error.
func (w *capture) run(ctx context.Context, steps ...step) error {
	for _, step := range steps {
		if step.hook == nil {
			continue
		}
		w.began = time.Now()
		err := context.Cause(ctx)
		if err == nil {
			err = contain(step.do)
		}
		if err != nil {
			return &Error{Step: step.name, Stream: w.still.Stream, Err: err}
		}
		w.done(step.name, fmt.Sprintf("%T", step.hook), time.Now())
	}
	return nil
}

// done writes down that a step has ended, and the next begun.
func (w *capture) done(name, hook string, at time.Time) {
	w.still.Steps = append(w.still.Steps, Step{Name: name, Hook: hook, Took: at.Sub(w.began)})
	w.began = at
}

// untilDecoded runs the steps up to the decoded picture.
func (w *capture) untilDecoded(ctx context.Context) error {
	c, s := w.camera, w.still
	if c.Decoder == nil {
		return &Error{Step: "decode", Stream: s.Stream, Err: ErrDecoder}
	}
	return w.run(ctx,
		step{"policy", c.Policy, func() error { return c.Policy.Allow(ctx, s.Request) }},
		step{"wait", &c.History, func() (err error) {
			w.found, err = c.wait(ctx, s, w.asked)
			if s.Stream == "" {
				s.Stream = c.scheduler().Stream()
				s.Request.Stream = s.Stream
			}
			return err
		}},
		step{"decode", c.Decoder, func() error { return w.decodeStep(ctx) }},
	)
}

// decodeStep has memory for the picture, begins a prefetch, decodes, and begins to rate what came of it.
func (w *capture) decodeStep(ctx context.Context) (err error) {
	c, s := w.camera, w.still
	if err := w.borrow(ctx); err != nil {
		return err
	}
	w.beginPrefetch()
	if w.picture, err = c.expose(ctx, s, w.found, w.prefetch); err != nil {
		return err
	}
	w.id = sched.IDOf(w.picture.PTS, w.picture.Time)
	w.hold()
	s.Age = w.asked.Add(w.found.offset).Sub(w.picture.Time)
	w.scores = c.rate(ctx, w.id, w.picture)
	return nil
}

// finish runs the steps that make a still of the decoded picture, and of its neighbours as far as it may reach.
func (w *capture) finish(ctx context.Context, reach time.Duration) error {
	c, s := w.camera, w.still
	encoder := c.Encoder
	if encoder == nil {
		encoder = JPEG{}
	}
	s.Picture = w.picture
	file := fileID{ID: w.id}
	return w.run(ctx,
		step{"enhance", c.Enhancer, func() error {
			e, err := w.enhanceStep(ctx, reach)
			if err != nil {
				return err
			}
			s.Picture, s.Merged = e.Picture, e.merged
			if e.merged > 1 {
				file.merged = e.Picture
			}
			return nil
		}},
		step{"moderate", c.Moderator, func() error { return c.Moderator.Moderate(ctx, s.Request, s.Picture) }},
		step{"encode", encoder, func() (err error) {
			s.Type = encoder.Type()
			p := s.Picture
			s.Data, err = c.files.Do(ctx, &c.running, file, func(ctx context.Context) ([]byte, error) { return c.encode(ctx, encoder, p) })
			w.awaitScores()
			return err
		}},
		step{"store", c.Store, func() (err error) { s.Location, err = c.Store.Put(ctx, s); return err }},
	)
}

// enhanceStep has memory for the better picture, and has it made once for all captures that reach as far.
func (w *capture) enhanceStep(ctx context.Context, reach time.Duration) (e enhanced, err error) {
	c := w.camera
	if w.giveBack == nil { // the still before was the caller's meanwhile
		if err := w.borrow(ctx); err != nil {
			return e, err
		}
	}
	decoded, prefetched := w.picture, w.prefetch
	e, err = c.enhanced.Do(ctx, &c.running, enhancedID{w.id, reach}, func(ctx context.Context) (enhanced, error) {
		return c.enhanceWith(ctx, decoded, reach, prefetched)
	})
	if err == nil && reach != alone {
		gathered := e.gathered
		if gathered.Before(w.began) {
			gathered = w.began // by another capture
		}
		w.done("gather", "", gathered)
		w.endPrefetch()
	}
	return e, err
}

// awaitScores waits for the Scores of the picture, if they are being measured.
func (w *capture) awaitScores() {
	if w.scores != nil {
		w.still.Scores, w.scores = <-w.scores, nil
	}
}

// borrow waits for the memory of the pictures that the capture will hold: the decoded one, for a Best those beside it, and the enhanced
// one. Captures of the same picture share it.
func (w *capture) borrow(ctx context.Context) (err error) {
	c, t := w.camera, w.found
	if t.gop == nil {
		return nil // there may be no picture at all
	}
	pictures := int64(1)
	if w.still.Request.Moment.window > 0 {
		pictures += contenders
	}
	if c.Enhancer != nil {
		pictures++
	}
	w.giveBack, err = c.scheduler().Reserve(ctx, t.gop, t.index, pictures)
	return err
}

// repay gives back the memory of the pictures: from now on they are the caller's.
func (w *capture) repay() {
	if w.giveBack != nil {
		w.giveBack()
		w.giveBack = nil
	}
}

// end tells the Notifier, which may capture, too, and returns what Capture does.
func (w *capture) end(ctx context.Context, err error) (*Still, error) {
	w.repay()
	event := Event{Request: w.still.Request, Still: w.still}
	if err == nil {
		w.camera.stats.delivered.Add(1)
	} else {
		w.camera.stats.failed.Add(1)
		event.Still, event.Err = nil, err
	}
	if n := w.camera.Notifier; n != nil {
		told := contain(func() error {
			n.Notify(context.WithoutCancel(ctx), event)
			return nil
		})
		if told != nil && err == nil {
			return nil, &Error{Step: "notify", Stream: w.still.Stream, Err: told}
		}
	}
	return event.Still, err
}

// An enhancedID tells apart what the Enhancer makes.
type enhancedID struct {
	sched.ID
	reach time.Duration
}

// Enhanced is what the Enhancer made.
type enhanced struct {
	*frame.Picture
	merged   int       // how many pictures it was given
	gathered time.Time // when these were there
}

// A fileID tells image files apart.
type fileID struct {
	sched.ID
	merged *frame.Picture // made of several pictures, which may be others the next time; nil if of one
}

// enhanceWith has the Enhancer make a better picture of p with its neighbours as far as it may reach, or of p alone.
func (c *Camera) enhanceWith(ctx context.Context, p *frame.Picture, reach time.Duration, f *prefetch) (e enhanced, err error) {
	merge := func(b *frame.Burst) error {
		e.merged, e.gathered = len(b.Pictures), time.Now()
		return c.scheduler().Work(ctx, func() (err error) {
			if e.Picture, err = c.Enhancer.Enhance(ctx, b); err == nil {
				err = sched.Check(e.Picture)
			}
			return err
		})
	}
	m, ok := c.Enhancer.(Merger)
	if !ok || reach == alone {
		err = merge(&frame.Burst{Pictures: []*frame.Picture{p}})
		return e, err
	}
	if err = c.await(ctx, sched.IDOf(p.PTS, p.Time), reach); err == nil {
		err = c.gather(ctx, m, p, f, merge)
	}
	return e, err
}

// encode makes the image file of a picture.
func (c *Camera) encode(ctx context.Context, encoder Encoder, p *frame.Picture) ([]byte, error) {
	var file bytes.Buffer
	err := c.scheduler().Work(ctx, func() error { return encoder.Encode(&file, p) })
	return slices.Clip(file.Bytes()), err // without room behind it: several stills share it
}

// rate rates a picture while it is enhanced and encoded. What it returns is to be received from.
func (c *Camera) rate(ctx context.Context, id sched.ID, p *frame.Picture) <-chan Scores {
	scores := make(chan Scores, 1)
	go func() {
		s, _ := c.scores.Do(context.WithoutCancel(ctx), &c.running, id, func(context.Context) (Scores, error) { return Rate(p), nil })
		scores <- s
	}()
	return scores
}

// wait waits until the moment that s asks for is decided, and finds it.
func (c *Camera) wait(ctx context.Context, s *Still, asked time.Time) (found, error) {
	for {
		changed := c.History.Changed()
		if t, ok := s.Request.Moment.find(&c.History, asked); ok {
			s.Wanted = t.wanted
			return t, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return found{}, context.Cause(ctx)
		}
	}
}
