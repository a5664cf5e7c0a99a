package ffmpeg_test

import (
	"bytes"
	"image"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/ffmpeg"
)

// A picture shows nothing but what was decoded for it: no pixels of other streams, which were in its memory before, whatever
// was done to its stream; and if it passes for good, none of pictures before it in place of what is missing.
func TestNoForeignPixels(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		codec frame.Codec
		args  []string
	}{
		{"H.264", frame.H264, []string{"-c:v", "libx264", "-slices", "4", "-bf", "0", "-bsf:v", "h264_metadata=aud=insert", "h264"}},
		{"H.264, interlaced", frame.H264, []string{"-c:v", "libx264", "-slices", "4", "-bf", "0", "-flags", "+ildct+ilme", "-bsf:v",
			"h264_metadata=aud=insert", "h264"}},
		{"H.264, 10 bits", frame.H264, []string{"-c:v", "libx264", "-slices", "4", "-pix_fmt", "yuv420p10le", "-bf", "0", "-bsf:v",
			"h264_metadata=aud=insert", "h264"}},
		{"H.265", frame.H265, []string{"-c:v", "libx265", "-x265-params", "log-level=none:slices=3:bframes=0:aud=1", "hevc"}},
		{"MPEG-4", frame.MPEG4, []string{"-c:v", "mpeg4", "-q:v", "3", "-ps", "300", "m4v"}},
		{"MJPEG", frame.MJPEG, []string{"-c:v", "mjpeg", "-q:v", "3", "mjpeg"}},
		{"VP8", frame.VP8, []string{"-c:v", "libvpx", "-b:v", "1M", "-auto-alt-ref", "0", "-slices", "4", "ivf"}},
		{"VP9", frame.VP9, []string{"-c:v", "libvpx-vp9", "-b:v", "1M", "-auto-alt-ref", "0", "-tile-columns", "2", "-deadline", "realtime", "ivf"}},
		{"AV1", frame.AV1, []string{"-c:v", "libaom-av1", "-b:v", "1M", "-usage", "realtime", "-cpu-used", "8", "-tiles", "2x2", "ivf"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			const w, h, n = 512, 256, 6
			canary := cut(tt.codec, encode(t, tt.codec, bytes.Repeat(painting(w, h, func(int, int) (y, u, v byte) { return 180, 40, 210 }), n),
				"yuv420p", w, h, tt.args...))
			var raw []byte
			for i := range n {
				raw = append(raw, painting(w, h, func(x, y int) (byte, byte, byte) {
					return byte(40 + (x + 7*i) ^ y&63), byte(118 + (x+i)/8%20), byte(118 + y/8%20)
				})...)
			}
			g := cut(tt.codec, encode(t, tt.codec, raw, "yuv420p", w, h, tt.args...))
			if len(g) != n || len(canary) != n {
				t.Fatalf("%d and %d units", len(g), len(canary))
			}
			seen := all(t, new(ffmpeg.Decoder), canary, time.Time{})[n-1].YCbCr
			if !shows(seen, seen) {
				t.Fatal("the canary is not seen in itself")
			}
			r := rand.New(rand.NewPCG(1, 2))
			good, pictures := 0, 0
			decode := func(g frame.GOP, own bool) {
				for p, err := range new(ffmpeg.Decoder).Decode(t.Context(), g, time.Time{}) {
					if err != nil || own && p.PTS < n*time.Second {
						continue
					}
					pictures++
					if !p.Corrupt {
						good++
					}
					if shows(p.YCbCr, seen) && (!own || !p.Corrupt) {
						t.Fatalf("the picture of %v, corrupt %v, shows what is not in it; pictures before it are of the same stream: %v", p.PTS, p.Corrupt, own)
					}
				}
			}
			for range 20 {
				bad := damage(tt.codec, g, r)
				all(t, new(ffmpeg.Decoder), canary, time.Time{}) // it leaves its pictures in memory
				decode(bad, false)
				both := slices.Concat(canary, bad)
				for i := range both {
					both[i].PTS = time.Duration(i) * time.Second
				}
				decode(both, true)
			}
			t.Logf("%d pictures, %d good", pictures, good)
		})
	}
}

