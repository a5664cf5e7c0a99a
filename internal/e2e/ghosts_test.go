package e2e_test

import (
	"fmt"
	"image"
	"math"
	"math/rand/v2"
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

// A haunting is a clip in which something moves, or changes, that merging neighbours could leave a ghost of.
type haunting struct {
	about  string
	size   image.Point // zero means 640x360
	fps    int         // zero means 25; also the length of a GOP
	kbit   int         // zero means 500
	event  int         // the frame at which it happens
	extra  []int       // more frames to look at
	lost   [2]int      // frames that do not arrive, from and to
	render func(p *painting, n int)
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
		{about: "a hand moves over text", event: event, render: func(p *painting, n int) {
			p.fill(225, 126, 130)
			p.text(1, 20, 20, 24, 14, 3)
			t := float64(n) / 12
			p.blob(p.w/2+p.w/3*math.Sin(t), p.h/2+p.h/5*math.Cos(1.7*t), p.h/5)
		}},
		{about: "a hand moves over a room", event: event, render: func(p *painting, n int) {
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
		{about: "bricks pan", event: event, render: func(p *painting, n int) {
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
		{about: "digits change", event: event, extra: []int{32, 33, 49, 57, 58}, render: func(p *painting, n int) {
			still(p, n)
			p.shade(0.2, 20, 20, 300, 70)
			p.line(uint64(n/25)+50, 30, 28, 6, 5, 240)
			p.shade(0.2, 20, 90, 200, 120)
			p.line(uint64(n)+90, 30, 96, 9, 2, 240)
		}},
		{about: "text changes", event: event, render: func(p *painting, n int) {
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
		{about: "odd sizes", size: image.Pt(426, 242), event: event, kbit: 300, render: func(p *painting, n int) {
			still(p, n)
			p.blob(p.w/2+p.w/3*math.Sin(float64(n)/8), p.h/2, p.h/6)
		}},
		{about: "the first second", event: 3, extra: []int{0, 1, 12}, render: still},
		{about: "after a loss", event: 50, extra: []int{51, 52, 54, 60}, lost: [2]int{33, 38}, render: still},
	}
}

// A painting is a picture to be painted, in full range.
type painting struct {
	*image.YCbCr
	w, h float64
}

// A paint is a texture to be tiled: luma, and chroma at the same size.
type paint struct{ y, cb, cr []float32 }

const paintSide = 1024 // a power of two

// paints are two scenes, as photographs are: less of everything the finer it is, things with edges, some of them with texture.
var paints = func() (all [2]paint) {
	for k := range all {
		rnd := rand.New(rand.NewPCG(uint64(k), 7))
		p := paint{make([]float32, paintSide*paintSide), make([]float32, paintSide*paintSide), make([]float32, paintSide*paintSide)}
		octaves := func(dst []float32, amount, falls float64, to int) {
			const from = 256
			lattice := make([]float32, paintSide*paintSide)
			for s := from; s >= to; s /= 2 {
				n := paintSide / s
				for i := range n * n {
					lattice[i] = rnd.Float32() - 0.5
				}
				a := float32(amount * math.Pow(float64(s)/from, falls))
				for y := range paintSide {
					j, v := y/s, float32(y%s)/float32(s)
					for x := range paintSide {
						c, u := x/s, float32(x%s)/float32(s)
						r, b := (c+1)%n, (j+1)%n
						dst[y*paintSide+x] += a * ((1-v)*((1-u)*lattice[j*n+c]+u*lattice[j*n+r]) + v*((1-u)*lattice[b*n+c]+u*lattice[b*n+r]))
					}
				}
			}
		}
		for i := range p.y {
			p.y[i], p.cb[i], p.cr[i] = 120, 124, 132
		}
		octaves(p.y, 90, 0.55, 2)
		octaves(p.cb, 40, 0.75, 8)
		octaves(p.cr, 40, 0.75, 8)
		for range 90 { // things
			cx, cy, r := rnd.IntN(paintSide), rnd.IntN(paintSide), 12+rnd.IntN(60)
			shade, cb, cr := 40+170*rnd.Float32(), 100+56*rnd.Float32(), 100+56*rnd.Float32()
			turn, flat, grain := rnd.Float64()*math.Pi, 0.3+rnd.Float64(), 60*rnd.Float32()*rnd.Float32()
			sin, cos := math.Sincos(turn)
			for y := -r; y <= r; y++ {
				for x := -r; x <= r; x++ {
					u, v := cos*float64(x)+sin*float64(y), (cos*float64(y)-sin*float64(x))/flat
					d := float64(r) - math.Hypot(u, v)
					if r%2 == 0 {
						d = float64(r) - max(math.Abs(u), math.Abs(v))*1.4
					}
					a := float32(max(0, min(1, d)))
					if a == 0 {
						continue
					}
					i := (cy+y)&(paintSide-1)*paintSide + (cx+x)&(paintSide-1)
					p.y[i] += a * (shade + float32(u+v)/3 + grain*(rnd.Float32()-0.5) - p.y[i])
					p.cb[i] += a * (cb - p.cb[i])
					p.cr[i] += a * (cr - p.cr[i])
				}
			}
		}
		// A lens: nothing is sharper than it.
		for _, plane := range [][]float32{p.y, p.cb, p.cr} {
			for i := range plane {
				r, d := i&^(paintSide-1)|(i+1)&(paintSide-1), (i+paintSide)&(paintSide*paintSide-1)
				plane[i] = (2*plane[i] + plane[r] + plane[d]) / 4
			}
		}
		all[k] = p
	}
	return all
}()

// sample reads a texture between its pixels.
func sample(p []float32, x, y float64) float32 {
	i, j := int(math.Floor(x)), int(math.Floor(y))
	u, v := float32(x-float64(i)), float32(y-float64(j))
	top, bottom := j&(paintSide-1)*paintSide, (j+1)&(paintSide-1)*paintSide
	l, r := i&(paintSide-1), (i+1)&(paintSide-1)
	return (1-v)*((1-u)*p[top+l]+u*p[top+r]) + v*((1-u)*p[bottom+l]+u*p[bottom+r])
}

func code(v float32) byte { return byte(max(0, min(255, v+0.5))) }

// put mixes a colour into a pixel.
func (p *painting) put(x, y int, luma, cb, cr, part float32) {
	if !image.Pt(x, y).In(p.Rect) || part <= 0 {
		return
	}
	i, c := p.YOffset(x, y), p.COffset(x, y)
	p.Y[i] = code(float32(p.Y[i])*(1-part) + luma*part)
	p.Cb[c] = code(float32(p.Cb[c])*(1-part) + cb*part)
	p.Cr[c] = code(float32(p.Cr[c])*(1-part) + cr*part)
}

func (p *painting) fill(y, cb, cr byte) {
	for i := range p.Y {
		p.Y[i] = y
	}
	for i := range p.Cb {
		p.Cb[i], p.Cr[i] = cb, cr
	}
}

// world paints a scene as seen from (x, y).
func (p *painting) world(k int, x, y float64) { p.over(k, x, y, 1) }

func (p *painting) over(k int, x, y, part float64) {
	t, a := &paints[k], float32(part)
	for v := range p.Rect.Dy() {
		for u := range p.Rect.Dx() {
			i := p.YOffset(u, v)
			p.Y[i] = code(float32(p.Y[i])*(1-a) + a*sample(t.y, x+float64(u), y+float64(v)))
			if u%2 == 0 && v%2 == 0 {
				c := p.COffset(u, v)
				p.Cb[c] = code(float32(p.Cb[c])*(1-a) + a*sample(t.cb, x+float64(u)+0.5, y+float64(v)+0.5))
				p.Cr[c] = code(float32(p.Cr[c])*(1-a) + a*sample(t.cr, x+float64(u)+0.5, y+float64(v)+0.5))
			}
		}
	}
}

// blob paints something like a hand: of one colour, with creases.
func (p *painting) blob(x, y, r float64) {
	for v := int(y - r); v <= int(y+r); v++ {
		for u := int(x - r); u <= int(x+r); u++ {
			du, dv := float64(u)-x, float64(v)-y
			d := r*(0.75+0.2*math.Sin(5*math.Atan2(dv, du))) - math.Hypot(du, dv)
			crease := 12*math.Sin(du/5+2*math.Sin(dv/9)) + 6*math.Sin(dv/2.3)
			p.put(u, v, float32(165+crease-du/4), 110, 152, float32(max(0, min(1, d+0.5))))
		}
	}
}

// light makes all brighter, or darker.
func (p *painting) light(times, plus float64) {
	for i, v := range p.Y {
		p.Y[i] = code(float32(float64(v)*times + plus))
	}
}

// shade darkens a part.
func (p *painting) shade(part, left, top, right, bottom float64) {
	for y := int(top); y < int(bottom); y++ {
		for x := int(left); x < int(right); x++ {
			p.put(x, y, 20, 128, 128, float32(1-part)/1)
		}
	}
}

// line writes something like a word or a number.
func (p *painting) line(seed uint64, x, y, letters, scale int, shade float32) {
	rnd := rand.New(rand.NewPCG(seed, 3))
	for range letters {
		bits := rnd.Uint64()
		for v := range 7 * scale {
			for u := range 5 * scale {
				if bits>>(v/scale*5+u/scale)&1 == 1 {
					p.put(x+u, y+v, shade, 128, 128, 1)
				}
			}
		}
		x += 6 * scale
	}
}

// text writes lines.
func (p *painting) text(seed uint64, x, y, letters, lines, scale int) {
	for i := range lines {
		p.line(seed<<8|uint64(i), x, y+10*scale*i, letters, scale, 40)
	}
}

func (p *painting) bricks(x, y float64) {
	for v := range p.Rect.Dy() {
		for u := range p.Rect.Dx() {
			fu, fv := float64(u)+x, float64(v)+y
			row := math.Floor(fv / 18)
			mu := math.Mod(fu+9*math.Mod(row, 2)*2, 36)
			d := min(mu, 36-mu, fv-18*row, 18*(row+1)-fv)
			k := max(0, min(1, d-1))
			luma := 190 - 90*k + 0.15*float64(sample(paints[0].y, fu, fv))
			p.put(u, v, float32(luma), float32(128-12*k), float32(128+20*k), 1)
		}
	}
}

func (p *painting) stripes(x float64) {
	for v := range p.Rect.Dy() {
		for u := range p.Rect.Dx() {
			p.put(u, v, float32(128+50*math.Sin((float64(u)+x+0.2*float64(v))*2*math.Pi/13)), 120, 134, 1)
		}
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
			at := append([]int{e - 1, e, e + 1, e + 3, g, g + 1, 2*g - 1, 2 * g, 2*g + 7}, h.extra...)
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

// look captures frame n with what comes before it, three pictures after it, and those up to the next key picture.
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
	for _, last := range []int{unit, min(unit+3, len(units)-1), min(next, len(units)-1)} {
		cam := recall(t, units[:last+1])
		request := capture.Request{Moment: capture.AtPTS(units[unit].PTS), Tolerance: -1}
		plain, err := cam.Capture(t.Context(), request)
		if err != nil {
			t.Fatal(n, err)
		}
		cam = recall(t, units[:last+1])
		cam.Enhancer = enhance.Auto{}
		made, err := cam.Capture(t.Context(), request)
		if err != nil {
			t.Fatal(n, err)
		}
		c := compareAll(frames[n], plain.Picture.YCbCr, made.Picture.YCbCr)
		verdict := fmt.Sprintf("frame %d, %d after, of %d: %v", n, last-unit, made.Merged, c)
		if c.haunted() {
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

func (c comparison) haunted() bool {
	return c.gain < -0.05 || c.ssim < -0.001 || c.block > 1 || min(c.cb, c.cr) < -0.05 || c.chroma > 1
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
