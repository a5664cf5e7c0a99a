package sched_test

import (
	"context"
	"errors"
	"iter"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livestill/livestill/capture/internal/sched"
	"github.com/livestill/livestill/capture/internal/shared"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/fakeclock"
)

// addLong adds the n-th unit of a stream with one key picture, whose pictures are a step apart. With B-frames two of three are shown before the
// one that is decoded before them.
func addLong(h *frame.History, n int, step time.Duration, bFrames bool) {
	dts, pts := time.Duration(n)*step, time.Duration(n)*step
	if bFrames && n > 0 {
		switch n % 3 {
		case 1:
			pts += 2 * step
		default:
			pts -= step
		}
	}
	h.Add(frame.AccessUnit{Key: n == 0, DTS: dts, PTS: pts, Time: time.Unix(1000, 0).Add(pts), Data: []byte{0}})
}

// A longStream has one key picture, and a History that is too small for it.
type longStream struct {
	*sched.Scheduler
	step    time.Duration // from one picture to the next
	bFrames bool
	n       int // units that have come
	group   shared.Group
	all     sync.WaitGroup
	cancel  context.CancelFunc
}

func newLongStream(t *testing.T, d sched.Decoder, bFrames bool, warm time.Duration) *longStream {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	l := &longStream{step: interval, bFrames: bFrames, cancel: cancel}
	h := &frame.History{MaxAge: time.Hour, MaxBytes: 32 << 10, Budget: new(frame.Budget)}
	l.Scheduler = sched.New(sched.Source{History: h, Decoder: d, Warm: warm, Budget: new(frame.Budget), Group: &l.group})
	l.Begin("live/a")
	if warm > 0 {
		l.all.Go(func() { l.KeepWarm(ctx) })
	}
	return l
}

// play has so many units come in time.
func (l *longStream) play(units int) {
	for range units {
		addLong(l.History, l.n, l.step, l.bFrames)
		l.n++
		fakeclock.Pass(l.step)
	}
}

func (l *longStream) end() {
	l.cancel()
	l.all.Wait()
	l.End()
	l.group.Wait()
}

// gop returns the GOP as it is now.
func (l *longStream) gop() frame.GOP { return l.History.GOPs()[0] }

// newest wants the picture that is shown last.
func (l *longStream) newest() sched.Wanted {
	g := l.gop()
	w := sched.Wanted{GOP: g}
	for i := range g {
		if sched.Later(g, i, w.Unit) {
			w.Unit = i
		}
	}
	return w
}

// TestFollowsWhatIsForgotten captures the newest picture of a stream again and again, while all but what the decoder has still to be given is
// forgotten several times. Each unit is decoded once.
func TestFollowsWhatIsForgotten(t *testing.T) {
	for _, bFrames := range []bool{false, true} {
		for _, warm := range []time.Duration{1, 5 * interval} {
			for _, step := range []time.Duration{interval, time.Second} {
				synctest.Test(t, func(t *testing.T) { followsWhatIsForgotten(t, bFrames, warm, step) })
			}
		}
	}
}

func followsWhatIsForgotten(t *testing.T, bFrames bool, warm, step time.Duration) {
	t.Helper()
	d := &strict{t: t}
	if bFrames {
		d.delay = 1
	}
	l := newLongStream(t, d, bFrames, warm)
	l.step = step
	r := rand.New(rand.NewPCG(1, 5))
	times, forgotten, before := 0, 0, 0
	for l.n < 1000 {
		l.play(1 + r.IntN(10))
		if f := l.gop().Forgotten(); f > forgotten {
			if forgotten == 0 {
				before = d.read(&d.decoded)
			}
			forgotten = f
			times++
		}
		l.Captured()
		if l.Captured(); bFrames {
			l.all.Go(func() {
				fakeclock.Pass(step / 2)
				l.play(3)
			})
		}
		w := l.newest()
		p, err := l.Picture(t.Context(), w)
		if err != nil || p.PTS != w.GOP[w.Unit].PTS {
			t.Fatalf("B-frames %v, warm %v, %v, after %d units: %v, %v, want that of %v", bFrames, warm, step, l.n, p, err, w.GOP[w.Unit].PTS)
		}
		synctest.Wait()
		if bFrames {
			fakeclock.Pass(4 * step)
		}
	}
	if decoded := d.read(&d.decoded) - before; times < 5 || decoded > l.n {
		t.Errorf("units were forgotten %d times; %d were decoded behind them, of %d", times, decoded, l.n)
	}
	l.end()
}

