package capture

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/livestill/livestill/capture/internal/sched"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/pixels"
)

// A capture is a still on its way through the steps of a Camera.
type capture struct {
	record
	camera *Camera
	asked  time.Time

	choice choice  // what is asked for
	all    []*file // that are made of it

	refines  *Still    // a file of the still that it is to replace
	deletion *deletion // of that still; nil for a capture that is not refined

	found    found
	reach    time.Duration // how far to wait for neighbours of the picture; alone if it has to do without
	prefetch *prefetch     // nil without one
	giveBack func()        // the memory of its pictures; nil without any
	variants int64         // bytes of that for Variants

	last *sched.ID // of the picture that was delivered before, which is not wanted again; zero for none, nil for any

	picture *frame.Picture // as it was decoded
	id      sched.ID
	scores  <-chan Scores // of the picture, once; nil when they have been received
}

// begun returns a capture that is asked for now, of another picture than the last one; nil for any.
func (c *Camera) begun(r Request, last *sched.ID) *capture {
	if r.Stream == "" {
		r.Stream = c.scheduler().Stream()
	}
	if r.ID == "" {
		r.ID = rand.Text()
	}
	c.stats.captures.Add(1)
	w := &capture{camera: c, record: record{still: &Still{ID: r.ID, Stream: r.Stream, Request: r}}, asked: time.Now(), reach: alone, last: last}
	if _, ok := c.Enhancer.(Merger); ok && r.Lookahead >= 0 {
		w.reach = r.Lookahead
	}
	return w
}

// close lets go of all that the capture has, and waits for what works for it alone.
func (w *capture) close(ctx context.Context) {
	w.endPrefetch()
	w.repay()
	w.awaitScores()
	w.camera.stats.captures.Add(-1)
	w.camera.scheduler().Settle(ctx)
}

// untilDecoded runs the steps up to the decoded picture.
func (w *capture) untilDecoded(ctx context.Context) error {
	c, s := w.camera, w.still
	if c.Decoder == nil {
		return w.failed(ctx, StepDecode, ErrDecoder)
	}
	if n := c.Rotate; n != 0 && n != 90 && n != 180 && n != 270 {
		return w.failed(ctx, StepDecode, fmt.Errorf("%w: %d", ErrRotate, n))
	}
	if err := w.run(ctx, step{StepPolicy, c.Policy, func() error { return c.Policy.Allow(ctx, s.Request) }}); err != nil {
		return err
	}
	if err := contain(w.choose); err != nil {
		return w.failed(ctx, StepVariants, err)
	}
	return w.run(ctx,
		step{StepWait, &c.History, func() error { return w.waitStep(ctx) }},
		step{StepDecode, c.Decoder, func() error { return w.decodeStep(ctx) }},
	)
}

// choose finds out what is asked for.
func (w *capture) choose() (err error) {
	if w.choice, err = w.camera.choose(w.still.Request); !w.choice.enhanced() {
		w.reach = alone
	}
	return err
}

// waitStep waits for the moment, and finds its unit.
func (w *capture) waitStep(ctx context.Context) (err error) {
	c, s := w.camera, w.still
	w.found, err = c.wait(ctx, s, w.asked)
	if s.Stream == "" {
		s.Stream = c.scheduler().Stream()
		s.Request.Stream = s.Stream
	}
	if err != nil || !w.found.remembered() {
		return err
	}
	u := w.found.unit()
	return w.wants(c.scheduler().IDOf(w.found.with(nil)), u.Age(w.asked))
}

// wants reports with nil that a picture is wanted, if it can be had: that it is neither too old nor delivered already.
func (w *capture) wants(id sched.ID, age time.Duration) error {
	oldest := w.still.Request.MaxAge
	switch ended := w.camera.scheduler().Ended(); {
	case w.last != nil && *w.last == id:
		return ErrUnchanged
	case oldest <= 0 || age <= oldest:
		return nil
	case ended.IsZero():
		return fmt.Errorf("%w: the newest picture is %v old", ErrForgotten, age)
	default:
		return fmt.Errorf("%w: its newest picture is %v old", ErrNotLive, age)
	}
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
	w.still.Picture = w.picture
	w.id = sched.PictureID(w.picture)
	w.tellAge()
	if err := w.wants(w.id, s.Age); err != nil { // another stood in
		return err
	}
	if err := w.borrowMore(ctx); err != nil {
		return err
	}
	w.pin()
	w.scores = c.rate(ctx, w.id, w.picture)
	return nil
}

