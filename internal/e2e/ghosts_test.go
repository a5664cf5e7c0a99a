package e2e_test

import (
	"cmp"
	"fmt"
	"image"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/enhance"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/frametest"
)

var _ capture.Merger = enhance.Auto{}

// A haunting is a clip in which something moves, or changes, that merging neighbours could leave a ghost of.
type haunting struct {
	about  string
	size   image.Point // zero means 640x360
	fps    int         // zero means 25; also the length of a GOP
	kbit   int         // zero means 350
	event  int         // the frame at which it happens
	extra  []int       // more frames to look at
	lost   [2]int      // frames that do not arrive, from and to
	known  losses      // what is worse than it should be; zero means nothing
	render func(p *painting, n int)
}

// losses are by how much a picture may be worse for having been merged, in dB except for ssim.
type losses struct {
	luma, ssim, block   float64 // zero means 0.05, 0.001, and 1
	chroma, chromaBlock float64 // zero means 0.5 and 2: chroma is near perfect here, and much is made of little
}

const hauntedSeconds = 3

func hauntings() []haunting {
	const event = 37                    // amid the second GOP
	cam := func(n int) (x, y float64) { // a hand-held camera
		return 40 + 3*math.Sin(float64(n)/9) + float64(n)*0.7, 30 + 2*math.Cos(float64(n)/7)
	}
	still := func(p *painting, n int) {
		x, y := cam(n)
		p.world(0, x, y)
	}
	return []haunting{
		{about: "a hand moves over text", known: losses{chroma: 0.8}, event: event, render: func(p *painting, n int) {
			p.fill(225, 126, 130)
			p.text(1, 20, 20, 24, 14, 3)
			t := float64(n) / 12
			p.blob(p.w/2+p.w/3*math.Sin(t), p.h/2+p.h/5*math.Cos(1.7*t), p.h/5)
		}},
		{about: "a hand moves over a room", known: losses{block: 1.2}, event: event, render: func(p *painting, n int) {
			still(p, n)
			t := float64(n) / 8
			p.blob(p.w/2+p.w/3*math.Sin(t), p.h/2+p.h/5*math.Cos(1.7*t), p.h/5)
		}},
		{about: "a cut amid a GOP", event: event, render: func(p *painting, n int) {
			x, y := cam(n)
			p.world(n/event%2, x, y)
		}},
		{about: "a flash", event: event, render: func(p *painting, n int) {
			still(p, n)
			if n == event {
				p.light(1.5, 40)
			}
		}},
		{about: "a cross-fade", event: event, render: func(p *painting, n int) {
			x, y := cam(n)
			p.world(0, x, y)
			if k := min(1, float64(n-event)/12); k > 0 {
				p.over(1, 60, 60, k)
			}
		}},
		{about: "chat scrolls over motion", event: event, render: func(p *painting, n int) {
			still(p, n)
			p.shade(0.5, 0, p.h/2, p.w*0.45, p.h)
			for i := range 8 {
				y := int(p.h) - 14*(i+1) - n%20*14/20
				if y > int(p.h/2)+4 {
					p.line(uint64(n/20-i+1000), 10, y, 20, 1, 235)
				}
			}
		}},
		{about: "bricks pan", known: losses{luma: 0.1, ssim: 0.0013}, event: event, render: func(p *painting, n int) {
			p.bricks(float64(n)*2.3, float64(n)*0.4)
		}},
		{about: "stripes pan", event: event, render: func(p *painting, n int) {
			p.stripes(float64(n) * 1.7)
		}},
		{about: "a logo stands over motion", event: event, render: func(p *painting, n int) {
			p.world(0, 40+float64(n)*4.3, 30)
			p.line(7, int(p.w)-170, 16, 6, 4, 240)
			p.line(8, 16, int(p.h)-40, 14, 2, 240)
		}},
		{about: "digits change", event: event, extra: []int{57}, render: func(p *painting, n int) {
			still(p, n)
			p.shade(0.2, 20, 20, 300, 70)
			p.line(uint64(n/25)+50, 30, 28, 6, 5, 240)
			p.shade(0.2, 20, 90, 200, 120)
			p.line(uint64(n)+90, 30, 96, 9, 2, 240)
		}},
		{about: "text changes", known: losses{luma: 1.8, block: 2.6}, event: event, render: func(p *painting, n int) {
			p.fill(225, 126, 130)
			p.text(uint64(3+n/event), 20, 20, 24, 14, 2)
		}},
		{about: "brightness drifts", event: event, render: func(p *painting, n int) {
			still(p, n)
			p.light(0.85+0.25*math.Sin(float64(n)/10), 0)
		}},
		{about: "15 pictures a second", fps: 15, event: 22, kbit: 400, render: func(p *painting, n int) {
			x, y := cam(n)
			p.world(0, 2*x, 2*y)
			p.blob(p.w/2+p.w/3*math.Sin(float64(n)/5), p.h/2, p.h/6)
		}},
		{about: "60 pictures a second", fps: 60, event: 90, kbit: 900, render: func(p *painting, n int) {
			x, y := cam(n / 2)
			p.world(0, x, y)
			p.blob(p.w/2+p.w/3*math.Sin(float64(n)/20), p.h/2, p.h/6)
		}},
		{about: "a size that blocks do not fill", size: image.Pt(426, 242), event: event, kbit: 300, render: func(p *painting, n int) {
			still(p, n)
			p.blob(p.w/2+p.w/3*math.Sin(float64(n)/8), p.h/2, p.h/6)
		}},
		{about: "the first second", known: losses{luma: 0.06, ssim: 0.0012}, event: 3, extra: []int{0, 1, 12}, render: still},
		{about: "after a loss", event: 50, extra: []int{51, 52, 54, 60}, lost: [2]int{33, 38}, render: still},
	}
}

