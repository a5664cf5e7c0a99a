package capture_test

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/frametest"
)

// merger is a Merger that wants the pictures which are shown so many places after the one to be made better, and remembers what it got.
type merger struct {
	places []int

	mu     sync.Mutex
	bursts []burst
}

// A burst is the numbers that the pictures of a Burst show.
type burst struct {
	shown  []int
	target int // its number, not its place
}

func (m *merger) Neighbours(gops []frame.GOP, gop, unit int) [][]int {
	type place struct{ gop, unit int }
	var all []place
	for g := range gops {
		for i := range gops[g] {
			all = append(all, place{g, i})
		}
	}
	slices.SortFunc(all, func(a, b place) int { return cmp.Compare(gops[a.gop][a.unit].PTS, gops[b.gop][b.unit].PTS) })
	at := slices.Index(all, place{gop, unit})
	wanted := make([][]int, len(gops))
	for _, n := range m.places {
		if at+n >= 0 && at+n < len(all) {
			p := all[at+n]
			wanted[p.gop] = append(wanted[p.gop], p.unit)
		}
	}
	for g := range wanted {
		slices.Sort(wanted[g])
	}
	return wanted
}

func (m *merger) Enhance(_ context.Context, b *frame.Burst) (*frame.Picture, error) {
	var got burst
	for _, p := range b.Pictures {
		n, ok := frametest.Read(p.YCbCr)
		if !ok || n != int(p.PTS/interval) || p.Corrupt {
			n = -1
		}
		got.shown = append(got.shown, n)
	}
	got.target, _ = frametest.Read(b.Picture().YCbCr)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.bursts = append(m.bursts, got)
	return b.Picture().Clone(), nil
}

// check reports what differs between the Bursts that came and those that should.
func (m *merger) check(t *testing.T, about string, want ...burst) {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	if !slices.EqualFunc(m.bursts, want, func(a, b burst) bool { return a.target == b.target && slices.Equal(a.shown, b.shown) }) {
		t.Errorf("%s: merged %v, want %v", about, m.bursts, want)
	}
}

// span returns the numbers from one to another.
func span(from, to int) (all []int) {
	for n := from; n <= to; n++ {
		all = append(all, n)
	}
	return all
}

// TestNeighbours captures picture 25 of a stream whose GOPs are ten pictures long.
func TestNeighbours(t *testing.T) {
	places := []int{-15, -7, -6, -2, -1, 0, 1, 2, 5}
	for _, test := range []struct {
		about  string
		places []int
		damage func(us []frame.AccessUnit)
		best   bool
		want   []int
		target int // if it is not 25
	}{
		{about: "all that are wanted", want: []int{10, 18, 19, 23, 24, 25, 26, 27, 30}},
		{about: "none", places: []int{}, want: []int{25}},
		{about: "the picture itself is not named", places: []int{-1, 1}, want: []int{24, 25, 26}},
		{about: "damage after it", damage: func(us []frame.AccessUnit) { us[27].Data = []byte{1} }, want: []int{10, 18, 19, 23, 24, 25, 26, 30}},
		{about: "damage in another GOP", damage: func(us []frame.AccessUnit) { us[19].Data = []byte{1} }, want: []int{10, 18, 23, 24, 25, 26, 27, 30}},
		{about: "the decoder fails", damage: func(us []frame.AccessUnit) { us[27].Data = []byte{2} }, want: []int{10, 18, 19, 23, 24, 25, 26, 30}},
		{about: "and in another GOP", damage: func(us []frame.AccessUnit) { us[10].Data = []byte{2} }, want: []int{23, 24, 25, 26, 27, 30}},
		{about: "data was lost", damage: func(us []frame.AccessUnit) { us[26].Lost = true }, want: []int{10, 18, 19, 23, 24, 25, 30}},
		{about: "a blank picture", damage: func(us []frame.AccessUnit) { us[24].Data = []byte{3} }, want: []int{10, 18, 19, 23, 25, 26, 27, 30}},
		{about: "another size", damage: func(us []frame.AccessUnit) { us[24].Data, us[30].Data = []byte{4}, []byte{4} }, want: []int{10, 18, 19, 23, 25, 26, 27}},
		{about: "one that stands in", damage: func(us []frame.AccessUnit) { us[25].Data = []byte{1} }, want: []int{9, 17, 18, 22, 23, 24}, target: 24},
		{about: "the best", best: true, damage: func(us []frame.AccessUnit) {
			for i := range us {
				us[i].Data = []byte{0, 30}
			}
			us[26].Data = []byte{0, 12}
		}, want: []int{11, 19, 20, 24, 25, 26, 27, 28, 31}, target: 26},
	} {
		t.Run(test.about, eachDecoder(func(t *testing.T, d capture.Decoder) {
			t.Helper()
			synctest.Test(t, func(t *testing.T) {
				m := &merger{places: test.places}
				if m.places == nil {
					m.places = places
				}
				cam := &capture.Camera{Decoder: d, Enhancer: m}
				us := units(40, 10, false)
				if test.damage != nil {
					test.damage(us)
				}
				start := time.Now()
				serve(t, cam, us)
				moment := capture.At(start.Add(25 * interval))
				if test.best {
					moment = moment.Best(2*interval, func(p *frame.Picture) float64 { return -float64(p.EffectiveQP) })
				}
				still, err := cam.Capture(t.Context(), capture.Request{Moment: moment})
				if err != nil {
					t.Fatal(err)
				}
				target := cmp.Or(test.target, 25)
				m.check(t, test.about, burst{test.want, target})
				if still.Merged != len(test.want) || number(still) != target || still.Refined {
					t.Errorf("says that it was made of %d, shows %d, refined %v", still.Merged, number(still), still.Refined)
				}
			})
		}))
	}
}

