package sched_test

import (
	"cmp"
	"context"
	"errors"
	"image"
	"iter"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/livestill/livestill/capture/internal/sched"
	"github.com/livestill/livestill/capture/internal/shared"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/fakeclock"
)

const interval = 100 * time.Millisecond // between units

// strict is a Follower that checks whether its caller does what a Follower may expect. It buffers so many pictures.
type strict struct {
	t       *testing.T
	delay   int
	took    time.Duration // for each unit
	mu      sync.Mutex
	places  int // that are taken
	running int
	decoded int
}

func (s *strict) Decode(context.Context, frame.GOP, time.Time) iter.Seq2[*frame.Picture, error] {
	panic("a Follower follows")
}

func (s *strict) Reserve(ctx context.Context, stream string) (frame.Place, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if s.places++; s.places > 1 || stream != "live/a" {
		s.t.Errorf("%d places are taken at once, for %q", s.places, stream)
	}
	return &strictPlace{s: s}, nil
}

type strictPlace struct {
	s    *strict
	gone bool
}

func (p *strictPlace) Yield(ctx context.Context) error {
	if ctx.Err() != nil {
		p.Release()
	}
	return context.Cause(ctx)
}

func (p *strictPlace) Release() {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	if !p.gone {
		p.gone = true
		p.s.places--
	}
}

func (s *strict) Follow(ctx context.Context, units iter.Seq2[frame.AccessUnit, bool]) iter.Seq2[frame.Latent, error] {
	return func(yield func(frame.Latent, error) bool) {
		s.count(&s.running, 1)
		defer s.count(&s.running, -1)
		var buffered []frame.Latent
		show := func(most int) bool {
			slices.SortStableFunc(buffered, func(a, b frame.Latent) int { return cmp.Compare(a.PTS, b.PTS) })
			for len(buffered) > most {
				if !yield(buffered[0], nil) {
					return false
				}
				buffered = buffered[1:]
			}
			return true
		}
		n := 0
		for u := range units {
			s.mu.Lock()
			if s.decoded++; s.places != 1 {
				s.t.Errorf("unit %v is decoded with %d places", u.PTS, s.places)
			}
			s.mu.Unlock()
			if u.Key != (n == 0) {
				s.t.Errorf("unit %d of a GOP is a key unit: %v", n, u.Key)
			}
			select {
			case <-time.After(s.took):
			case <-ctx.Done():
				return
			}
			buffered = append(buffered, frame.Latent{Unit: n, PTS: u.PTS, Develop: func() (*frame.Picture, error) {
				return &frame.Picture{YCbCr: image.NewYCbCr(image.Rect(0, 0, 8, 8), image.YCbCrSubsampleRatio420), PTS: u.PTS}, nil
			}})
			n++
			if !show(s.delay) {
				return
			}
		}
		show(0)
	}
}

func (s *strict) count(what *int, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*what += n
}

func (s *strict) read(what *int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return *what
}

// add adds a unit to a History, the n-th of a stream whose GOPs have so many.
func add(h *frame.History, n, gop int) {
	at := time.Duration(n) * interval
	h.Add(frame.AccessUnit{Key: n%gop == 0, DTS: at, PTS: at, Time: time.Unix(1000, 0).Add(at), Data: []byte{0}})
}

