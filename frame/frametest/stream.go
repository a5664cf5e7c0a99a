package frametest

import (
	"cmp"
	"hash/maphash"
	"slices"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/bitstream"
)

// TestStream checks a source of streams against what frame.Stream and frame.AccessUnit promise. open is called twice; it returns a stream of at least
// two units, which ends by itself, and cleans up after itself with tb.Cleanup. The first stream is read to its end; the second is left after
// its first unit, as a Handler does that hangs up.
func TestStream(tb testing.TB, open func(tb testing.TB) *frame.Stream) {
	tb.Helper()
	testWhole(tb, open(tb))
	testLeft(tb, open(tb))
}

// A taken is a unit with what it has to be like later.
type taken struct {
	frame.AccessUnit
	number int
	sum    uint64
}

// A whole is a stream that is read to its end.
type whole struct {
	testing.TB
	check frame.Check
	seed  maphash.Seed
	units []taken
}

// testWhole reads a stream to its end.
func testWhole(tb testing.TB, s *frame.Stream) {
	tb.Helper()
	if s == nil || s.Units == nil {
		tb.Error("there is no Stream, or it has no Units")
		return
	}
	w := whole{TB: tb, seed: maphash.MakeSeed()}
	var failed error
	for u, err := range s.Units {
		if failed != nil {
			tb.Errorf("Units go on after the error %v, which ends them", failed)
			return
		}
		if failed = err; err != nil {
			tb.Errorf("after %d units: %v", len(w.units), err)
			if u.Data != nil || u.Codec != 0 {
				tb.Error("with the error comes a unit; it comes alone")
			}
			continue
		}
		if !w.take(u) {
			return
		}
	}
	if len(w.units) < 2 {
		tb.Errorf("%d units, want two at least", len(w.units))
	}
	w.looksBack()
	w.order()
}

// take looks at the next unit. It reports whether there is any use in going on.
func (w *whole) take(u frame.AccessUnit) bool {
	w.Helper()
	n := len(w.units)
	if late := time.Until(u.Shown()); late > time.Millisecond { // as a Clock has it, of units that arrive at one instant
		w.Errorf("unit %d is shown %v after it has arrived", n, late)
		return false
	}
	if n == 0 && !u.Key {
		w.Error("unit 0 is no key unit, with which a stream begins")
		return false
	}
	if err := w.check.Unit(&u); err != nil {
		w.Error(err)
		return false
	}
	if u.Key && hasSets(u.Codec) && !u.Lost && !bitstream.HasSets(u.Codec, u.Data) {
		w.Errorf("unit %d is a key unit of %v without a parameter set of each kind", n, u.Codec)
	}
	w.units = append(w.units, taken{u, n, maphash.Bytes(w.seed, u.Data)})
	return true
}

// looksBack looks at whether the data of all units is what it was.
func (w *whole) looksBack() {
	w.Helper()
	for i := range w.units {
		if u := &w.units[i]; maphash.Bytes(w.seed, u.Data) != u.sum {
			w.Errorf("the Data of unit %d has changed since it was yielded; each unit needs memory of its own", u.number)
			return
		}
	}
}

func hasSets(c frame.Codec) bool { return c == frame.H264 || c == frame.H265 }

// order looks at whether what is shown later by PTS is shown later by Time.
func (w *whole) order() {
	w.Helper()
	slices.SortStableFunc(w.units, func(a, b taken) int { return cmp.Compare(a.PTS, b.PTS) })
	for i := 1; i < len(w.units); i++ {
		a, b := &w.units[i-1], &w.units[i]
		switch {
		case b.Time.Before(a.Time):
			w.Errorf("unit %d of PTS %v is shown %v after unit %d of PTS %v", a.number, a.PTS, a.Time.Sub(b.Time), b.number, b.PTS)
			return
		case b.PTS == a.PTS:
			w.Errorf("units %d and %d have the same PTS %v", a.number, b.number, a.PTS)
			return
		}
	}
}

// testLeft leaves a stream after its first unit. That Units yields nothing after that, Go sees to: it panics.
func testLeft(tb testing.TB, s *frame.Stream) {
	tb.Helper()
	defer func() {
		if v := recover(); v != nil {
			tb.Errorf("Units left after its first unit panics: %v", v)
		}
	}()
	for u, err := range s.Units {
		if err != nil || !u.Key {
			tb.Errorf("the second stream begins with a unit of which Key is %v, error %v", u.Key, err)
		}
		break
	}
}