// careless is a Merger that names units which are not there.
type careless struct{ merger }

func (*careless) Neighbours([]frame.GOP, int, int) [][]int { return [][]int{{-1, 3, 10}, {}} }

func TestNeighboursThatAreNotThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := new(careless)
		cam := &capture.Camera{Decoder: &decoder{}, Enhancer: m}
		serve(t, cam, units(30, 10, false))
		if still, err := cam.Capture(t.Context(), capture.Request{}); err != nil || still.Merged != 2 {
			t.Errorf("%+v, %v", still, err)
		}
		m.check(t, "newest", burst{[]int{3, 29}, 29})
	})
}

// TestNeighboursOfOtherPublishers captures from the second of two streams: the first one's pictures are not its neighbours.
func TestNeighboursOfOtherPublishers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &merger{places: span(-20, 20)}
		cam := &capture.Camera{Decoder: &decoder{}, Enhancer: m}
		for range 2 {
			serve(t, cam, units(13, 10, false))
		}
		if still, err := cam.Capture(t.Context(), capture.Request{}); err != nil || still.Merged != 13 {
			t.Errorf("%+v, %v", still, err)
		}
		m.check(t, "newest", burst{span(0, 12), 12})
	})
}

// TestNeighboursAreDecodedOnce has a decoder so slow that no line would wait for the other GOP.
func TestNeighboursAreDecodedOnce(t *testing.T) {
	for _, test := range []struct {
		about   string
		bframes bool
		places  []int
		want    []int
		decoded int64
	}{
		{"neighbours just before and after", false, span(-3, 3), span(22, 28), 9},
		{"and the GOP before", false, append(span(-6, -6), span(-3, 3)...), append(span(19, 19), span(22, 28)...), 9 + 10},
		{"none after", false, span(-3, 0), span(22, 25), 6},
		{"B-frames", true, span(-3, 1), span(24, 28), 10},
	} {
		synctest.Test(t, func(t *testing.T) {
			d := &decoder{took: interval}
			m := &merger{places: test.places}
			cam := &capture.Camera{Decoder: d, Enhancer: m}
			start := time.Now()
			serve(t, cam, units(40, 10, test.bframes))
			at := start.Add(25 * interval)
			if test.bframes {
				at = start.Add(27 * interval)
			}
			if _, err := cam.Capture(t.Context(), capture.Request{Moment: capture.At(at)}); err != nil {
				t.Fatal(err)
			}
			m.check(t, test.about, burst{test.want, int(at.Sub(start) / interval)})
			if n := d.decoded.Load(); n > test.decoded {
				t.Errorf("%s: %d units were decoded, %d do", test.about, n, test.decoded)
			}
		})
	}
}

