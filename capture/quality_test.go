package capture_test

import (
	"image"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
)

// shot returns a picture of a scene with edges and shades, the n-th of a stream of 30 a second.
func shot(n int, effectiveQP float32) *frame.Picture {
	const w, h = 320, 240
	m := image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420)
	for y := range h {
		for x := range w {
			v := 60 + (x+y)/8
			if (x+y/4+n)/37%2 == (y+x/5)/37%2 { // slanted edges that move
				v += 70
			}
			m.Y[m.YOffset(x, y)] = byte(v)
		}
	}
	pts := time.Duration(n) * time.Second / 30
	return &frame.Picture{YCbCr: m, PTS: pts, Time: time.Unix(100, 0).Add(pts), EffectiveQP: effectiveQP}
}

func grainy(p *frame.Picture, sigma float64) *frame.Picture {
	random := rand.New(rand.NewPCG(1, 2))
	for i, v := range p.Y {
		p.Y[i] = byte(min(max(float64(v)+sigma*random.NormFloat64(), 0), 255))
	}
	return p
}

// shaken blurs a picture along its rows.
func shaken(p *frame.Picture) *frame.Picture {
	const length = 32
	for y := range p.Rect.Dy() {
		row := p.Y[y*p.YStride:][:p.Rect.Dx()]
		for x := range len(row) - length {
			sum := 0
			for _, v := range row[x : x+length] {
				sum += int(v)
			}
			row[x] = byte(sum / length)
		}
	}
	return p
}

func black(p *frame.Picture) *frame.Picture {
	clear(p.Y)
	return p
}

func corrupt(p *frame.Picture) *frame.Picture {
	p.Corrupt = true
	return p
}

func TestRank(t *testing.T) {
	window := func(literal *frame.Picture, others ...*frame.Picture) []*frame.Picture {
		return append([]*frame.Picture{literal}, others...)
	}
	frozen := shot(0, 28)
	frozen.Time = frozen.Time.Add(time.Second / 30)
	for _, c := range []struct {
		sentence string
		window   []*frame.Picture
		want     int
	}{
		{"the best coded picture wins", window(shot(0, 34), shot(1, 33), shot(2, 29), shot(3, 31)), 2},
		{"a little gain is not worth another instant", window(shot(0, 34), shot(2, 33.8)), 0},
		{"what is nearer to the wanted instant wins among equals", window(shot(0, 34), shot(3, 29), shot(6, 29)), 1},
		{"noise outweighs a low quantiser", window(shot(0, 30), grainy(shot(1, 28), 3)), 0},
		{"noise that all have does not", window(grainy(shot(0, 30), 3), grainy(shot(1, 24), 3)), 1},
		{"without quantisers the literal picture stays", window(shot(0, 0), shot(1, 0), shot(2, 0)), 0},
		{"without quantisers blur loses", window(shaken(shot(0, 0)), shot(1, 0)), 1},
		{"a black flash loses", window(black(shot(0, 26)), shot(1, 36)), 1},
		{"damage never wins", window(shot(0, 34), corrupt(shot(1, 20))), 0},
		{"anything stands in for damage", window(corrupt(shot(0, 20)), shot(1, 40)), 1},
		{"a copy of the literal picture is no better", window(shot(0, 34), frozen), 0},
	} {
		order := capture.Rank(c.window, 0, 250*time.Millisecond, nil)
		if len(order) == 0 || order[0] != c.want {
			t.Errorf("%s: the order is %v, want %d first", c.sentence, order, c.want)
		}
	}
}

func TestRankLooksAtFew(t *testing.T) {
	var window []*frame.Picture
	for n := range 15 {
		window = append(window, shot(n, float32(34-n%5)))
	}
	var seen []*frame.Picture
	order := capture.Rank(window, 7, 250*time.Millisecond, func(p *frame.Picture) float64 {
		seen = append(seen, p)
		return float64(-p.PTS)
	})
	if len(seen) > 4 || !slices.Contains(seen, window[7]) {
		t.Errorf("%d pictures of 15 were scored, the literal one among them: %v", len(seen), slices.Contains(seen, window[7]))
	}
	for i := range order[1:] {
		if order[i] > order[i+1] && order[i] != 7 && order[i+1] != 7 {
			t.Errorf("the caller's score says the earliest is best, but the order is %v", order)
		}
	}
}

func TestQualityOfOddPictures(t *testing.T) {
	for _, r := range []image.Rectangle{{}, image.Rect(0, 0, 1, 1), image.Rect(0, 0, 7, 200), image.Rect(0, 0, 9, 17)} {
		for _, ratio := range []image.YCbCrSubsampleRatio{image.YCbCrSubsampleRatio420, image.YCbCrSubsampleRatio444} {
			q := capture.Quality(&frame.Picture{YCbCr: image.NewYCbCr(r, ratio)})
			if math.IsNaN(q) || q < -100 || q > 100 {
				t.Errorf("%v: %v dB", r, q)
			}
		}
	}
	whole := shot(0, 30)
	part := *whole
	part.YCbCr = whole.SubImage(image.Rect(16, 16, 304, 224)).(*image.YCbCr)
	if a, b := capture.Quality(whole), capture.Quality(&part); a-b > 1 || b-a > 1 {
		t.Errorf("a picture has %.1f dB, a part of it %.1f", a, b)
	}
}

func BenchmarkQuality(b *testing.B) {
	p := &frame.Picture{YCbCr: image.NewYCbCr(image.Rect(0, 0, 1920, 1080), image.YCbCrSubsampleRatio420)}
	for i := range p.Y {
		p.Y[i] = byte(100 + rand.IntN(50))
	}
	for b.Loop() {
		capture.Quality(p)
	}
}
