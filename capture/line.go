package capture

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/livestill/livestill/frame"
)

// A decoder that puts pictures into order may need units after the one that is wanted, which are still to come. Without them it comes
// to its end, and the next capture has to begin at the key unit. If there was one just before, or the stream is kept warm, the line
// waits for them, for this long at most.
const patience = 500 * time.Millisecond

// Lines are what decodes a Camera's stream: each GOP once, as far as captures want it, for all that want pictures of it.
type lines struct {
	mu    sync.Mutex
	turn  chan struct{} // has room for the one line that may decode: a Camera with many does not keep others from decoding
	open  []*line
	asked time.Time // when the newest capture came
	again bool      // soon after the one before

	barren barren
}

// ask takes note that a capture has come.
func (ls *lines) ask() {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	now := time.Now()
	ls.again = now.Sub(ls.asked) < linger+patience
	ls.asked = now
}

// A line is the decoding of one GOP, which goes on from where it is when another picture of it is wanted.
type line struct {
	ctx     context.Context // has what the first capture knows; ends once no more units come and nobody wants what is left
	cancel  context.CancelFunc
	camera  *Camera
	decoder Follower
	cost    frame.Cost
	poke    chan struct{} // has room for one; receives when something below has changed
	leave                 // to decode

	// Guarded by the mutex of lines:
	gop   frame.GOP     // as much of it as anybody has seen
	sent  []bool        // of each unit that went to the decoder, whether its picture may be wanted
	top   time.Duration // the highest PTS of these
	out   int           // the unit of the newest picture that came out; -1 before the first
	want  []*want       // what has not come yet
	warm  bool          // it keeps up with the stream
	held  int           // how many will want more of it later
	spent time.Duration // processor time
}