// TestDemandsAreMet has captures come at random, want pictures of a stream that goes on meanwhile, pin decodings and give up, of a Decoder that
// is faster than the stream or slower, on a stream that is kept warm or not. Each gets the pictures that it wants, or its context has ended.
// When the stream has ended, and all captures have, nothing runs.
func TestDemandsAreMet(t *testing.T) {
	for seed := range uint64(15) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 3))
			d := &strict{t: t, delay: r.IntN(3), took: time.Duration(r.IntN(4)) * interval / 3}
			h := &frame.History{MaxAge: time.Hour, Budget: new(frame.Budget)}
			var g shared.Group
			s := sched.New(sched.Source{History: h, Decoder: d, Warm: time.Duration(r.IntN(2)), Budget: new(frame.Budget), Group: &g})
			var all sync.WaitGroup
			if !s.Begin("live/a") || s.Begin("live/b") {
				t.Fatal("a stream begins while none is live, and only then")
			}
			all.Go(func() {
				ctx, cancel := context.WithCancel(t.Context())
				var warming sync.WaitGroup
				if s.Warm > 0 {
					warming.Go(func() { s.KeepWarm(ctx) })
				}
				for n := range 100 {
					add(h, n, 25)
					fakeclock.Pass(interval)
				}
				cancel()
				warming.Wait()
				s.End()
				g.Wait()
			})
			var pinning sync.Mutex // a Pin, of which there is one at a time
			for range 60 {
				when, limit := time.Duration(1+r.IntN(120))*interval, time.Duration(1+r.IntN(100))*interval/4
				which, many, pins := r.Float64(), 1+r.IntN(3), r.IntN(3) == 0
				all.Go(func() {
					fakeclock.Pass(when)
					s.Captured()
					gops := h.GOPs()
					gop := gops[int(which*float64(len(gops)))]
					ctx, cancel := context.WithTimeout(t.Context(), limit)
					defer cancel()
					defer s.Settle(ctx)
					var demands []*sched.Demand
					for n := range min(many, len(gop)) {
						demands = append(demands, &sched.Demand{Unit: len(gop) - 1 - n})
					}
					if pins && pinning.TryLock() {
						defer pinning.Unlock()
						pin := s.NewPin()
						defer pin.Release()
						demands[0].Pin = pin
					}
					err := s.Decode(ctx, gop, demands...)
					if err != nil && !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("seed %d: %v", seed, err)
					}
					for _, demand := range demands {
						if p := demand.Picture(); p == nil && err == nil || p != nil && p.PTS != gop[demand.Unit].PTS {
							t.Errorf("seed %d: unit %d of %d: %v", seed, demand.Unit, len(gop), p)
						}
					}
					if demands[0].Pin != nil {
						demands[0].Pin.Behind(gop, len(gop)-1)
						fakeclock.Pass(interval)
					}
				})
			}
			all.Wait()
			synctest.Wait()
			if running, places := d.read(&d.running), d.read(&d.places); running != 0 || places != 0 {
				t.Errorf("seed %d: %d decodings run, %d places are taken", seed, running, places)
			}
		})
	}
}

// TestStates captures a picture of a live stream, and looks at what the decoding does then: how many units were decoded after a while, and
// whether it still runs.
func TestStates(t *testing.T) {
	const come = 20 // units, of a GOP of 100
	for _, test := range []struct {
		about   string
		delay   int
		warm    time.Duration
		pinned  bool
		wanted  bool // others want its memory
		pause   time.Duration
		decoded int
		running bool
	}{
		{about: "idle for a while", pause: shared.Retention - 1, decoded: 10, running: true},
		{about: "and no longer", pause: shared.Retention, decoded: 10},
		{about: "less if others want its memory", wanted: true, pause: 1, decoded: 10},
		{about: "pinned, it waits", pinned: true, pause: 10 * time.Second, decoded: 10, running: true},
		{about: "but not if others want its memory", pinned: true, wanted: true, pause: 1, decoded: 10},
		{about: "kept warm, it goes on", warm: 1, pause: 1, decoded: come - 1, running: true},
		{about: "kept warm a little behind", warm: 5*interval + 1, pause: 1, decoded: come - 6, running: true},
		{about: "pictures in another order take units behind them", delay: 3, pause: 1, decoded: 13, running: true},
	} {
		synctest.Test(t, func(t *testing.T) {
			d := &strict{t: t, delay: test.delay}
			h := &frame.History{MaxAge: time.Hour}
			var g shared.Group
			b := &frame.Budget{Bytes: 400}
			s := sched.New(sched.Source{History: h, Decoder: costs{d}, Warm: test.warm, Budget: b, Group: &g})
			s.Begin("live/a")
			for n := range come {
				add(h, n, 100)
			}
			ctx, cancel := context.WithCancel(t.Context())
			demand := &sched.Demand{Unit: 9}
			if test.pinned {
				demand.Pin = s.NewPin()
			}
			if err := s.Decode(ctx, h.GOPs()[0], demand); err != nil || demand.Picture() == nil {
				t.Errorf("%s: %v", test.about, err)
			}
			var warming sync.WaitGroup
			if test.warm > 0 {
				warming.Go(func() { s.KeepWarm(ctx) })
			}
			if test.wanted {
				warming.Go(func() {
					if release, err := b.Reserve(ctx, frame.ForDecoding, 100); err == nil {
						release()
					}
				})
			}
			fakeclock.Pass(test.pause)
			synctest.Wait()
			if decoded, running := d.read(&d.decoded), d.read(&d.running) > 0; decoded != test.decoded || running != test.running {
				t.Errorf("%s: %d units are decoded, it runs: %v", test.about, decoded, running)
			}
			cancel()
			warming.Wait()
			s.End()
			g.Wait()
		})
	}
}

// costs is a Decoder that takes all the memory there is.
type costs struct{ *strict }

func (costs) Cost(frame.AccessUnit) frame.Cost { return frame.Cost{Decoding: 100} }

