package capture

import (
	"context"
	"fmt"
	"time"

	"github.com/livestill/livestill/frame"
)

// The processor time that one capture may take to decode a GOP if MaxDecoding is not set: what ten seconds of 2160p60 take on a slow core.
const defaultDecoding = 30 * time.Second

// A leave is what a line needs to decode: it is the one of its Camera that may, there is memory for the decoder's buffers, and it has a
// place.
type leave struct {
	turn   bool        // it is the one
	memory func()      // gives it back; nil without any
	had    time.Time   // since when it has the memory
	spare  func()      // says that it is not to be counted on that the memory is given back; nil unless it is
	place  frame.Place // nil without one
	since  time.Time   // when it got the place, or was last charged for it
	err    error       // why it cannot be had; nil unless that is so

	waiting context.Context    // for it; nil before the first time
	giveUp  context.CancelFunc // ends that; guarded by the mutex of lines
}

// reserve waits for leave to decode one more unit. It is false if nobody wants that any more, or if it cannot be had; the line is closed
// then.
func (l *line) reserve() bool {
	ls := &l.camera.lines
	for {
		ls.mu.Lock()
		if l.waiting == nil || l.waiting.Err() != nil {
			l.waiting, l.giveUp = context.WithCancel(l.ctx)
		}
		if !l.needed() {
			l.giveUp()
		}
		ls.mu.Unlock()
		err := l.obtain(l.waiting)
		gaveUp := l.waiting.Err() != nil
		if err == nil {
			return true
		}
		ls.mu.Lock()
		if !gaveUp || !l.needed() {
			if !gaveUp {
				l.err = err
			}
			l.close()
			ls.mu.Unlock()
			return false
		}
		ls.mu.Unlock()
	}
}

// obtain gets what is lacking, and lets in those who have used less time.
func (l *line) obtain(ctx context.Context) (err error) {
	c := l.camera
	l.keep()
	if !l.turn {
		select {
		case c.lines.turn <- struct{}{}:
			l.turn = true
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	if l.memory == nil {
		if l.memory, err = c.budget().Reserve(ctx, frame.ForDecoding, l.cost.Decoding); err != nil {
			return err
		}
		l.had = time.Now()
	} else if time.Since(l.had) >= time.Second && c.budget().Overdue(frame.ForDecoding, l.cost.Decoding) {
		return fmt.Errorf("%w: others wait for its %d MiB of memory", ErrTooCostly, l.cost.Decoding>>20)
	}
	if l.place != nil {
		if err = l.place.Yield(ctx); err != nil {
			l.place = nil
		}
	} else {
		l.place, err = l.decoder.Reserve(ctx, c.name())
	}
	l.since = time.Now()
	return err
}

// rest gives back the place and the turn, even if the place panics.
func (l *line) rest() {
	l.camera.lines.mu.Lock()
	l.charge()
	l.camera.lines.mu.Unlock()
	if l.turn {
		l.turn = false
		defer func() { <-l.camera.lines.turn }()
	}
	if place := l.place; place != nil {
		l.place = nil
		place.Release()
	}
}

// forget gives back the memory.
func (l *line) forget() {
	if l.memory != nil {
		l.memory()
		l.memory = nil
	}
	l.keep()
}

// keep says that the memory is not given back after all, or that it has been.
func (l *line) keep() {
	if l.spare != nil {
		l.spare()
		l.spare = nil
	}
}

// charge writes down the time since it was last called, and ends the wants that have had their share; c.lines.mu is held.
func (l *line) charge() {
	if l.place == nil {
		return
	}
	c, now := l.camera, time.Now()
	took := now.Sub(l.since)
	l.since = now
	l.spent += took
	c.stats.processor.Add(int64(took))
	most := c.MaxDecoding
	if most <= 0 {
		most = defaultDecoding
	}
	left := l.want[:0]
	for _, w := range l.want {
		if l.spent-w.spent > most {
			w.end(developed{err: fmt.Errorf("%w: decoding has taken more than %v", ErrTooCostly, most)})
			continue
		}
		left = append(left, w)
	}
	clear(l.want[len(left):])
	l.want = left
}

// pause waits until something changes. It is true if what is waited for has not come in time, or if the line waits for captures that may
// never come while others want its memory.
func (l *line) pause(step step, changed <-chan struct{}, expired <-chan time.Time) (late bool) {
	var wanted <-chan struct{}
	l.keep()
	if l.memory != nil && (step == idle || step == follow) {
		wanted, l.spare = l.camera.budget().Wanted(frame.ForDecoding, l.cost.Decoding)
	}
	select {
	case <-changed:
	case <-l.poke:
	case <-expired:
		return true
	case <-wanted:
		return true
	}
	return false
}