// develop decodes pictures of a GOP. Its own error is that of ctx.
func (c *Camera) develop(ctx context.Context, g frame.GOP, wants ...*want) error {
	c.lines.mu.Lock()
	l := c.lines.find(g, wants)
	if l == nil {
		if err := c.lines.barren.of(g, wants); err != nil {
			c.lines.mu.Unlock()
			for _, w := range wants {
				w.end(developed{err: err})
			}
			return nil
		}
		l = c.begin(ctx, g)
	}
	if len(g) > len(l.gop) {
		l.gop = g
	}
	for _, w := range wants {
		w.spent = l.spent
	}
	l.want = append(l.want, wants...)
	l.wake()
	c.lines.mu.Unlock()
	defer func() {
		c.lines.mu.Lock()
		defer c.lines.mu.Unlock()
		l.want = slices.DeleteFunc(l.want, func(w *want) bool { return slices.Contains(wants, w) })
		l.wake()
	}()
	for _, w := range wants {
		if w.passing {
			continue
		}
		select {
		case <-w.done:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// hold keeps the line that can go on behind unit i of a GOP, if there is one, until release is called.
func (c *Camera) hold(g frame.GOP, i int) (release func()) {
	c.lines.mu.Lock()
	defer c.lines.mu.Unlock()
	l := c.lines.find(g, []*want{{index: i + 1}})
	if l == nil {
		return func() {}
	}
	l.held++
	l.wake()
	return func() {
		c.lines.mu.Lock()
		defer c.lines.mu.Unlock()
		l.held--
		l.wake()
	}
}

// find returns the line that has the least to decode for wants, nil if all are past one of them.
func (ls *lines) find(g frame.GOP, wants []*want) (nearest *line) {
	for _, l := range ls.open {
		past := func(w *want) bool { return !w.passing && !l.before(w.index) }
		if same(l.gop, g) && !slices.ContainsFunc(wants, past) && (nearest == nil || len(nearest.sent) < len(l.sent)) {
			nearest = l
		}
	}
	return nearest
}

// before reports whether the picture of unit i is still to come.
func (l *line) before(i int) bool {
	return i >= len(l.sent) || l.sent[i] && (l.out < 0 || later(l.gop, i, l.out))
}

// later reports whether unit i of g is shown after unit j; of equal times the order of decoding decides.
func later(g frame.GOP, i, j int) bool { return g[i].PTS > g[j].PTS || g[i].PTS == g[j].PTS && i > j }

// same reports whether two GOPs are the same one, of which one may have more units.
func same(a, b frame.GOP) bool { return a[0].PTS == b[0].PTS && a[0].Time.Equal(b[0].Time) }

// begin begins a line, which outlives ctx; c.lines.mu is held.
func (c *Camera) begin(ctx context.Context, g frame.GOP) *line {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	l := &line{
		ctx: ctx, cancel: cancel, camera: c, decoder: c.follower(), poke: make(chan struct{}, 1),
		gop: g, out: -1,
	}
	if c.lines.turn == nil {
		c.lines.turn = make(chan struct{}, 1)
	}
	c.lines.open = append(c.lines.open, l)
	go l.run(g)
	return l
}

// wake has the line look what has changed; c.lines.mu is held.
func (l *line) wake() {
	if l.giveUp != nil && !l.needed() {
		l.giveUp()
	}
	select {
	case l.poke <- struct{}{}:
	default:
	}
}

// needed reports whether anybody wants more; c.lines.mu is held.
func (l *line) needed() bool {
	return l.warm || l.held > 0 || slices.ContainsFunc(l.want, func(w *want) bool { return !w.passing })
}

// run decodes g until nobody wants more.
func (l *line) run(g frame.GOP) {
	err := errExit // unless Follow returns
	defer l.cancel()
	defer func() { l.end(err) }()
	defer func() {
		failed := contain(func() error {
			l.rest()
			return nil
		})
		if failed != nil {
			err = failed
		}
	}()
	err = contain(func() error {
		l.cost = l.camera.cost(g)
		for p, err := range l.decoder.Follow(l.ctx, l.units) {
			if err == nil {
				err = l.deliver(p)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// end ends the line, and what is still wanted of it.
func (l *line) end(err error) {
	l.camera.lines.mu.Lock()
	defer l.camera.lines.mu.Unlock()
	l.forget()
	l.close()
	switch {
	case l.err != nil:
		err = l.err
	case err == nil:
		err = errNone
	case !fault(err):
		err = fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	if l.ctx.Err() == nil {
		l.camera.lines.barren.note(l, err)
	}
	for _, w := range l.want {
		w.end(developed{err: err})
	}
	l.want = nil
}

// deliver gives a picture to the captures that want it.
func (l *line) deliver(p frame.Latent) (err error) {
	if p.Unit < 0 || p.Unit >= len(l.sent) {
		return fmt.Errorf("the Decoder made a picture of unit %d, of %d", p.Unit, len(l.sent))
	}
	claimed := l.claim(p.Unit)
	defer func() { // those that Goexit has left
		for _, w := range claimed {
			w.end(developed{err: errExit})
		}
	}()
	made := developed{}
	for len(claimed) > 0 {
		w := claimed[0]
		if !w.keep(p) {
			claimed = claimed[1:]
			w.end(developed{})
			continue
		}
		switch {
		case p.Hidden:
			made.err = errHidden
		case p.Corrupt:
			made.err = errDamaged
		case made.Picture == nil && made.err == nil:
			made = develop(p)
		}
		claimed = claimed[1:]
		w.end(made)
	}
	return nil
}

// develop makes a picture.
func develop(p frame.Latent) (made developed) {
	made.err = contain(func() (err error) {
		if made.Picture, err = p.Develop(); err == nil {
			err = check(made.Picture)
		}
		return err
	})
	if made.err != nil {
		made.Picture = nil
		if !fault(made.err) {
			made.err = fmt.Errorf("%w: %w", ErrCorrupt, made.err)
		}
	}
	return made
}

// claim returns who wants the picture of unit i; it is out now.
func (l *line) claim(i int) (claimed []*want) {
	l.camera.lines.mu.Lock()
	defer l.camera.lines.mu.Unlock()
	l.out = i
	l.want = slices.DeleteFunc(l.want, func(w *want) bool {
		if w.index == i {
			claimed = append(claimed, w)
		}
		return w.index == i
	})
	return claimed
}

// close takes the line from those that captures may find.
func (l *line) close() {
	ls := &l.camera.lines
	for i, other := range ls.open {
		if other == l {
			ls.open = append(ls.open[:i], ls.open[i+1:]...)
			return
		}
	}
}

// units yields what is to be decoded, as it is wanted.
func (l *line) units(yield func(u frame.AccessUnit, wanted bool) bool) {
	defer l.last()
	for {
		u, wanted, ok := l.next()
		if !ok || !yield(u, wanted) {
			return
		}
	}
}

// last has the decoder end what is left as soon as nobody wants it.
func (l *line) last() {
	ls := &l.camera.lines
	ls.mu.Lock()
	defer ls.mu.Unlock()
	l.close()
	l.giveUp = l.cancel
	if !l.needed() {
		l.cancel()
	}
}

// next returns the unit that is to be decoded next, once there is one; ok is false if the line is at its end. The decoder has
// delivered all that it could make of the units before.
func (l *line) next() (u frame.AccessUnit, wanted, ok bool) {
	var expired <-chan time.Time
	var waits step // for which expired was set
	late, leave := false, false
	for {
		changed := l.camera.History.Changed()
		l.camera.lines.mu.Lock()
		l.charge()
		step := l.step()
		switch {
		case late && step == waits || step == stop:
			l.close()
			l.camera.lines.mu.Unlock()
			return u, false, false
		case step == send && leave:
			u, wanted = l.take()
			l.camera.lines.mu.Unlock()
			return u, wanted, true
		}
		l.camera.lines.mu.Unlock()
		if step == send {
			if leave = l.reserve(); leave {
				continue
			}
			return u, false, false
		}
		l.rest()
		if step == idle {
			changed = nil
		}
		if step != waits {
			waits, expired = step, nil
			switch step {
			case idle:
				expired = time.After(linger)
			case await:
				expired = time.After(patience)
			default:
			}
		}
		late = l.pause(step, changed, expired)
	}
}

// take takes the next unit. Its picture may be wanted if it is the newest so far, or it is wanted already.
func (l *line) take() (u frame.AccessUnit, wanted bool) {
	u = l.gop[len(l.sent)]
	wanted = slices.ContainsFunc(l.want, func(w *want) bool { return w.index == len(l.sent) })
	if _, atOnce := l.decoder.(gatherer); !atOnce && (len(l.sent) == 0 || u.PTS >= l.top) {
		l.top, wanted = u.PTS, true
	}
	l.sent = append(l.sent, wanted)
	l.camera.stats.decoded.Add(1)
	return u, wanted
}