// recalling is a Decoder that wants what it has for decodings for others.
type recalling struct {
	*strict
	recalls chan struct{}
}

func (r recalling) Recalls() <-chan struct{} { return r.recalls }

// TestRecalls: a decoding ends when the Decoder wants what it has for it, whatever it is doing, unless a capture waits for pictures.
func TestRecalls(t *testing.T) {
	for _, test := range []struct {
		about   string
		took    time.Duration // for each unit
		capture bool
		pinned  bool // by the capture
		warm    time.Duration
		after   time.Duration // when it ends; the recall comes at once
		decoded int
	}{
		{about: "idle", capture: true, decoded: 10},
		{about: "pinned", capture: true, pinned: true, decoded: 10},
		{about: "a capture waits", took: interval, capture: true, after: 10 * interval, decoded: 10},
		{about: "it follows the stream", warm: 1, decoded: 99},
		{about: "it cannot follow the stream", took: interval, warm: 1, after: interval, decoded: 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			d := recalling{&strict{t: t, took: test.took}, make(chan struct{})}
			h := &frame.History{MaxAge: time.Hour}
			var g shared.Group
			s := sched.New(sched.Source{History: h, Decoder: d, Warm: test.warm, Budget: new(frame.Budget), Group: &g})
			s.Begin("live/a")
			for n := range 100 {
				add(h, n, 1000)
			}
			began := time.Now()
			ctx, cancel := context.WithCancel(t.Context())
			var all sync.WaitGroup
			if test.warm > 0 {
				all.Go(func() { s.KeepWarm(ctx) })
			}
			if test.capture {
				demand := &sched.Demand{Unit: 9}
				if test.pinned {
					demand.Pin = s.NewPin()
				}
				all.Go(func() {
					if err := s.Decode(ctx, h.GOPs()[0], demand); err != nil || demand.Picture() == nil {
						t.Errorf("%s: %v", test.about, err)
					}
				})
			}
			synctest.Wait()
			d.recalls <- struct{}{}
			g.Wait()
			if took, decoded := time.Since(began), d.read(&d.decoded); took != test.after || decoded != test.decoded {
				t.Errorf("%s: it ended after %v and %d units, want %v and %d", test.about, took, decoded, test.after, test.decoded)
			}
			cancel()
			all.Wait()
			s.End()
			g.Wait()
		})
	}
}

// TestAwaiting captures the newest picture, for whose order the Decoder needs units that are still to come.
func TestAwaiting(t *testing.T) {
	for _, test := range []struct {
		about string
		again bool // there was a capture just before
		stall bool // no units come
		want  time.Duration
	}{
		{"a first capture does not wait", false, false, 0},
		{"the next one waits for two units", true, false, 2 * interval},
		{"but not for long", true, true, 500 * time.Millisecond},
	} {
		synctest.Test(t, func(t *testing.T) {
			d := &strict{t: t, delay: 2}
			h := &frame.History{MaxAge: time.Hour}
			var g shared.Group
			s := sched.New(sched.Source{History: h, Decoder: d, Group: &g})
			s.Begin("live/a")
			for n := range 10 {
				add(h, n, 100)
			}
			if s.Captured(); test.again {
				s.Captured()
			}
			began := time.Now()
			var coming sync.WaitGroup
			if !test.stall {
				coming.Go(func() {
					for n := range 5 {
						fakeclock.Pass(interval)
						add(h, 10+n, 100)
					}
				})
			}
			demand := &sched.Demand{Unit: 9}
			err := s.Decode(t.Context(), h.GOPs()[0], demand)
			if took := time.Since(began); err != nil || demand.Picture() == nil || took != test.want {
				t.Errorf("%s: it took %v, %v", test.about, took, err)
			}
			coming.Wait()
			s.End()
			g.Wait()
		})
	}
}

// TestMemoryBeforeWork has a decoding await units, with all the memory there is, while another of the stream wants that, and then go on.
func TestMemoryBeforeWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &strict{t: t, delay: 2}
		h := &frame.History{MaxAge: time.Hour}
		var g shared.Group
		s := sched.New(sched.Source{History: h, Decoder: costs{d}, Budget: &frame.Budget{Bytes: 400}, Group: &g})
		s.Begin("live/a")
		for n := range 10 {
			add(h, n, 5)
		}
		s.Captured()
		s.Captured()
		began := time.Now()
		var captures sync.WaitGroup
		for gop, unit := range []int{3, 4} { // the first GOP is over
			demand := &sched.Demand{Unit: unit}
			captures.Go(func() {
				if err := s.Decode(t.Context(), h.GOPs()[1-gop], demand); err != nil || demand.Picture() == nil {
					t.Errorf("GOP %d: %v", 1-gop, err)
				}
			})
			synctest.Wait()
		}
		fakeclock.Pass(interval)
		add(h, 10, 100)
		captures.Wait()
		if took := time.Since(began); took > time.Second {
			t.Errorf("it took %v", took)
		}
		s.End()
		g.Wait()
	})
}

