package ffmpeg_test

import (
	"context"
	"iter"
	"testing"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/ffmpeg"
	"github.com/livestill/livestill/frame/frametest"
)

// TestEndlessGOP follows a GOP that is longer than what a decoder remembers of the units that it was given: each picture is that of its unit.
func TestEndlessGOP(t *testing.T) {
	const units = 3000
	g := frametest.Clip{Width: 64, Height: 64, Frames: units, GOP: units, BFrames: 2, Args: []string{"-preset", "ultrafast", "-bf", "2"}}.GOPs(t)[0]
	if len(g) != units {
		t.Fatalf("a GOP of %d units", len(g))
	}
	var isolated ffmpeg.Isolated
	defer isolated.Close()
	for _, d := range []interface {
		Follow(ctx context.Context, units iter.Seq2[frame.AccessUnit, bool]) iter.Seq2[frame.Latent, error]
	}{new(ffmpeg.Decoder), &isolated} {
		shown := 0
		for l, err := range d.Follow(t.Context(), func(yield func(frame.AccessUnit, bool) bool) {
			for _, u := range g {
				if !yield(u, true) {
					return
				}
			}
		}) {
			if err != nil {
				t.Fatal(err)
			}
			if u := g[l.Unit]; l.PTS != u.PTS || l.Corrupt || l.Hidden {
				t.Fatalf("%T: picture %d, of unit %d: %+v, want %v", d, shown, l.Unit, l, u.PTS)
			}
			if shown%500 == 0 {
				p, err := l.Develop()
				if err != nil {
					t.Fatal(err)
				}
				if u := g[l.Unit]; p.PTS != u.PTS || !p.Time.Equal(u.Time) || p.Key != u.Key {
					t.Errorf("%T: %v, of %v", d, p, u)
				}
			}
			shown++
		}
		if shown != units {
			t.Errorf("%T: %d pictures", d, shown)
		}
	}
}