// TestNewestStays captures the newest picture of a stream that stalls several times, later than pictures are kept for captures.
func TestNewestStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLongStream(t, &strict{t: t}, false, 1)
		l.play(300)
		for range 3 {
			w := l.newest()
			p, err := l.Picture(t.Context(), w)
			if err != nil || p.PTS != w.GOP[w.Unit].PTS {
				t.Errorf("%v, %v", p, err)
			}
			fakeclock.Pass(2 * shared.Retention)
		}
		l.end()
	})
}

// fields is a strict Decoder whose pictures have two units each: they come with the second, which has none of its own.
type fields struct{ *strict }

func (f fields) Follow(ctx context.Context, units iter.Seq2[frame.AccessUnit, bool]) iter.Seq2[frame.Latent, error] {
	return func(yield func(frame.Latent, error) bool) {
		var first frame.Latent
		for l, err := range f.strict.Follow(ctx, units) {
			if l.Unit%2 == 0 {
				first = l
				continue
			}
			l.Hidden = true
			if !yield(first, err) || !yield(l, err) {
				return
			}
		}
	}
}

// TestFieldsOfWhatIsForgotten captures the newest picture of a stream whose pictures have two units each, when one of them has come or both.
func TestFieldsOfWhatIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLongStream(t, fields{&strict{t: t}}, false, 1)
		l.play(300)
		for n := range 20 {
			l.play(3 + n%2)
			l.Captured()
			l.Captured()
			w := l.newest()
			l.all.Go(func() {
				fakeclock.Pass(interval / 2)
				l.play(1)
			})
			p, err := l.Picture(t.Context(), w)
			if first := numberOf(w) &^ 1; err != nil || p.PTS != time.Duration(first)*interval {
				t.Errorf("unit %d: %v, %v", numberOf(w), p, err)
			}
			fakeclock.Pass(2 * interval)
		}
		l.end()
	})
}

// numberOf returns how many units came before what is wanted.
func numberOf(w sched.Wanted) int { return int(w.GOP[w.Unit].PTS / interval) }

// TestUnorderedIsForgotten captures the newest picture of a stream that stalls, for whose place in the order units are missing. The decoding does
// not end for that: when the stream goes on, pictures come again.
func TestUnorderedIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLongStream(t, &strict{t: t, delay: 1}, true, 1)
		l.play(302)
		began := time.Now()
		if p, err := l.Picture(t.Context(), l.newest()); !errors.Is(err, sched.ErrForgotten) || time.Since(began) > 2*time.Second {
			t.Errorf("%v, %v after %v", p, err, time.Since(began))
		}
		l.play(7)
		w := l.newest()
		l.all.Go(func() { l.play(3) })
		if p, err := l.Picture(t.Context(), w); err != nil || p.PTS != w.GOP[w.Unit].PTS {
			t.Errorf("%v, %v", p, err)
		}
		fakeclock.Pass(3 * interval)
		l.end()
	})
}

// TestWarmAgain captures the newest picture of a stream that stalls for a while, so that the decoding that is kept warm has to end for it. When the
// stream goes on, another one follows it.
func TestWarmAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &strict{t: t, delay: 1}
		l := newLongStream(t, d, true, 1)
		l.play(30)
		for range 2 {
			w := l.newest()
			p, err := l.Picture(t.Context(), w)
			if err != nil || p.PTS != w.GOP[w.Unit].PTS {
				t.Errorf("%v, %v", p, err)
			}
			fakeclock.Pass(time.Second)
			if running := d.read(&d.running); running != 0 {
				t.Errorf("%d decodings run while the stream stalls", running)
			}
			l.play(3)
			if running := d.read(&d.running); running != 1 {
				t.Errorf("%d decodings follow when it goes on", running)
			}
		}
		l.end()
	})
}

// TestFallsBehind has a decoder follow that is slower than the stream, until what it was to be given is forgotten. Who wants what is given to it before
// gets that; others are told at once, and nobody decodes the stream in vain.
func TestFallsBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &strict{t: t, took: 3 * interval}
		l := newLongStream(t, d, false, 1)
		for l.n == 0 || l.gop().Forgotten() == 0 {
			l.play(1)
		}
		all := l.n
		l.end()

		l = newLongStream(t, d, false, 1)
		l.play(all - 5)
		old := l.newest()
		l.all.Go(func() { l.play(2 * all) })
		late := old.Unit*3 - all // of the stream, in units, when the decoder comes to old: what is behind that is forgotten
		l.all.Go(func() {
			fakeclock.Pass(time.Duration(late) * interval)
			began, w := time.Now(), l.newest()
			if p, err := l.Picture(t.Context(), w); !errors.Is(err, sched.ErrForgotten) || time.Since(began) > 0 || d.read(&d.running) != 1 {
				t.Errorf("of what it will not be given: %v, %v after %v", p, err, time.Since(began))
			}
		})
		if p, err := l.Picture(t.Context(), old); err != nil || p.PTS != old.GOP[old.Unit].PTS || l.gop().Forgotten() <= old.Unit {
			t.Errorf("of what it has still to be given: %v, %v, %d are forgotten", p, err, l.gop().Forgotten())
		}
		fakeclock.Pass(time.Duration(all) * interval)
		before := d.read(&d.decoded)
		if p, err := l.Picture(t.Context(), l.newest()); !errors.Is(err, sched.ErrForgotten) || d.read(&d.decoded) != before || d.read(&d.running) > 0 {
			t.Errorf("later: %v, %v, decoded %d and then %d", p, err, before, d.read(&d.decoded))
		}
		if p, err := l.Picture(t.Context(), sched.Wanted{GOP: l.gop()}); err != nil || p.PTS != 0 {
			t.Errorf("the key picture: %v, %v", p, err)
		}
		l.end()
	})
}

