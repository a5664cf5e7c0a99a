package ffmpeg_test

import (
	"fmt"
	"image"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/ffmpeg"
)

// A coding is how a stream codes colour.
type coding struct {
	kr, kb float64 // weights of red and blue in luma
	full   bool
}

var (
	bt709  = coding{kr: 0.2126, kb: 0.0722}
	bt601  = coding{kr: 0.299, kb: 0.114}
	bt2020 = coding{kr: 0.2627, kb: 0.0593}
)

func (c coding) fullRange() coding { c.full = true; return c }

// levels returns black's luma, and the spans of luma and of chroma.
func (c coding) levels() (black, luma, chroma float64) {
	if c.full {
		return 0, 255, 255
	}
	return 16, 219, 224
}

// decode returns R'G'B' of 0 to 1.
func (c coding) decode(v [3]float64) [3]float64 {
	black, luma, chroma := c.levels()
	y, pb, pr := (v[0]-black)/luma, (v[1]-128)/chroma, (v[2]-128)/chroma
	r, b := y+2*(1-c.kr)*pr, y+2*(1-c.kb)*pb
	return [3]float64{r, (y - c.kr*r - c.kb*b) / (1 - c.kr - c.kb), b}
}

// encode returns code values, neither rounded nor clamped.
func (c coding) encode(rgb [3]float64) [3]float64 {
	black, luma, chroma := c.levels()
	y := c.kr*rgb[0] + (1-c.kr-c.kb)*rgb[1] + c.kb*rgb[2]
	return [3]float64{
		black + luma*y, 128 + chroma*(rgb[2]-y)/(2*(1-c.kb)), 128 + chroma*(rgb[0]-y)/(2*(1-c.kr)),
	}
}

func (c coding) toJPEG(v [3]float64) [3]float64 { return bt601.fullRange().encode(c.decode(v)) }

// bars returns the colours of the test: bars of 100 and of 75 per cent, greys, and what the stream may have beyond black and white.
func (c coding) bars() (colours [][3]byte) {
	for _, level := range []float64{1, 0.75, 0.2} {
		for bits := range 8 {
			v := c.encode([3]float64{level * float64(bits&1), level * float64(bits>>1&1), level * float64(bits>>2&1)})
			colours = append(colours, [3]byte{round(v[0]), round(v[1]), round(v[2])})
		}
	}
	return append(colours, [3]byte{4, 128, 128}, [3]byte{250, 128, 128}, [3]byte{128, 30, 220}, [3]byte{128, 1, 1})
}

func round(v float64) byte { return byte(min(max(math.Round(v), 0), 255)) }

// patch is the size of one bar's patch; the samples nearer than margin to its edge are mixed with its neighbours'.
const patch, margin = 32, 6

// chart draws the colours as patches; it returns planar samples, subsampled by sx and sy.
func chart(colours [][3]byte, w, h, sx, sy int) (raw []byte) {
	columns := (w + patch - 1) / patch
	for plane := range 3 {
		px, py := 1, 1
		if plane > 0 {
			px, py = sx, sy
		}
		for y := 0; y < h; y += py {
			for x := 0; x < w; x += px {
				raw = append(raw, colours[(y/patch*columns+x/patch)%len(colours)][plane])
			}
		}
	}
	return raw
}

func checkChart(t *testing.T, p *frame.Picture, exact func([3]float64) [3]float64, colours [][3]byte, w, h int) {
	t.Helper()
	if p.Rect != image.Rect(0, 0, w, h) {
		t.Fatalf("%v, want %d by %d", p.Rect, w, h)
	}
	columns := (w + patch - 1) / patch
	inside := func(v, end int) bool {
		return v%patch >= margin && v%patch < patch-margin || v/patch == (end-1)/patch && v%patch >= margin
	}
	for y := range h {
		for x := range w {
			if !inside(x, w) || !inside(y, h) {
				continue
			}
			from := colours[(y/patch*columns+x/patch)%len(colours)]
			want := exact([3]float64{float64(from[0]), float64(from[1]), float64(from[2])})
			at := p.YCbCrAt(x, y)
			for i, got := range []byte{at.Y, at.Cb, at.Cr} {
				if math.Abs(float64(got)-min(max(want[i], 0), 255)) > 1 {
					t.Fatalf("%d,%d: component %d of %v is %d, want %.2f", x, y, i, from, got, want[i])
				}
			}
		}
	}
}

