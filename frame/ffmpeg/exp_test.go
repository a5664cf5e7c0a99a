package ffmpeg_test

import (
	"fmt"
	"image"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/ffmpeg"
	"github.com/livestill/livestill/frame/frametest"
)

func worst(a, b *image.YCbCr) float64 {
	w := 0.0
	for by := 0; by < a.Rect.Dy(); by += 64 {
		for bx := 0; bx < a.Rect.Dx(); bx += 64 {
			sum, n := 0, 0
			for y := by; y < min(by+64, a.Rect.Dy()); y++ {
				for x := bx; x < min(bx+64, a.Rect.Dx()); x++ {
					d := int(a.Y[y*a.YStride+x]) - int(b.Y[y*b.YStride+x])
					sum += d * d
					n++
				}
			}
			w = max(w, float64(sum)/float64(n))
		}
	}
	return w
}

func TestExp(t *testing.T) {
	clips := map[string]frametest.Clip{
		"cabac":  {},
		"cavlc":  {Args: []string{"-profile:v", "baseline"}},
		"bf":     {BFrames: 3},
		"noise": {Noise: 8, Args: []string{"-b:v", "500k"}},
	}
	for name, c := range clips {
		for _, kind := range []string{"none", "flip1", "flip", "trunc", "drop", "zero", "splice"} {
			r := rand.New(rand.NewPCG(1, 1))
			total, vis, missed, falsep, gone, errs := 0, 0, 0, 0, 0, 0
			flags := map[string]int{}
			for _, g := range c.GOPs(t) {
				clean := map[time.Duration]*frame.Picture{}
				for _, p := range all(t, &ffmpeg.Decoder{Threads: 2}, g, time.Time{}) {
					clean[p.PTS] = p
				}
				for range 40 {
					h := append(frame.GOP{}, g...)
					i := r.IntN(len(h))
					d := append([]byte{}, h[i].Data...)
					switch kind {
					case "flip1":
						d[r.IntN(len(d))] ^= 1 << r.IntN(8)
					case "flip":
						for range 5 {
							d[r.IntN(len(d))] ^= 1 << r.IntN(8)
						}
					case "trunc":
						d = d[:r.IntN(len(d))]
					case "zero":
						a := r.IntN(len(d))
						for k := a; k < min(a+200, len(d)); k++ {
							d[k] = 0
						}
					case "splice":
						a := r.IntN(len(d))
						d = append(d[:a:a], d[min(a+100, len(d)):]...)
					}
					h[i].Data = d
					if kind == "drop" {
						i = 1 + r.IntN(len(h)-1)
						h = append(h[:i:i], h[i+1:]...)
					}
					n := 0
					for p, err := range (&ffmpeg.Decoder{Threads: 1}).Decode(t.Context(), h, time.Time{}) {
						if err != nil {
							errs++
							break
						}
						n++
						total++
						m := worst(p.YCbCr, clean[p.PTS].YCbCr)
						bad := m > 65
						if bad {
							vis++
						}
						if bad && !p.Corrupt {
							missed++
						}
						if m == 0 && p.Corrupt {
							falsep++
						}
					}
					gone += len(h) - n
				}
			}
			fmt.Println(name, kind, "total", total, "visible", vis, "missed", missed, "false", falsep, "gone", gone, "errs", errs, flags)
		}
	}
}
