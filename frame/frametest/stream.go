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

// TestStream holds a source of streams to what frame.Stream and frame.AccessUnit promise. open is called twice; it returns a stream of at least
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

// testWhole reads a stream to its end.
func testWhole(tb testing.TB, s *frame.Stream) {
	tb.Helper()
	if s == nil || s.Units == nil {
		tb.Error("there is no Stream, or it has no Units")
		return
	}
	var (
		check  frame.Check
		units  []taken
		ended  bool
		seed   = maphash.MakeSeed()
		failed = tb.Failed()
	)
	for u, err := range s.Units {
		switch n := len(units); {
		case ended:
			tb.Error("Units go on after an error, which ends them")
			return
		case err != nil:
			ended = true
			if u.Data != nil || u.Codec != 0 {
				tb.Errorf("a unit comes with the error %v; an error comes alone", err)
			}
			tb.Errorf("after %d units: %v", n, err)
			continue
		case n == 0 && !u.Key:
			tb.Error("unit 0 is no key unit, with which a stream begins")
		case time.Until(u.Shown()) > 0:
			tb.Errorf("unit %d is shown %v after it has arrived", n, time.Until(u.Shown()))
		}
		if err := check.Unit(&u); err != nil {
			tb.Error(err)
			return
		}
		if u.Key && hasSets(u.Codec) && !u.Lost && !bitstream.HasSets(u.Codec, u.Data) {
			tb.Errorf("unit %d is a key unit of %v without a parameter set of each kind", len(units), u.Codec)
		}
		units = append(units, taken{u, len(units), maphash.Bytes(seed, u.Data)})
	}
	if len(units) < 2 {
		tb.Errorf("%d units, want two at least", len(units))
	}
	if tb.Failed() && !failed {
		return
	}
	for _, u := range units {
		if maphash.Bytes(seed, u.Data) != u.sum {
			tb.Errorf("the Data of unit %d has changed since it was yielded; each unit needs memory of its own", u.number)
			return
		}
	}
	testOrder(tb, units)
}

func hasSets(c frame.Codec) bool { return c == frame.H264 || c == frame.H265 }

// testOrder looks at whether what is shown later by PTS is shown later by Time.
func testOrder(tb testing.TB, units []taken) {
	tb.Helper()
	slices.SortStableFunc(units, func(a, b taken) int { return cmp.Compare(a.PTS, b.PTS) })
	for i := 1; i < len(units); i++ {
		a, b := &units[i-1], &units[i]
		switch {
		case b.Time.Before(a.Time):
			tb.Errorf("unit %d of PTS %v is shown %v after unit %d of PTS %v", a.number, a.PTS, a.Time.Sub(b.Time), b.number, b.PTS)
			return
		case b.PTS == a.PTS:
			tb.Errorf("units %d and %d have the same PTS %v", a.number, b.number, a.PTS)
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