// accounts is a strict Decoder that notes in whose name places are reserved. Of GOPs whose units are odd it makes damaged pictures.
type accounts struct {
	*strict
	names []string
}

func (a *accounts) Reserve(ctx context.Context, stream string) (frame.Place, error) {
	a.names = append(a.names, stream)
	return a.strict.Reserve(ctx, "live/a")
}

func (a *accounts) Follow(ctx context.Context, units iter.Seq2[frame.AccessUnit, bool]) iter.Seq2[frame.Latent, error] {
	return func(yield func(frame.Latent, error) bool) {
		odd := false
		read := func(yield func(frame.AccessUnit, bool) bool) {
			for u, wanted := range units {
				if odd = u.Data[0]%2 == 1; !yield(u, wanted) {
					return
				}
			}
		}
		for l, err := range a.strict.Follow(ctx, read) {
			if l.Corrupt = odd; !yield(l, err) {
				return
			}
		}
	}
}

// TestFailingStreams asks for places in its own name until it has made nothing but damaged pictures, and again from the next good one on.
func TestFailingStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &accounts{strict: &strict{t: t}}
		h := &frame.History{MaxAge: time.Hour}
		var g shared.Group
		s := sched.New(sched.Source{History: h, Decoder: d, Group: &g})
		s.Begin("live/a")
		for n, odd := range []byte{0, 1, 1, 0, 1} {
			at := time.Duration(n) * interval
			h.Add(frame.AccessUnit{Key: true, DTS: at, PTS: at, Time: time.Unix(1000, 0).Add(at), Data: []byte{odd}})
		}
		for _, gop := range h.GOPs() {
			if err := s.Decode(t.Context(), gop, &sched.Demand{}); err != nil {
				t.Error(err)
			}
			fakeclock.Pass(2 * shared.Retention)
		}
		if want := []string{"live/a", "live/a", frame.Failing, frame.Failing, "live/a"}; !slices.Equal(d.names, want) {
			t.Errorf("places for %q, want %q", d.names, want)
		}
		s.End()
		g.Wait()
	})
}

// TestPicturesOfOtherUnits: what leads a key picture takes the GOP before; a unit without a picture of its own shows the one before.
func TestPicturesOfOtherUnits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &strict{t: t}
		h := &frame.History{MaxAge: time.Hour}
		var g shared.Group
		s := sched.New(sched.Source{History: h, Decoder: leading{d}, Group: &g})
		s.Begin("live/a")
		for n := range 10 {
			add(h, n, 5)
		}
		lead := frame.AccessUnit{DTS: 10 * interval, PTS: 9*interval + 1, Time: time.Unix(1001, 1), Data: []byte{0}}
		key := frame.AccessUnit{Key: true, DTS: 10*interval - 1, PTS: 10 * interval, Time: time.Unix(1001, 0), Data: []byte{0}}
		h.Add(key)
		h.Add(lead)
		gops := h.GOPs()
		p, err := s.Picture(t.Context(), sched.Wanted{GOP: gops[2], Unit: 1})
		if err != nil || p.PTS != lead.PTS || d.decoded != 7 {
			t.Errorf("%v, %v, of %d units", p, err, d.decoded)
		}
		var along []time.Duration
		p, err = s.Picture(t.Context(), sched.Wanted{
			GOP: gops[0], Unit: 3, Along: []int{0, 2, 4},
			Take: func(p *frame.Picture) { along = append(along, p.PTS) },
		})
		if err != nil || p.PTS != 3*interval || !slices.Equal(along, []time.Duration{0, 2 * interval}) || p.Key {
			t.Errorf("%v, %v, and with it %v", p, err, along)
		}
		s.End()
		g.Wait()
	})
}

