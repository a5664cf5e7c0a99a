package e2e_test

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/ffmpeg"
)

var (
	damageGOPs  = flag.Int("damage.gops", 1, "TestDamage: how many GOPs each damage of each clip is done to")
	damageSeed  = flag.Uint64("damage.seed", 1, "TestDamage: another seed is other damage")
	damageClips = flag.String("damage.clips", "", "TestDamage: a pattern of H.264 files in place of the clips; each is spliced with the next")
)

// TestDamage damages GOPs in ways that no transport tells of, and captures stills all over them. It prints for each damage how many
// stills were the very picture, of another one instead, refused, or broken: with a block that is visibly not as in the undamaged
// stream. Nothing broken may be delivered where damage can be found at all, and nothing undamaged refused.
//
// The experiment at full length, 1,000 GOPs of H.264 and as many more of other codecs, takes some minutes:
//
//	go test ./internal/e2e -run TestDamage -v -damage.gops 12
func TestDamage(t *testing.T) {
	for k, f := range footages(t) {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			var all tally
			a, b := newSource(t, f.units(t, false), &all), newSource(t, f.units(t, true), &all)
			report := fmt.Sprintf("\n%-34s%6s%8s%8s%8s%8s%8s%8s\n", f.name, "GOPs", "broken", "stills", "exact", "instead", "refused", "broken")
			for j, d := range damages() {
				var sum tally
				for i := range *damageGOPs {
					r := rand.New(rand.NewPCG(*damageSeed, uint64(k)<<40+uint64(j)<<20+uint64(i)))
					w := newWreck(r, a, b)
					if at := d.do(w); at >= 0 {
						what := fmt.Sprintf("%s %d, from unit %d on", d.name, i, at)
						sum.add(judge(t, what, a, w, at))
					}
				}
				if sum.gops > 0 {
					report += fmt.Sprintf("%-34s%v\n", d.name, sum)
				}
				if strings.Contains(f.finds, d.kind) && sum.wrecked > sum.gops/50 { // by chance, see ffmpeg.Decoder.Decode
					t.Errorf("%s: of %d GOPs %d gave broken pictures for good", d.name, sum.gops, sum.wrecked)
				}
				all.add(sum)
			}
			t.Logf("%s%-34s%v\n%d of %d undamaged pictures were refused", report, "all", all, all.wronged, all.whole)
			if all.wronged > 0 {
				t.Errorf("%d of %d undamaged pictures were refused", all.wronged, all.whole)
			}
		})
	}
}

// A tally counts GOPs, and the stills of them.
type tally struct {
	gops, wrecked                        int // wrecked: gave a broken still
	stills, exact, instead, refused, bad int
	whole, wronged                       int // undamaged pictures, and those of them that were refused
}

func (a *tally) add(b tally) {
	*a = tally{
		a.gops + b.gops, a.wrecked + b.wrecked,
		a.stills + b.stills, a.exact + b.exact, a.instead + b.instead, a.refused + b.refused, a.bad + b.bad,
		a.whole + b.whole, a.wronged + b.wronged,
	}
}

func (a tally) String() string {
	return fmt.Sprintf("%6d%8d%8d%8d%8d%8d%8d", a.gops, a.wrecked, a.stills, a.exact, a.instead, a.refused, a.bad)
}

// A source is a stream before damage.
type source struct {
	gops  []frame.GOP
	clean map[time.Duration]*frame.Picture // by PTS
}

func newSource(t *testing.T, units []frame.AccessUnit, sum *tally) *source {
	t.Helper()
	s := &source{clean: map[time.Duration]*frame.Picture{}}
	for _, u := range units {
		if u.Key {
			s.gops = append(s.gops, nil)
		}
		g := &s.gops[len(s.gops)-1]
		*g = append(*g, u)
	}
	for p, err := range new(ffmpeg.Decoder).Decode(t.Context(), units, time.Time{}) { // at once: what leads a key picture may need the GOP before
		if err != nil {
			t.Fatal(err)
		}
		s.clean[p.PTS] = p
		if sum.whole++; p.Corrupt {
			sum.wronged++
		}
	}
	return s
}

// judge captures stills all over a damaged GOP with others around it, and looks at each. The first unit damaged is told.
func judge(t *testing.T, what string, a *source, w *wreck, at int) (sum tally) {
	t.Helper()
	const around, most = 2, 15
	cam := &capture.Camera{Decoder: &ffmpeg.Decoder{Threads: 1}, Encoder: &ffmpeg.JPEG{}, History: frame.History{MaxAge: time.Hour}}
	shots, before := map[time.Duration]shot{}, map[time.Duration]bool{}
	var decided time.Time
	add := func(those ...shot) {
		for _, s := range those {
			cam.History.Add(s.AccessUnit)
			shots[s.PTS] = s
			decided = s.Time.Add(s.DTS - s.PTS)
		}
	}
	for i := max(0, w.at-around); i <= min(w.at+around, len(a.gops)-1); i++ {
		if i == w.at {
			add(w.shots...)
		} else {
			add(a.shots(i)...)
		}
	}
	for _, s := range w.shots[:at] {
		before[s.PTS] = true
	}
	sum.gops = 1
	stride := (len(w.shots) + most - 1) / most
	for i := w.IntN(stride); i < len(w.shots); i += stride {
		u := &w.shots[i]
		for _, tolerance := range []time.Duration{-1, 0} {
			if u.Time.After(decided) || tolerance == 0 && i%5 != 0 {
				continue
			}
			sum.stills++
			still, err := cam.Capture(t.Context(), capture.Request{Moment: capture.At(u.Time), Tolerance: tolerance})
			if before[u.PTS] {
				if sum.whole++; err != nil || still.Instead != nil {
					sum.wronged++
					t.Errorf("%s: undamaged picture %d is refused: %v", what, i, err)
				}
			}
			if err != nil {
				if !errors.Is(err, capture.ErrCorrupt) {
					t.Error(err)
				}
				sum.refused++
				continue
			}
			if sum.exact++; still.Instead != nil {
				sum.exact--
				sum.instead++
			}
			s := shots[still.PTS]
			if psnr := worstBlock(still.Picture, s.from.clean[s.shows]); psnr < 30 {
				sum.bad++
				sum.wrecked = 1
				t.Logf("%s: picture %d has a block of %.1f dB; instead of another: %v; hollow: %t", what, i, psnr, still.Instead, hollow(still.Picture, s.from.clean[s.shows]))
			}
		}
	}
	return sum
}

// hollow reports whether a picture has a block of one value, as decoders leave what they did not decode, that the undamaged one has not.
func hollow(p, clean *frame.Picture) bool {
	const side = 64
	flat := func(p *frame.Picture, x, y int) bool {
		low, high := byte(255), byte(0)
		for row := y; row < y+side; row++ {
			for _, v := range p.Y[row*p.YStride:][x : x+side] {
				low, high = min(low, v), max(high, v)
			}
		}
		return high-low <= 2
	}
	for y := 0; y+side <= min(p.Rect.Dy(), clean.Rect.Dy()); y += side {
		for x := 0; x+side <= min(p.Rect.Dx(), clean.Rect.Dx()); x += side {
			if flat(p, x, y) && !flat(clean, x, y) {
				return true
			}
		}
	}
	return false
}