// TestTooLateToFollow keeps a stream warm only when its newest units cannot be decoded any more, from the beginning.
func TestTooLateToFollow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &strict{t: t}
		l := newLongStream(t, d, false, 0)
		l.play(200)
		ctx, cancel := context.WithCancel(t.Context())
		l.all.Go(func() { l.KeepWarm(ctx) })
		l.play(200)
		if p, err := l.Picture(t.Context(), l.newest()); !errors.Is(err, sched.ErrForgotten) || d.read(&d.decoded) > 0 {
			t.Errorf("%v, %v, %d units were decoded", p, err, d.read(&d.decoded))
		}
		cancel()
		l.end()
	})
}

// TestForgottenWhileOneWaits has a capture wait for a picture of a GOP while the stream becomes too much for the History, and another of that then
// want the unit that has its index there.
func TestForgottenWhileOneWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &strict{t: t, took: 10 * interval}
		l := newLongStream(t, d, false, 0)
		l.play(10)
		l.all.Go(func() { l.play(100) })
		old := sched.Wanted{GOP: l.gop(), Unit: 8}
		for range 2 {
			if p, err := l.Picture(t.Context(), old); err != nil || p.PTS != old.GOP[old.Unit].PTS {
				t.Errorf("%v, %v", p, err)
			}
		}
		now := sched.Wanted{GOP: l.gop(), Unit: old.Unit}
		if p, err := l.Picture(t.Context(), now); !errors.Is(err, sched.ErrForgotten) || now.GOP[now.Unit].PTS == old.GOP[old.Unit].PTS {
			t.Errorf("with the same index: %v, %v", p, err)
		}
		l.end()
	})
}

// TestDemandsOfWhatIsForgotten has captures want any pictures of a stream most of which is forgotten meanwhile, of a GOP that they have looked at some
// time before. Those that they get are what they want.
func TestDemandsOfWhatIsForgotten(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 6))
			bFrames := r.IntN(2) == 0
			d := &strict{t: t, delay: r.IntN(3), took: time.Duration(r.IntN(5)) * interval / 3}
			l := newLongStream(t, d, bFrames, time.Duration(r.IntN(2)))
			l.all.Go(func() {
				for n := range 300 {
					addLong(l.History, n, interval, bFrames)
					fakeclock.Pass(interval)
				}
			})
			var captures sync.WaitGroup
			for range 80 {
				when, pause, limit := time.Duration(1+r.IntN(290))*interval, time.Duration(r.IntN(3))*interval, time.Duration(1+r.IntN(100))*interval
				which, many := r.Float64(), 1+r.IntN(3)
				if r.IntN(2) == 0 {
					which = 1
				}
				captures.Go(func() {
					fakeclock.Pass(when)
					l.Captured()
					gop := l.gop()
					fakeclock.Pass(pause)
					ctx, cancel := context.WithTimeout(t.Context(), limit)
					defer cancel()
					var demands []*sched.Demand
					for n := range many {
						unit := int(which*float64(len(gop)-1)) - n
						if unit >= 0 && gop[unit].Data != nil {
							demands = append(demands, &sched.Demand{Unit: unit})
						}
					}
					if err := l.Decode(ctx, gop, demands...); err != nil && !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("seed %d: %v", seed, err)
					}
					for _, demand := range demands {
						if p := demand.Picture(); p != nil && p.PTS != gop[demand.Unit].PTS {
							t.Errorf("seed %d: unit %d of %d: %v", seed, demand.Unit, len(gop), p)
						}
					}
				})
			}
			captures.Wait()
			fakeclock.Pass(time.Minute)
			l.end()
			if running, places := d.read(&d.running), d.read(&d.places); running != 0 || places != 0 {
				t.Errorf("seed %d: %d decodings run, %d places are taken", seed, running, places)
			}
		})
	}
}
