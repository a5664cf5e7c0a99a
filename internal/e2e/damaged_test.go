package e2e_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/frametest"
)

// TestDamagedMoments has a unit of each GOP lost, and captures every picture: without tolerance it is the very one or none, with it, it
// is one that is good and nearest, and said so.
func TestDamagedMoments(t *testing.T) {
	for _, r := range recordings() {
		t.Run(r.about, func(t *testing.T) {
			t.Parallel()
			units := r.units(t)
			shown := r.shown(t, units)
			for i := range units {
				units[i].Lost = i%momentGOP == 8
			}
			cam := recall(t, units)
			refused := 0
			for _, p := range taps(units, shown) {
				still, err := cam.Capture(t.Context(), capture.Request{Moment: p.moment, Tolerance: -1})
				if err == nil {
					if got, _ := frametest.Read(still.Picture.YCbCr); got != p.want || still.Instead != nil {
						t.Errorf("frame %d: shows %d, %v", p.want, got, still.Instead)
					}
					continue
				}
				if refused++; !errors.Is(err, capture.ErrCorrupt) {
					t.Errorf("frame %d: %v", p.want, err)
				}
				still, err = cam.Capture(t.Context(), capture.Request{Moment: p.moment, Tolerance: time.Minute})
				if err != nil {
					t.Errorf("frame %d, with tolerance: %v", p.want, err)
					continue
				}
				got, _ := frametest.Read(still.Picture.YCbCr)
				if still.Instead == nil || still.Picture.Corrupt || still.PTS != shown[got].PTS {
					t.Errorf("frame %d, with tolerance: shows %d, PTS %v, %v", p.want, got, still.PTS, still.Instead)
				}
			}
			if refused < momentGOP/2 {
				t.Errorf("%d captures were refused", refused)
			}
		})
	}
}

// TestOpenBeginnings remembers streams from a key unit on that what follows it refers past: what leads it, or comes before all is
// refreshed, cannot be decoded and must be refused. With the GOP before it remembered too, all can.
func TestOpenBeginnings(t *testing.T) {
	refresh := func(t *testing.T) []frame.AccessUnit {
		t.Helper()
		return frametest.Clip{Width: 160, Height: 96, Frames: 200, GOP: 10, Args: []string{"-x264-params", "intra-refresh=1"}}.Units(t)
	}
	open := []recording{{about: "H.264, intra refresh, long", units: refresh}}
	for _, r := range recordings() {
		switch r.about {
		case "H.264, open GOPs", "H.265, open GOPs", "MPEG-4, B-frames":
			open = append(open, r)
		}
	}
	for _, r := range open {
		t.Run(r.about, func(t *testing.T) {
			t.Parallel()
			units := r.units(t)
			shown := slices.Clone(units)
			slices.SortFunc(shown, func(a, b frame.AccessUnit) int { return int(a.PTS - b.PTS) })
			clean := decodeAll(t, units)
			var keys []int
			for i, u := range units {
				if u.Key {
					keys = append(keys, i)
				}
			}
			if len(keys) < 3 {
				t.Fatalf("key units %v", keys)
			}
			for _, before := range []int{0, 1} {
				begin := units[keys[1]] // the first that is open
				cam := recall(t, units[keys[1-before]:])
				refused := 0
				for _, p := range taps(units, shown) {
					if u := shown[p.want]; before == 0 && u.PTS < begin.PTS && !slices.ContainsFunc(units[keys[1]:], func(v frame.AccessUnit) bool { return v.PTS == u.PTS }) {
						continue // not remembered
					}
					if !p.try(t, cam, shown, clean) {
						refused++
					}
				}
				if before == 0 && refused == 0 || before == 1 && refused > 0 {
					t.Errorf("%d GOPs before it: %d captures are refused", before, refused)
				}
				for n := keys[1]; n <= len(units); n++ { // as the stream goes on
					if n > keys[1]+20 && n%7 > 0 || n == keys[1] {
						continue
					}
					for _, m := range []capture.Moment{{}, capture.Keyframe()} {
						cam := recall(t, units[keys[1-before]:n])
						still, err := cam.Capture(t.Context(), capture.Request{Moment: m, Tolerance: -1})
						if err != nil && (before == 1 || !errors.Is(err, capture.ErrCorrupt)) {
							t.Errorf("%d GOPs before it, %d units: %v: %v", before, n, m, err)
						}
						if err == nil && (!clean.has(still.Picture) || still.Instead != nil) {
							t.Errorf("%d GOPs before it, %d units: %v: PTS %v is not clean", before, n, m, still.PTS)
						}
					}
				}
			}
		})
	}
}