// painting returns a picture of planar 4:2:0.
func painting(w, h int, paint func(x, y int) (luma, cb, cr byte)) []byte {
	img := image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420)
	for y := range h {
		for x := range w {
			c := img.COffset(x, y)
			img.Y[img.YOffset(x, y)], img.Cb[c], img.Cr[c] = paint(x, y)
		}
	}
	return slices.Concat(img.Y, img.Cb, img.Cr)
}

// shows reports whether a block of img is the one in the middle of canary.
func shows(img, canary *image.YCbCr) bool {
	const size, near = 8, 3
	c := canary.YCbCrAt(canary.Rect.Dx()/2, canary.Rect.Dy()/2)
	same := func(x, y int) bool {
		p := img.YCbCrAt(x, y)
		return diff(p.Y, c.Y) <= near && diff(p.Cb, c.Cb) <= near && diff(p.Cr, c.Cr) <= near
	}
	for y := 0; y+size <= img.Rect.Dy(); y += size {
		for x := 0; x+size <= img.Rect.Dx(); x += size {
			if same(x, y) && same(x+size-1, y) && same(x, y+size-1) && same(x+size-1, y+size-1) && same(x+size/2, y+size/2) {
				return true
			}
		}
	}
	return false
}

// cut cuts what encode has put into one unit.
func cut(c frame.Codec, g frame.GOP) frame.GOP {
	start := map[frame.Codec][]byte{
		frame.H264: {0, 0, 0, 1, 9}, frame.H265: {0, 0, 0, 1, 0x46}, frame.MPEG4: {0, 0, 1, 0xb6}, frame.MJPEG: {0xff, 0xd8, 0xff},
	}[c]
	if start == nil {
		return g
	}
	var units frame.GOP
	b := g[0].Data
	for at := 0; at >= 0; {
		begin := max(bytes.Index(b, start), 0)
		at = bytes.Index(b[begin+len(start):], start)
		u := frame.AccessUnit{Codec: c, Key: len(units) == 0, PTS: time.Duration(len(units)) * time.Second, Data: b}
		if at >= 0 {
			u.Data, b = b[:begin+len(start)+at], b[begin+len(start)+at:]
		}
		u.Time = time.Unix(int64(len(units)), 0)
		units = append(units, u)
	}
	return units
}

// damage returns the GOP with one unit damaged: cut short, without one of its slices, without a stretch in the middle, of another's end,
// or with bits flipped.
func damage(c frame.Codec, g frame.GOP, r *rand.Rand) frame.GOP {
	g = slices.Clone(g)
	u := &g[r.IntN(len(g))]
	b := bytes.Clone(u.Data)
	at := len(b)/8 + r.IntN(len(b)-len(b)/8)
	switch r.IntN(5) {
	case 0:
		b = b[:at]
	case 1:
		starts := []int{}
		for i := 0; i+3 < len(b); i++ {
			if (c == frame.H264 || c == frame.H265) && b[i] == 0 && b[i+1] == 0 && b[i+2] == 1 {
				starts = append(starts, i)
			}
		}
		if n := len(starts); n > 2 {
			last := 1 + r.IntN(min(3, n-1))
			end := append(starts, len(b))[n-last+1]
			b = slices.Delete(b, starts[n-last], end)
		}
	case 2:
		b = slices.Delete(b, at, min(at+1+r.IntN(200), len(b)))
	case 3:
		other := g[r.IntN(len(g))].Data
		b = append(b[:at], other[min(at, len(other)):]...)
	default:
		for range 1 + r.IntN(4) {
			b[at+r.IntN(len(b)-at)] ^= 1 << r.IntN(8)
		}
	}
	u.Data = b
	return g
}