// TestManyOpenGOPs has many captures want a picture that leads its key picture, and so takes the GOP before, which is decoded once for all. If
// that has too many units, or makes no picture, or nobody waits any more, it is not even copied.
func TestManyOpenGOPs(t *testing.T) {
	const captures = 100
	for _, test := range []struct {
		about   string
		before  int // units of the GOP before
		decoder func(*strict) sched.Decoder
		gaveUp  bool
		decoded int
	}{
		{"usual", 2000, func(s *strict) sched.Decoder { return leading{s} }, false, 2002},
		{"too many", 100_000, func(s *strict) sched.Decoder { return leading{s} }, false, 2},
		{"no picture", 2000, func(s *strict) sched.Decoder { return barren{s} }, false, 2002 + 2},
		{"gave up", 2000, func(s *strict) sched.Decoder { return leading{s} }, true, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			d := &strict{t: t}
			h := &frame.History{MaxAge: 1000 * time.Hour, Budget: new(frame.Budget)}
			var g shared.Group
			s := sched.New(sched.Source{History: h, Decoder: test.decoder(d), Budget: new(frame.Budget), Group: &g})
			s.Begin("live/a")
			for n := range test.before {
				add(h, n, test.before)
			}
			at, from := time.Duration(test.before)*interval, time.Unix(1000, 0)
			h.Add(frame.AccessUnit{Key: true, DTS: at, PTS: at + 2, Time: from.Add(at + 2), Data: []byte{0}})
			h.Add(frame.AccessUnit{DTS: at + 1, PTS: at + 1, Time: from.Add(at + 1), Data: []byte{0}})
			gop := h.GOPs()[1]
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if test.gaveUp {
				cancel()
			}
			capture := func() {
				p, err := s.Picture(ctx, sched.Wanted{GOP: gop, Unit: 1})
				if test.gaveUp != errors.Is(err, context.Canceled) || p != nil && p.PTS != gop[1].PTS {
					t.Errorf("%s: %v, %v", test.about, p, err)
				}
			}
			capture()
			fakeclock.Pass(time.Second) // nothing is kept of that
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			var all sync.WaitGroup
			for range captures {
				all.Go(capture)
			}
			all.Wait()
			runtime.ReadMemStats(&after)
			units := uint64(test.before)
			if took, copied := after.TotalAlloc-before.TotalAlloc, captures*units*uint64(unsafe.Sizeof(gop[0])); took > copied/4 {
				t.Errorf("%s: %d bytes were allocated, copies for all would be %d", test.about, took, copied)
			}
			if n := d.read(&d.decoded); n > 2*test.decoded {
				t.Errorf("%s: %d units were decoded, want no more than %d", test.about, n, 2*test.decoded)
			}
			s.End()
			g.Wait()
		})
	}
}

// barren is a Decoder that makes no pictures of many units.
type barren struct{ *strict }

func (b barren) Reserve(ctx context.Context, _ string) (frame.Place, error) { // the stream is failing
	return b.strict.Reserve(ctx, "live/a")
}

func (b barren) Follow(ctx context.Context, units iter.Seq2[frame.AccessUnit, bool]) iter.Seq2[frame.Latent, error] {
	return func(yield func(frame.Latent, error) bool) {
		for _, err := range leading(b).Follow(ctx, units) {
			if err != nil && !yield(frame.Latent{}, err) {
				return
			}
		}
	}
}

// leading is a strict Decoder that does not mind key units in the middle.
type leading struct{ *strict }

func (l leading) Follow(ctx context.Context, units iter.Seq2[frame.AccessUnit, bool]) iter.Seq2[frame.Latent, error] {
	return l.strict.Follow(ctx, func(yield func(frame.AccessUnit, bool) bool) {
		first := true
		for u, wanted := range units {
			u.Key, first = first, false
			if !yield(u, wanted) {
				return
			}
		}
	})
}

// endless is a Follower that has no place for anybody.
type endless struct{ *strict }

func (endless) Reserve(ctx context.Context, _ string) (frame.Place, error) {
	<-ctx.Done()
	return nil, context.Cause(ctx)
}

// manyGiveUp has so many captures give up at once, each of which wants all of the same two thousand pictures.
func manyGiveUp(t *testing.T, captures int) {
	t.Helper()
	const many = 2000
	h := &frame.History{MaxAge: time.Hour, Budget: new(frame.Budget)}
	for n := range many {
		add(h, n, many)
	}
	var g shared.Group
	s := sched.New(sched.Source{History: h, Decoder: endless{&strict{t: t}}, Budget: new(frame.Budget), Group: &g})
	gop := h.GOPs()[0]
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for range captures {
		all.Go(func() {
			demands := make([]*sched.Demand, many)
			for i := range demands {
				demands[i] = &sched.Demand{Unit: i}
			}
			if err := s.Decode(ctx, gop, demands...); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
	}
	synctest.Wait()
	cancel()
	all.Wait()
	g.Wait()
}

// TestManyGiveUp has twenty give up; nothing is left of them.
func TestManyGiveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { manyGiveUp(t, 20) })
}