// The colours of a stream come out within one code value of what the exact matrix makes of them.
func TestColourBars(t *testing.T) {
	const lossless = "lossless=1"
	x264 := []string{"-c:v", "libx264", "-qp", "0", "-preset", "ultrafast"}
	vp9 := []string{"-c:v", "libvpx-vp9", "-lossless", "1", "-deadline", "realtime", "-cpu-used", "8"}
	x265 := []string{"-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none:" + lossless}
	tags := func(args []string, space, r string) []string {
		return append(args[:len(args):len(args)], "-vf", "setparams=colorspace="+space+":range="+r)
	}
	to := func(args []string, format string) []string { return append(args[:len(args):len(args)], format) }
	for _, tt := range []struct {
		name   string
		codec  frame.Codec
		coding coding
		pixels string
		sx, sy int
		w, h   int
		args   []string
	}{
		{"709 limited", frame.H264, bt709, "yuv420p", 2, 2, 320, 180, to(tags(x264, "bt709", "tv"), "h264")},
		{"709 full", frame.H264, bt709.fullRange(), "yuvj420p", 2, 2, 320, 180, to(tags(x264, "bt709", "pc"), "h264")},
		{"601 limited", frame.H264, bt601, "yuv420p", 2, 2, 320, 180, to(tags(x264, "smpte170m", "tv"), "h264")},
		{"601 full, nothing but chroma to move", frame.H264, bt601.fullRange(), "yuvj420p", 2, 2, 320, 180,
			to(tags(x264, "bt470bg", "pc"), "h264")},
		{"2020 limited", frame.H264, bt2020, "yuv420p", 2, 2, 320, 180, to(tags(x264, "bt2020nc", "tv"), "h264")},
		{"no tags, large: 709", frame.H264, bt709, "yuv420p", 2, 2, 1280, 720, to(x264, "h264")},
		{"no tags, small: 601", frame.H264, bt601, "yuv420p", 2, 2, 320, 180, to(x264, "h264")},
		{"cropped", frame.H264, bt709, "yuv420p", 2, 2, 322, 182, to(tags(x264, "bt709", "tv"), "h264")},
		{"1080 lines of 1088", frame.H264, bt709, "yuv420p", 2, 2, 1920, 1080, to(tags(x264, "bt709", "tv"), "h264")},
		{"4:2:2", frame.H264, bt709, "yuv422p", 2, 1, 322, 181, to(tags(x264, "bt709", "tv"), "h264")},
		{"4:4:4 of odd size", frame.H264, bt709, "yuv444p", 1, 1, 321, 181, to(tags(x264, "bt709", "tv"), "h264")},
		{"709 limited of odd size", frame.VP9, bt709, "yuv420p", 2, 2, 321, 181, to(tags(vp9, "bt709", "tv"), "ivf")},
		{"601 limited of odd size", frame.VP9, bt601, "yuv420p", 2, 2, 321, 181, to(tags(vp9, "smpte170m", "tv"), "ivf")},
		{"709 full of odd size", frame.VP9, bt709.fullRange(), "yuv420p", 2, 2, 321, 181, to(tags(vp9, "bt709", "pc"), "ivf")},
		{"601 full of odd size", frame.VP9, bt601.fullRange(), "yuv420p", 2, 2, 321, 181, to(tags(vp9, "smpte170m", "pc"), "ivf")},
		{"no colour", frame.H265, bt709, "gray", 0, 0, 320, 180, to(tags(x265, "bt709", "tv"), "hevc")},
		{"chroma above left", frame.H265, bt2020, "yuv420p", 2, 2, 320, 180,
			to(append(tags(x265[:4:4], "bt2020nc", "tv"), "-x265-params", "log-level=none:chromaloc=2:"+lossless), "hevc")},
		{"10 bits", frame.H265, bt709, "yuv420p", 2, 2, 320, 180,
			to(append(tags(x265, "bt709", "tv"), "-pix_fmt", "yuv420p10le"), "hevc")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			colours := tt.coding.bars()
			var raw []byte
			if tt.pixels == "gray" {
				for i := range colours {
					colours[i][1], colours[i][2] = 128, 128
				}
				raw = chart(colours, tt.w, tt.h, 1, 1)[:tt.w*tt.h]
			} else {
				raw = chart(colours, tt.w, tt.h, tt.sx, tt.sy)
			}
			g := encode(t, tt.codec, raw, tt.pixels, tt.w, tt.h, tt.args...)
			ps := all(t, new(ffmpeg.Decoder), g, time.Time{})
			if len(ps) != 1 {
				t.Fatalf("%d pictures", len(ps))
			}
			checkChart(t, ps[0], tt.coding.toJPEG, colours, tt.w, tt.h)
		})
	}
}