// TestLookahead captures from a live stream of ten pictures a second, 3.55 seconds after it began.
func TestLookahead(t *testing.T) {
	const now = 3550 * time.Millisecond
	for _, test := range []struct {
		about     string
		units     []frame.AccessUnit
		stalls    bool // instead of ending
		moment    capture.Moment
		lookahead time.Duration
		want      []int
		target    int
		waits     time.Duration
	}{
		{about: "what is there", want: span(30, 35), target: 35},
		{about: "the picture alone", lookahead: -1, want: span(35, 35), target: 35},
		{about: "a picture", lookahead: interval, want: span(30, 36), target: 35, waits: 50 * time.Millisecond},
		{about: "part of an interval is a picture as well", lookahead: 1, want: span(30, 36), target: 35, waits: 50 * time.Millisecond},
		{about: "three pictures", lookahead: 3 * interval, want: span(30, 38), target: 35, waits: 250 * time.Millisecond},
		{about: "the next GOP", lookahead: time.Hour, want: span(30, 40), target: 35, waits: 450 * time.Millisecond},
		{about: "longer than any", lookahead: 1<<63 - 1, want: span(30, 40), target: 35, waits: 450 * time.Millisecond},
		{about: "all is there", moment: capture.AtPTS(32 * interval), lookahead: 3 * interval, want: span(27, 35), target: 32},
		{about: "the next GOP is there", moment: capture.AtPTS(28 * interval), lookahead: time.Hour, want: span(23, 34), target: 28},
		{about: "a longer GOP", units: units(100, 100, false), lookahead: time.Second, want: span(30, 41), target: 35, waits: 950 * time.Millisecond},
		{about: "the stream ends", units: units(38, 10, false), lookahead: time.Hour, want: span(30, 37), target: 35, waits: 150 * time.Millisecond},
		{about: "the stream stalls", units: units(38, 10, false), stalls: true, lookahead: time.Second, want: span(30, 37), target: 35, waits: 1500 * time.Millisecond},
		{about: "the stream has ended", units: units(20, 10, false), lookahead: time.Hour, want: span(14, 19), target: 19},
		{about: "B-frames, what is there", units: units(100, 10, true), want: append(span(32, 36), 38), target: 38},
		{about: "B-frames wait for those shown before", units: units(100, 10, true), moment: capture.AtPTS(34 * interval), lookahead: interval,
			want: append(span(29, 36), 38), target: 34},
	} {
		t.Run(test.about, eachDecoder(func(t *testing.T, d capture.Decoder) {
			t.Helper()
			synctest.Test(t, func(t *testing.T) {
				m := &merger{places: span(-5, 6)}
				cam := &capture.Camera{Decoder: d, Enhancer: m}
				us := test.units
				if us == nil {
					us = units(100, 10, false)
				}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				s := frametest.Live(ctx, "live/a", us)
				if live := s.Units; test.stalls {
					s.Units = func(yield func(frame.AccessUnit, error) bool) {
						live(yield)
						<-ctx.Done()
					}
				}
				go func() { _ = cam.ServeStream(ctx, s) }()
				pass(now)
				begun := time.Now()
				still, err := cam.Capture(ctx, capture.Request{Moment: test.moment, Lookahead: test.lookahead})
				if err != nil {
					t.Fatal(err)
				}
				if waited := time.Since(begun); waited != test.waits || still.Step("gather") != waited || still.Step("enhance") != 0 {
					t.Errorf("waited %v, want %v; the still says %v", waited, test.waits, still.Steps)
				}
				m.check(t, test.about, burst{test.want, test.target})
			})
		}))
	}
}

