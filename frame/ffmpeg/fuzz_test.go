package ffmpeg_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/ffmpeg"
)

// FuzzDecode decodes GOPs of any bytes. The corpus has GOPs of real encoders, cut at the separator, and damaged ones.
//
// Whatever the bytes, the sequence ends, has at most as many pictures as the GOP has units, each of a sane size and with the
// times of one unit, in presentation order; an error comes last and alone; and everything is freed.
func FuzzDecode(f *testing.F) {
	separator := []byte{0xff, 0xff, 0xfe, 0xfe}
	f.Fuzz(func(t *testing.T, codec byte, order uint64, b []byte) {
		const most = 24
		var g frame.GOP
		due := map[time.Duration]int{}
		for i, data := range bytes.Split(b, separator) {
			if i == most {
				break
			}
			// Two bits of order per unit move its time, so that times are in order, in disorder, and the same.
			seconds := i + 2*int(order>>(2*i%64)&3)
			pts := time.Duration(seconds) * time.Second
			g = append(g, frame.AccessUnit{
				Codec: frame.Codec(codec), Key: i == 0, PTS: pts, Time: time.Unix(int64(seconds), 0), Data: data,
			})
			due[pts]++
		}
		const maxPixels = 640 * 480
		d := &ffmpeg.Decoder{Threads: 2, MaxPixels: maxPixels}
		ended := false
		for p, err := range d.Decode(t.Context(), g, time.Time{}) {
			if ended {
				t.Fatal("something after an error")
			}
			if err != nil {
				if ended = true; p != nil {
					t.Fatal("a picture and an error")
				}
				continue
			}
			if w, h := p.Rect.Dx(), p.Rect.Dy(); w <= 0 || h <= 0 || w*h > maxPixels || len(p.Y) < w*h {
				t.Fatalf("a picture of %v", p.Rect)
			}
			if due[p.PTS]--; due[p.PTS] < 0 || !p.Time.Equal(time.Unix(int64(p.PTS/time.Second), 0)) {
				t.Fatalf("a picture too many at %v, %v", p.PTS, p.Time)
			}
		}
	})
}

// FuzzFilter sends two pictures through graphs of any text. There is an error that names the graph, or a picture of a sane size.
func FuzzFilter(f *testing.F) {
	for _, graph := range []string{
		"null", "hflip,vflip", "crop=iw/2:ih/2:3:5", "scale=w=-2:h=33:flags=lanczos", "unsharp=5:5:0.6", "format=rgb24,format=gray10le",
		"[in]split[a][b];[a]hflip[c];[b][c]overlay=x=3:y=n[out]", "nlmeans=s=3:p=3:r=5", "tmix=frames=2:weights='1 2'", "fps=fps=90",
		"sws_flags=bilinear;scale@mine=20:20", "eq=contrast=1.5:saturation='0.5'", "pad=50:50:5:5:red", "rotate=PI/6", "tile=2x2",
		"transpose=1,setsar=2", "avgblur=2", "curves=all='0/0 0.5/0.4 1/1'", "select=eq(n\\,1),setpts=N/TB", "drawbox=3:3:9:9:blue",
	} {
		f.Add(graph, byte(33), byte(20), byte(0))
	}
	f.Fuzz(func(t *testing.T, graph string, w, h, ratio byte) {
		// These work as long as they are told to, or need files and the network.
		for _, endless := range []string{"while", "movie", "zmq", "loop", "file", "gradients", "life", "geq", "boxblur"} {
			if strings.Contains(graph, endless) {
				return
			}
		}
		r := ratios[int(ratio)%len(ratios)]
		b := burst(painted(int(w)+1, int(h)+1, r, 0), painted(int(w)+1, int(h)+1, r, 1))
		p, err := ffmpeg.Filter(graph).Enhance(t.Context(), b)
		var failed *ffmpeg.Error
		switch {
		case err != nil:
			if p != nil || !errors.As(err, &failed) || failed.Graph != graph {
				t.Fatalf("%v, %v", p, err)
			}
		case p.Rect.Dx() <= 0 || p.Rect.Dy() <= 0 || p.Rect.Dx()*p.Rect.Dy() > 8192*4320 || len(p.Y) < p.Rect.Dx()*p.Rect.Dy():
			t.Fatalf("a picture of %v", p.Rect)
		case p.PTS != b.Picture().PTS:
			t.Fatal("it is of another time")
		}
	})
}