// paint returns the frames of a clip as they are before compression.
func (h *haunting) paint() (frames []*image.YCbCr) {
	for n := range hauntedSeconds * h.fps {
		m := image.NewYCbCr(image.Rectangle{Max: h.size}, image.YCbCrSubsampleRatio420)
		h.render(&painting{m, float64(h.size.X), float64(h.size.Y)}, n)
		frames = append(frames, m)
	}
	return frames
}

// encode makes a live stream of frames.
func (h *haunting) encode(t *testing.T, frames []*image.YCbCr) []frame.AccessUnit {
	t.Helper()
	raw, flv := filepath.Join(t.TempDir(), "raw"), filepath.Join(t.TempDir(), "clip.flv")
	file, err := os.Create(raw)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range frames {
		for _, plane := range [][]byte{m.Y, m.Cb, m.Cr} {
			if _, err := file.Write(plane); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	rate := fmt.Sprintf("%dk", h.kbit)
	args := fmt.Sprintf("-f rawvideo -pix_fmt yuvj420p -s %dx%d -r %d -i %s -c:v libx264 -preset veryfast -tune zerolatency -threads 1 -g %d "+
		"-sc_threshold 0 -b:v %s -maxrate %s -bufsize %s -color_range pc -colorspace smpte170m -f flv %s",
		h.size.X, h.size.Y, h.fps, raw, h.fps, rate, rate, rate, flv)
	if out, err := frametest.Run(t, strings.Fields(args)...).Wait(); err != nil {
		t.Fatal(err, out)
	}
	return frametest.Units(t, flv)
}

// TestNoGhosts merges the neighbours of pictures beside an event: no part may be worse for it.
func TestNoGhosts(t *testing.T) {
	for _, h := range hauntings() {
		if h.size == (image.Point{}) {
			h.size = image.Pt(640, 360)
		}
		if h.fps == 0 {
			h.fps = 25
		}
		if h.kbit == 0 {
			h.kbit = 350
		}
		t.Run(h.about, func(t *testing.T) {
			t.Parallel()
			frames := h.paint()
			units := h.encode(t, frames)
			if len(units) != len(frames) {
				t.Fatalf("%d units of %d frames", len(units), len(frames))
			}
			if h.lost[1] > 0 {
				for i := h.lost[1]; i < len(units) && !units[i].Key; i++ {
					units[i].Lost = true
				}
				units = slices.Delete(units, h.lost[0], h.lost[1])
			}
			e, g := h.event, h.fps
			at := append([]int{e, e + 1, g, g + 1, 2*g - 1, 2 * g}, h.extra...)
			slices.Sort(at)
			for _, n := range slices.Compact(at) {
				if n >= h.lost[0] && n < h.lost[1] || h.lost[1] > 0 && n > h.lost[1] && n < 2*h.fps {
					continue
				}
				h.look(t, units, frames, n)
			}
		})
	}
}

// look captures frame n with what comes before it, and with what comes up to the next key picture.
func (h *haunting) look(t *testing.T, units []frame.AccessUnit, frames []*image.YCbCr, n int) {
	t.Helper()
	pts := time.Duration(n) * time.Second / time.Duration(h.fps)
	unit := slices.IndexFunc(units, func(u frame.AccessUnit) bool { return (u.PTS - pts - units[0].PTS).Abs() < 2*time.Millisecond })
	if unit < 0 {
		t.Fatalf("no frame %d", n)
	}
	next := unit + 1
	for next < len(units)-1 && !units[next].Key {
		next++
	}
	for _, last := range []int{unit, min(next, len(units)-1)} {
		cam := recall(t, units[:last+1])
		request := capture.Request{Moment: capture.AtPTS(units[unit].PTS), Tolerance: -1}
		plain, err := cam.Capture(t.Context(), request)
		if err != nil {
			t.Fatal(n, err)
		}
		cam.Enhancer = enhance.Auto{}
		made, err := cam.Capture(t.Context(), request)
		if err != nil {
			t.Fatal(n, err)
		}
		c := compareAll(frames[n], plain.Picture.YCbCr, made.Picture.YCbCr)
		verdict := fmt.Sprintf("frame %d, %d after, of %d: %v", n, last-unit, made.Merged, c)
		if c.exceeds(h.known) {
			t.Error(verdict)
		} else {
			t.Log(verdict)
		}
	}
}

// A comparison is what became better, and what worse, against the source.
type comparison struct {
	plain, gain float64 // PSNR of the luma, dB
	cb, cr      float64 // gain in theirs, dB
	ssim        float64 // gain
	block       float64 // by how much the error of a block rises at the most, dB
	at          image.Point
	chroma      float64
}

// exceeds reports whether more was lost than may be.
func (c comparison) exceeds(l losses) bool {
	l = losses{cmp.Or(l.luma, 0.05), cmp.Or(l.ssim, 0.001), cmp.Or(l.block, 1), cmp.Or(l.chroma, 0.5), cmp.Or(l.chromaBlock, 2)}
	return -c.gain > l.luma || -c.ssim > l.ssim || c.block > l.block || -min(c.cb, c.cr) > l.chroma || c.chroma > l.chromaBlock
}

func (c comparison) String() string {
	return fmt.Sprintf("Y %.2f %+.2f dB, Cb %+.2f, Cr %+.2f, SSIM %+.4f, worst block %+.2f dB at %v, of chroma %+.2f",
		c.plain, c.gain, c.cb, c.cr, c.ssim, c.block, c.at, c.chroma)
}

func compareAll(source, plain, made *image.YCbCr) (c comparison) {
	w, h := source.Rect.Dx(), source.Rect.Dy()
	c.plain = decibels(source.Y, plain.Y, source.YStride, plain.YStride, w, h)
	c.gain = decibels(source.Y, made.Y, source.YStride, made.YStride, w, h) - c.plain
	cw, ch := (w+1)/2, (h+1)/2
	c.cb = decibels(source.Cb, made.Cb, source.CStride, made.CStride, cw, ch) - decibels(source.Cb, plain.Cb, source.CStride, plain.CStride, cw, ch)
	c.cr = decibels(source.Cr, made.Cr, source.CStride, made.CStride, cw, ch) - decibels(source.Cr, plain.Cr, source.CStride, plain.CStride, cw, ch)
	c.ssim = ssim(source.Y, made.Y, source.YStride, made.YStride, w, h) - ssim(source.Y, plain.Y, source.YStride, plain.YStride, w, h)
	c.block, c.at = worst(source.Y, plain.Y, made.Y, source.YStride, plain.YStride, made.YStride, w, h, 64)
	c.chroma, _ = worst(source.Cb, plain.Cb, made.Cb, source.CStride, plain.CStride, made.CStride, cw, ch, 32)
	cr, _ := worst(source.Cr, plain.Cr, made.Cr, source.CStride, plain.CStride, made.CStride, cw, ch, 32)
	c.chroma = max(c.chroma, cr)
	return c
}

//go:norace
func squares(a, b []byte, as, bs, x0, y0, x1, y1 int) (sum float64) {
	for y := y0; y < y1; y++ {
		for x := x0; x < x1; x++ {
			d := float64(a[y*as+x]) - float64(b[y*bs+x])
			sum += d * d
		}
	}
	return sum / float64((x1-x0)*(y1-y0))
}

func decibels(a, b []byte, as, bs, w, h int) float64 {
	return min(50, 10*math.Log10(255*255/max(squares(a, b, as, bs, 0, 0, w, h), 1e-6)))
}

// worst returns by how much the error rises at the most, of blocks whose PSNR is not above 45 dB, and where.
//
//go:norace
func worst(source, plain, made []byte, ss, ps, ms, w, h, side int) (most float64, at image.Point) {
	most = math.Inf(-1)
	for y := 0; y+side <= h; y += side {
		for x := 0; x+side <= w; x += side {
			p := squares(source, plain, ss, ps, x, y, x+side, y+side)
			if p > 255*255/math.Pow(10, 4.5) {
				m := squares(source, made, ss, ms, x, y, x+side, y+side)
				if rise := 10 * math.Log10((m+0.01)/(p+0.01)); rise > most {
					most, at = rise, image.Pt(x, y)
				}
			}
		}
	}
	return most, at
}

// ssim is that of Wang et al., "Image quality assessment: from error visibility to structural similarity" (2004), with windows of 8x8 that
// are half apart.
//
//go:norace
func ssim(a, b []byte, as, bs, w, h int) float64 {
	const side, c1, c2 = 8, 6.5025, 58.5225
	sum, n := 0., 0.
	for y := 0; y+side <= h; y += side / 2 {
		for x := 0; x+side <= w; x += side / 2 {
			var sa, sb, saa, sbb, sab float64
			for v := y; v < y+side; v++ {
				for u := x; u < x+side; u++ {
					p, q := float64(a[v*as+u]), float64(b[v*bs+u])
					sa, sb, saa, sbb, sab = sa+p, sb+q, saa+p*p, sbb+q*q, sab+p*q
				}
			}
			sa, sb, saa, sbb, sab = sa/64, sb/64, saa/64, sbb/64, sab/64
			sum += (2*sa*sb + c1) * (2*(sab-sa*sb) + c2) / ((sa*sa + sb*sb + c1) * (saa - sa*sa + sbb - sb*sb + c2))
			n++
		}
	}
	return sum / n
}