// TestLookaheadEndsWithItsContext has a stream stall.
func TestLookaheadEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &merger{}
		cam := &capture.Camera{Decoder: &decoder{}, Enhancer: m}
		s := &frame.Stream{Units: func(yield func(frame.AccessUnit, error) bool) {
			yield(units(1, 10, false)[0], nil)
			<-t.Context().Done()
		}}
		go func() { _ = cam.ServeStream(t.Context(), s) }()
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, errHook)
		defer cancel()
		begun := time.Now()
		var typed *capture.Error
		if _, err := cam.Capture(ctx, capture.Request{Lookahead: time.Hour}); !errors.As(err, &typed) || typed.Step != "enhance" || !errors.Is(err, errHook) {
			t.Error(err)
		}
		if waited := time.Since(begun); waited != time.Second {
			t.Errorf("waited %v", waited)
		}
		m.check(t, "cancelled")
	})
}

// TestLookaheadIsShared has captures of the same picture begin at once, of which the first gives up.
func TestLookaheadIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &merger{places: span(-1, 5)}
		d := &decoder{}
		var files encodings
		cam := &capture.Camera{Decoder: d, Enhancer: m, Encoder: &files}
		go serve(t, cam, units(100, 100, false))
		pass(interval / 2)
		ctx, cancel := context.WithTimeout(t.Context(), interval)
		defer cancel()
		var taps sync.WaitGroup
		taps.Go(func() {
			if _, err := cam.Capture(ctx, capture.Request{Lookahead: 3 * interval}); !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
		})
		synctest.Wait()
		stills := make(map[time.Duration]*frame.Picture)
		var mu sync.Mutex
		for _, lookahead := range []time.Duration{-1, 0, interval, 3 * interval, interval, -1, 0, 3 * interval} {
			taps.Go(func() {
				still, err := cam.Capture(t.Context(), capture.Request{Lookahead: lookahead})
				if err != nil || still.Merged != 1+max(0, int(lookahead/interval)) {
					t.Errorf("%v: %+v, %v", lookahead, still, err)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				if other := stills[lookahead]; other != nil && other != still.Picture {
					t.Errorf("%v: the picture was made anew", lookahead)
				}
				stills[lookahead] = still.Picture
			})
			synctest.Wait()
		}
		taps.Wait()
		m.check(t, "shared", burst{span(0, 0), 0}, burst{span(0, 0), 0}, burst{span(0, 1), 0}, burst{span(0, 3), 0})
		if files.n != 3 { // of one, two and four pictures
			t.Errorf("%d files were made, want 3", files.n)
		}
		if n := d.decoded.Load(); n > 2+4 { // the decoding of one was past the second picture when three were wanted
			t.Errorf("%d units were decoded, 6 do", n)
		}
	})
}

// TestMergersAndOthersMix has merging captures run while others take the newest picture, so that lines move on under them.
func TestMergersAndOthersMix(t *testing.T) {
	for _, bframes := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			d := &decoder{took: 20 * time.Millisecond, places: make(chan struct{}, 1)}
			m := &merger{places: append(span(-15, -12), span(-3, 3)...)}
			cam := &capture.Camera{Decoder: d, Enhancer: m}
			start := time.Now()
			go serve(t, cam, units(100, 10, bframes))
			pass(30*interval + interval/3)
			var taps sync.WaitGroup
			for n := range 60 {
				taps.Go(func() {
					r := capture.Request{Lookahead: time.Duration(n%5-1) * interval}
					if n%3 == 0 {
						r.Moment = capture.Ago(4 * interval)
					}
					still, err := cam.Capture(t.Context(), r)
					if err != nil || still.Instead != nil || still.Time.Sub(start) != time.Duration(number(still))*interval {
						t.Errorf("%+v, %v", still, err)
					}
				})
				pass(interval / 2)
			}
			taps.Wait()
			m.mu.Lock()
			defer m.mu.Unlock()
			for _, b := range m.bursts {
				if !slices.IsSorted(b.shown) || slices.Contains(b.shown, -1) || !slices.Contains(b.shown, b.target) {
					t.Errorf("merged %v", b)
				}
			}
		})
	}
}
