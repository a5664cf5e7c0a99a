package sched

import (
	"context"
	"time"

	"github.com/livestill/livestill/frame"
)

// A GOP of which so many units were decoded and made no picture at all is fruitless: what comes after them hardly makes one, either. It is
// tried again when it has twice as many, so that a flood of units that are none costs little, however often it is captured. A hundred is far
// more than decoders buffer, which is 16 pictures at most (H.264 A.3.1).
const fruitlessUnits = 100

// A fruitless GOP is the one that was last found to be so.
type fruitless struct {
	gop   ID
	units int // that were decoded; zero if there is none
	err   error
}

// note takes note of what a decoding has made at its end; the mutex of the Scheduler is held.
func (f *fruitless) note(d *decoding, err error) {
	if d.out < 0 && d.sent.Len() >= fruitlessUnits && !Fault(err) {
		*f = fruitless{gopID(d.gop), d.sent.Len(), err}
	}
}

// account returns in whose name the stream asks for a place. It is failing if its last decoding has made no undamaged picture, until the next
// one comes; before the first decoding it is not.
func (s *Scheduler) account() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failing {
		return frame.Failing
	}
	return s.stream
}

// A decoding may be given up before its first picture. If it has had a place for longer than this by then, it is taken
// to have failed. Chosen, not measured.
const longEnough = time.Second

// judge finds out at the end of a decoding if the stream is failing; the mutex is held.
func (d *decoding) judge(ctx context.Context) {
	came := d.out >= 0 || d.sent.Len() > 0 && ctx.Err() == nil // all that would
	if !d.fruitful && (came || d.spent > longEnough) {
		d.s.failing = true
	}
}

// foundFruitless returns why g makes no picture up to that of a unit, if that was found.
func (s *Scheduler) foundFruitless(g frame.GOP, unit int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fruitless.of(g, []*Demand{{Unit: unit}})
}

// of returns why g makes no picture of a unit up to the last of demands, if that was found; the mutex of the Scheduler is held.
func (f *fruitless) of(g frame.GOP, demands []*Demand) error {
	if f.units == 0 || f.gop != gopID(g) {
		return nil
	}
	for _, demand := range demands {
		if numberOf(g, demand.Unit) >= 2*f.units {
			return nil
		}
	}
	return f.err
}