// tellAge says how old the picture is, by its unit, as far as that is remembered. What is there is not of the future.
func (w *capture) tellAge() {
	s := w.still
	u := frame.AccessUnit{Time: w.picture.Time, Offset: w.found.offset}
	if g, unit := w.camera.locate(w.id); g != nil {
		u = g[unit]
	}
	s.Age, s.Backlog = u.Age(w.asked)-s.Time.Sub(w.picture.Time), u.Backlog()
	if !s.Request.Moment.timed() {
		s.Age = max(0, s.Age)
	}
}

// finish runs the steps that make a still of the decoded picture, and of its neighbours as far as it may reach.
func (w *capture) finish(ctx context.Context, reach time.Duration) error {
	c, s := w.camera, w.still
	s.Picture, w.changes = w.picture, w.picture.Changes
	id := fileID{ID: w.id}
	var enhancer any
	if w.choice.enhanced() {
		enhancer = c.Enhancer
	}
	err := w.run(ctx,
		step{StepEnhance, enhancer, func() error {
			e, err := w.enhanceStep(ctx, reach)
			if err != nil {
				return err
			}
			s.Picture, s.Merged = e.Picture, e.merged
			if e.merged > 1 {
				id.own = e.Picture
			}
			return nil
		}},
		step{StepModerate, c.Moderator, func() error {
			err := c.Moderator.Moderate(ctx, s.Request, s.Picture)
			if err == nil && w.choice.plain() && w.picture != s.Picture {
				err = c.Moderator.Moderate(ctx, s.Request, w.picture)
			}
			return err
		}},
	)
	if err != nil {
		return err
	}
	w.all = w.begunFiles(id)
	if err := w.makeFiles(ctx, w.all); err != nil {
		return err
	}
	if err := w.run(ctx, step{StepStore, c.Store, func() error { return w.store(ctx) }}); err != nil {
		return err
	}
	w.tellVariants()
	return nil
}

// working returns the context of a hook that may have a place of the Decoder for its work.
func (c *Camera) working(ctx context.Context) context.Context {
	return frame.WithWork(ctx, c.scheduler().Work)
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
		w.done(StepGather, "", gathered)
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
		if told := notify(ctx, n, event); told != nil {
			return nil, untold(ctx, w.still.Request, err, told)
		}
	}
	return event.Still, err
}

// untold adds to the *Error of a capture, nil if it did not fail, that the Notifier did.
func untold(ctx context.Context, r Request, err, told error) error {
	var failed *Error
	if !errors.As(err, &failed) {
		return stepError(ctx, StepNotify, r.Stream, r.ID, told)
	}
	both := *failed
	both.Err = fmt.Errorf("%w; and the Notifier, which was to be told: %w", failed.Err, told)
	return &both
}

// How long the context of a Notifier lasts.
const notifyTimeout = 10 * time.Second

// notify tells a Notifier. Its error is a panic.
func notify(ctx context.Context, n Notifier, e Event) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), notifyTimeout)
	defer cancel()
	return contain(func() error {
		n.Notify(ctx, e)
		return nil
	})
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

// enhanceWith has the Enhancer make a better picture of p with its neighbours as far as it may reach, or of p alone.
func (c *Camera) enhanceWith(ctx context.Context, p *frame.Picture, reach time.Duration, f *prefetch) (e enhanced, err error) {
	merge := func(b *frame.Burst) error {
		e.merged, e.gathered = len(b.Pictures), time.Now()
		if e.Picture, err = c.Enhancer.Enhance(c.working(ctx), b); err == nil {
			err = pixels.Check(e.Picture)
		}
		return err
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

// rate rates a picture while it is enhanced and encoded. What it returns is to be received from.
func (c *Camera) rate(ctx context.Context, id sched.ID, p *frame.Picture) <-chan Scores {
	scores := make(chan Scores, 1)
	go func() {
		s, _ := c.scores.Do(context.WithoutCancel(ctx), &c.running, id, func(context.Context) (Scores, error) { return Rate(p), nil })
		scores <- s
	}()
	return scores
}