// RGB in a stream goes by the whole matrix.
func TestRGB(t *testing.T) {
	const w, h = 321, 181
	full := bt601.fullRange()
	var colours [][3]byte // G, B, R
	for _, c := range full.bars() {
		v := full.decode([3]float64{float64(c[0]), float64(c[1]), float64(c[2])})
		colours = append(colours, [3]byte{round(255 * v[1]), round(255 * v[2]), round(255 * v[0])})
	}
	g := encode(t, frame.H264, chart(colours, w, h, 1, 1), "gbrp", w, h, "-c:v", "libx264rgb", "-qp", "0", "-pix_fmt", "rgb24", "h264")
	exact := func(v [3]float64) [3]float64 { return full.encode([3]float64{v[2] / 255, v[0] / 255, v[1] / 255}) }
	checkChart(t, all(t, new(ffmpeg.Decoder), g, time.Time{})[0], exact, colours, w, h)
}

// Where colours change, chroma is moved and put to luma by the filters that convert.c names, within one code value.
func TestChromaFilters(t *testing.T) {
	const w, h = 322, 182
	random := rand.New(rand.NewPCG(1, 2))
	raw := make([]byte, w*h*3/2)
	for i := range raw {
		raw[i] = byte(64 + random.IntN(128)) // away from where clamping would hide errors
	}
	const cw, ch = w / 2, h / 2
	planeY, planeCb, planeCr := raw[:w*h], raw[w*h:w*h+cw*ch], raw[w*h+cw*ch:]
	for _, tt := range []struct {
		name   string
		siting string
		left   bool
	}{{"level with the left luma sample", "0", true}, {"in the middle", "1", false}} {
		t.Run(tt.name, func(t *testing.T) {
			g := encode(t, frame.H264, raw, "yuv420p", w, h, "-c:v", "libx264", "-qp", "0", "-vf",
				"setparams=colorspace=bt709:range=tv", "-bsf:v", "h264_metadata=chroma_sample_loc_type="+tt.siting, "h264")
			p := all(t, new(ffmpeg.Decoder), g, time.Time{})[0]
			cb, cr := moved(planeCb, cw, ch, tt.left), moved(planeCr, cw, ch, tt.left)
			for y := range h {
				for x := range w {
					want := bt709.toJPEG([3]float64{float64(planeY[y*w+x]), nearby(cb, cw, ch, x, y), nearby(cr, cw, ch, x, y)})
					if got := p.Y[p.YOffset(x, y)]; math.Abs(float64(got)-want[0]) > 1 {
						t.Fatalf("luma %d,%d is %d, want %.2f", x, y, got, want[0])
					}
				}
			}
			for i := range cb {
				want := bt709.toJPEG([3]float64{128, cb[i], cr[i]})
				if math.Abs(float64(p.Cb[i])-want[1]) > 1 || math.Abs(float64(p.Cr[i])-want[2]) > 1 {
					t.Fatalf("chroma %d is %d, %d, want %.2f", i, p.Cb[i], p.Cr[i], want)
				}
			}
		})
	}
}

// moved returns a chroma plane a quarter of a sample to the right of where it was.
func moved(plane []byte, w, h int, move bool) []float64 {
	out := make([]float64, len(plane))
	for y := range h {
		for x := range w {
			if !move {
				out[y*w+x] = float64(plane[y*w+x])
				continue
			}
			for i, tap := range []float64{-4, 54, 16, -2} {
				out[y*w+x] += tap / 64 * float64(plane[y*w+min(max(x+i-1, 0), w-1)])
			}
		}
	}
	return out
}

// nearby returns the chroma at a luma sample, between the two nearest samples each way.
func nearby(plane []float64, w, h, x, y int) float64 {
	cx, cy := x/2, y/2
	dx, dy := min(max(cx+x%2*2-1, 0), w-1), min(max(cy+y%2*2-1, 0), h-1)
	return (9*plane[cy*w+cx] + 3*plane[cy*w+dx] + 3*plane[dy*w+cx] + plane[dy*w+dx]) / 16
}

func ExampleJPEG() {
	fmt.Println((&ffmpeg.JPEG{}).Type())
	// Output: image/jpeg
}
