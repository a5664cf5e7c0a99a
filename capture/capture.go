package capture

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"time"

	"github.com/livestill/livestill/frame"
)

// A capture is a still on its way through the steps of a Camera.
type capture struct {
	camera *Camera
	still  *Still
	asked  time.Time
	began  time.Time // when the step did that runs now

	target  target
	reach   time.Duration // how far to wait for neighbours of the picture; alone if it has to do without
	album   album         // nil without one
	release func()        // of the line that goes on behind the picture; nil without an album

	giveBack    func() // the memory of its pictures; nil without any
	albumMemory func() // the same of its album

	picture *frame.Picture // as it was decoded
	id      pictureID
	scores  <-chan Scores
}

// A stage is what does a step of a capture.
type stage struct {
	name string // as in Step
	hook any    // as in Step; nil leaves the stage out
	do   func() error
}

// begun returns a capture that is asked for now.
func (c *Camera) begun(r Request) *capture {
	if r.Stream == "" {
		r.Stream = c.name()
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

// close lets go of all that the capture holds.
func (w *capture) close() {
	w.letGo()
	w.repay()
	w.camera.stats.captures.Add(-1)
}

// run runs stages up to the first that fails. Its error is an *Error.
func (w *capture) run(ctx context.Context, stages ...stage) error {
	for _, stage := range stages {
		if stage.hook == nil {
			continue
		}
		w.began = time.Now()
		err := context.Cause(ctx)
		if err == nil {
			err = contain(stage.do)
		}
		if err != nil {
			return &Error{Step: stage.name, Stream: w.still.Stream, Err: err}
		}
		w.done(stage.name, fmt.Sprintf("%T", stage.hook), time.Now())
	}
	return nil
}

// done writes down that a step has ended, and the next begun.
func (w *capture) done(name, hook string, at time.Time) {
	w.still.Steps = append(w.still.Steps, Step{Name: name, Hook: hook, Took: at.Sub(w.began)})
	w.began = at
}

// expose runs the steps up to the decoded picture.
func (w *capture) expose(ctx context.Context) error {
	c, s := w.camera, w.still
	if c.Decoder == nil {
		return &Error{Step: "decode", Stream: s.Stream, Err: ErrDecoder}
	}
	return w.run(ctx,
		stage{"policy", c.Policy, func() error { return c.Policy.Allow(ctx, s.Request) }},
		stage{"wait", &c.History, func() (err error) {
			w.target, err = c.wait(ctx, s, w.asked)
			if s.Stream == "" {
				s.Stream = c.name()
				s.Request.Stream = s.Stream
			}
			return err
		}},
		stage{"decode", c.Decoder, func() (err error) {
			if err := w.borrow(ctx); err != nil {
				return err
			}
			w.open()
			if w.picture, err = c.expose(ctx, s, w.target); err != nil {
				return err
			}
			w.id = idOf(w.picture.PTS, w.picture.Time)
			w.hold()
			s.Age = w.asked.Add(w.target.offset).Sub(w.picture.Time)
			w.scores = c.rate(ctx, w.id, w.picture)
			return nil
		}},
	)
}

// finish runs the steps that make a still of the decoded picture, and of its neighbours as far as it may reach.
func (w *capture) finish(ctx context.Context, reach time.Duration) error {
	c, s := w.camera, w.still
	encoder := c.Encoder
	if encoder == nil {
		encoder = JPEG{}
	}
	p, file := w.picture, fileID{pictureID: w.id}
	return w.run(ctx,
		stage{"enhance", c.Enhancer, func() error {
			if w.giveBack == nil { // the still before was the caller's meanwhile
				if err := w.borrow(ctx); err != nil {
					return err
				}
			}
			decoded, album := w.picture, w.album
			e, err := c.enhanced.do(ctx, enhancedID{w.id, reach}, func(ctx context.Context) (enhanced, error) {
				return c.enhance(ctx, decoded, reach, album)
			})
			if err != nil {
				return err
			}
			if reach != alone {
				gathered := e.gathered
				if gathered.Before(w.began) {
					gathered = w.began // by another capture
				}
				w.done("gather", "", gathered)
				w.letGo()
			}
			p, s.Merged = e.Picture, e.merged
			if e.merged > 1 {
				file.merged = p
			}
			return nil
		}},
		stage{"moderate", c.Moderator, func() error { return c.Moderator.Moderate(ctx, s.Request, p) }},
		stage{"encode", encoder, func() (err error) {
			s.Type, s.Picture = encoder.Type(), p
			s.Data, err = c.files.do(ctx, file, func(ctx context.Context) ([]byte, error) {
				var file bytes.Buffer
				err := c.work(ctx, func() error { return encoder.Encode(&file, p) })
				return slices.Clip(file.Bytes()), err // without room behind it: several stills share it
			})
			if w.scores != nil {
				s.Scores, w.scores = <-w.scores, nil
			}
			return err
		}},
		stage{"store", c.Store, func() (err error) { s.Location, err = c.Store.Put(ctx, s); return err }},
	)
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
	pictureID
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
	pictureID
	merged *frame.Picture // made of several pictures, which may be others the next time; nil if of one
}

// enhance has the Enhancer make a better picture of p and, unless it is to be made alone, of its neighbours.
func (c *Camera) enhance(ctx context.Context, p *frame.Picture, reach time.Duration, have album) (e enhanced, err error) {
	merge := func(b *frame.Burst) error {
		e.merged, e.gathered = len(b.Pictures), time.Now()
		return c.work(ctx, func() (err error) {
			if e.Picture, err = c.Enhancer.Enhance(ctx, b); err == nil {
				err = check(e.Picture)
			}
			return err
		})
	}
	m, ok := c.Enhancer.(Merger)
	if !ok || reach == alone {
		err = merge(&frame.Burst{Pictures: []*frame.Picture{p}})
		return e, err
	}
	if err = c.await(ctx, idOf(p.PTS, p.Time), reach); err == nil {
		err = c.gather(ctx, m, p, have, merge)
	}
	return e, err
}

// work has a place of the Decoder while do works the processor.
func (c *Camera) work(ctx context.Context, do func() error) error {
	place, err := c.follower().Reserve(ctx, c.name())
	if err != nil {
		return err
	}
	defer place.Release()
	began := time.Now()
	defer func() { c.stats.processor.Add(int64(time.Since(began))) }()
	return do()
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
		if t, ok := s.Request.Moment.find(&c.History, asked); ok {
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
