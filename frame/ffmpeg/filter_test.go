package ffmpeg_test

import (
	"context"
	"errors"
	"image"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/ffmpeg"
)

var _ capture.Enhancer = ffmpeg.Filter("")

// painted returns a picture of shades and noise, the n-th of a stream of 30 a second.
func painted(w, h int, ratio image.YCbCrSubsampleRatio, n int) *frame.Picture {
	random := rand.New(rand.NewPCG(uint64(n), 1))
	img := image.NewYCbCr(image.Rect(0, 0, w, h), ratio)
	for y := range h {
		for x := range w {
			img.Y[img.YOffset(x, y)] = byte(40 + x*140/w + y*40/h + random.IntN(16))
		}
	}
	for i := range img.Cb {
		across := i % img.CStride * 40 / img.CStride
		img.Cb[i], img.Cr[i] = byte(110+across), byte(150-across)
	}
	return &frame.Picture{YCbCr: img, PTS: time.Hour + time.Duration(n)*time.Second/30, QP: 30}
}

// flat returns a picture of one shade.
func flat(v byte, n int) *frame.Picture {
	p := painted(64, 48, image.YCbCrSubsampleRatio420, n)
	for i := range p.Y {
		p.Y[i] = v
	}
	return p
}

func burst(p ...*frame.Picture) *frame.Burst { return &frame.Burst{Pictures: p, Target: len(p) - 1} }

// farthest returns by how much two planes differ at most.
func farthest(a, b []byte) int {
	if len(a) != len(b) {
		return 256
	}
	most := 0
	for i := range a {
		most = max(most, int(a[i])-int(b[i]), int(b[i])-int(a[i]))
	}
	return most
}

// roughness returns the mean square of the differences of neighbours in the luma.
func roughness(img *image.YCbCr) float64 {
	sum := 0.
	for i := range img.Y {
		if i%img.YStride > 0 {
			d := float64(img.Y[i]) - float64(img.Y[i-1])
			sum += d * d
		}
	}
	return sum / float64(len(img.Y))
}

var ratios = []image.YCbCrSubsampleRatio{
	image.YCbCrSubsampleRatio420, image.YCbCrSubsampleRatio422, image.YCbCrSubsampleRatio444,
}

func TestFilter(t *testing.T) {
	for _, c := range []struct {
		sentence string
		graph    ffmpeg.Filter
		check    func(in, out *image.YCbCr) bool
	}{
		{"nothing changes by no graph", "", same},
		{"nothing changes by null", "null", same},
		{"labels and white space are no matter", " [in] null [a]; [a] null [out] ", same},
		{"a graph may be told how to scale", "sws_flags=lanczos;null", same},
		{"there and back is the same", "hflip,vflip,hflip,vflip", same},
		{"left becomes right", "hflip", func(in, out *image.YCbCr) bool {
			w := in.Rect.Dx()
			for y := range in.Rect.Dy() {
				for x := range w {
					if in.Y[in.YOffset(x, y)] != out.Y[out.YOffset(w-1-x, y)] {
						return false
					}
				}
			}
			return in.SubsampleRatio == out.SubsampleRatio
		}},
		{"up becomes down", "vflip", func(in, out *image.YCbCr) bool {
			w, h := in.Rect.Dx(), in.Rect.Dy()
			for y := range h {
				if !slices.Equal(in.Y[y*in.YStride:][:w], out.Y[(h-1-y)*out.YStride:][:w]) {
					return false
				}
			}
			return in.SubsampleRatio == out.SubsampleRatio
		}},
		{"what is cropped is as it was", "crop=20:10:8:6", func(in, out *image.YCbCr) bool {
			for y := range 10 {
				for x := range 20 {
					if in.YCbCrAt(x+8, y+6) != out.YCbCrAt(x, y) {
						return false
					}
				}
			}
			return out.Rect == image.Rect(0, 0, 20, 10)
		}},
		{"scaling makes the size that was asked for", "scale=31:17", func(_, out *image.YCbCr) bool {
			return out.Rect == image.Rect(0, 0, 31, 17)
		}},
		{"a shape that is changed stays changed", "scale=iw/2:ih,setsar=1/2", func(in, out *image.YCbCr) bool {
			return out.Rect.Dx() == in.Rect.Dx()/2 && out.Rect.Dy() == in.Rect.Dy()
		}},
		{"grey keeps its shades and has no colour", "format=gray", func(in, out *image.YCbCr) bool {
			grey := bytes128(len(out.Cb))
			return farthest(in.Y, out.Y) <= 1 && slices.Equal(out.Cb, grey) && slices.Equal(out.Cr, grey)
		}},
		{"ten bits of grey do, too", "format=gray10le", func(in, out *image.YCbCr) bool { return farthest(in.Y, out.Y) <= 1 }},
		{"RGB comes back as the same colours", "format=rgb24", near},
		{"so does planar RGB", "format=gbrp", near},
		{"so does the limited range", "format=yuv444p", near},
		{"so does what is told to be of the limited range", "scale=out_range=tv,format=yuv444p", near},
		{"so does another matrix", "scale=out_color_matrix=bt709:out_range=tv,format=yuv444p", near},
		{"so do ten bits", "format=yuv444p10le", near},
		{"transparency is left out", "format=yuva444p", near},
		{"sharpening makes it rougher", "unsharp=5:5:1.0", func(in, out *image.YCbCr) bool {
			return out.Rect == in.Rect && roughness(out) > 1.2*roughness(in)
		}},
		{"denoising makes it smoother", "nlmeans=s=6:p=3:r=5", func(in, out *image.YCbCr) bool {
			return out.Rect == in.Rect && roughness(out) < 0.6*roughness(in)
		}},
		{"a source of the graph's own serves", "nullsink;color=red:size=40x30", func(_, out *image.YCbCr) bool {
			r, g, b, _ := out.At(20, 15).RGBA()
			return out.Rect == image.Rect(0, 0, 40, 30) && r>>8 > 250 && g>>8 < 5 && b>>8 < 5
		}},
	} {
		for _, ratio := range ratios {
			for _, size := range []image.Point{{64, 48}, {61, 47}, {64, 47}} {
				p := painted(size.X, size.Y, ratio, 0)
				before := p.Clone()
				out, err := c.graph.Enhance(t.Context(), burst(p))
				if err != nil {
					t.Errorf("%s: %v %v: %v", c.sentence, ratio, size, err)
					continue
				}
				if !c.check(p.YCbCr, out.YCbCr) {
					t.Errorf("%s: not so for %v %v: %v %v", c.sentence, ratio, size, out.SubsampleRatio, out.Rect)
				}
				if !same(p.YCbCr, before.YCbCr) {
					t.Fatalf("%s: the picture that went in has changed", c.sentence)
				}
				if out.PTS != p.PTS || out.QP != p.QP {
					t.Errorf("%s: it forgot what picture it is of", c.sentence)
				}
			}
		}
	}
}

func same(a, b *image.YCbCr) bool {
	return a.Rect == b.Rect && a.SubsampleRatio == b.SubsampleRatio &&
		slices.Equal(a.Y, b.Y) && slices.Equal(a.Cb, b.Cb) && slices.Equal(a.Cr, b.Cr)
}

// near tells whether luma and colour are the same, as far as rounding and chroma that is scaled there and back allow.
func near(a, b *image.YCbCr) bool {
	const most = 3
	if a.Rect != b.Rect || farthest(a.Y, b.Y) > most {
		return false
	}
	var sum, n float64
	for y := range a.Rect.Dy() {
		for x := range a.Rect.Dx() {
			p, q := a.YCbCrAt(x, y), b.YCbCrAt(x, y)
			sum += math.Abs(float64(p.Cb)-float64(q.Cb)) + math.Abs(float64(p.Cr)-float64(q.Cr))
			n += 2
		}
	}
	return sum/n <= 1
}

func bytes128(n int) []byte { return slices.Repeat([]byte{128}, n) }

func TestFilterOverTime(t *testing.T) {
	small := painted(32, 32, image.YCbCrSubsampleRatio420, 1)
	broken := flat(0, 1)
	broken.Corrupt = true
	late := flat(0, 9)
	for _, c := range []struct {
		sentence string
		graph    ffmpeg.Filter
		pictures []*frame.Picture
		after    int // pictures after the target
		want     byte
	}{
		{"the picture is that of the target's time", "null", []*frame.Picture{flat(10, 0), flat(20, 1), flat(30, 2)}, 0, 30},
		{"what comes after the target is not asked", "tmix=frames=3", []*frame.Picture{flat(10, 0), flat(20, 1), flat(90, 2)}, 1, 13},
		{"pictures are mixed with those before", "tmix=frames=3", []*frame.Picture{flat(10, 0), flat(20, 1), flat(60, 2)}, 0, 30},
		{"one alone is mixed with itself", "tmix=frames=3", []*frame.Picture{flat(60, 2)}, 0, 60},
		{"damage stays out", "tmix=frames=3", []*frame.Picture{flat(60, 0), broken, flat(60, 2)}, 0, 60},
		{"another size stays out", "tmix=frames=3", []*frame.Picture{flat(60, 0), small, flat(60, 2)}, 0, 60},
		{"what is out of order stays out", "tmix=frames=3", []*frame.Picture{flat(60, 0), late, flat(60, 2)}, 0, 60},
		{"filters that delay pictures give them at the end", "atadenoise=s=5", []*frame.Picture{flat(60, 0), flat(60, 1), flat(61, 2)}, 0, 61},
		{"at a lower rate it is what is on show", "fps=15:round=down", []*frame.Picture{flat(10, 0), flat(20, 1), flat(30, 2), flat(40, 3)}, 0, 30},
		{"at a higher rate, too", "fps=300", []*frame.Picture{flat(10, 0), flat(20, 1), flat(30, 2)}, 0, 30},
		{"without times it is the last", "setpts=0", []*frame.Picture{flat(10, 0), flat(20, 1), flat(30, 2)}, 0, 30},
		{"all being too late it is the first", "setpts=PTS+1/TB", []*frame.Picture{flat(10, 0), flat(20, 1)}, 0, 10},
		{"what has ended shows its last picture", "trim=end_frame=2", []*frame.Picture{flat(10, 0), flat(20, 1), flat(30, 2)}, 0, 20},
		{"a picture that goes on for ever is one picture", "loop=loop=-1:size=1", []*frame.Picture{flat(10, 0)}, 0, 10},
	} {
		b := &frame.Burst{Pictures: c.pictures, Target: len(c.pictures) - 1 - c.after}
		out, err := c.graph.Enhance(t.Context(), b)
		if err != nil {
			t.Errorf("%s: %v", c.sentence, err)
			continue
		}
		if got := out.Y[10*out.YStride+10]; got < c.want-1 || got > c.want+1 || out.PTS != b.Picture().PTS {
			t.Errorf("%s: %d at %v, want %d", c.sentence, got, out.PTS, c.want)
		}
	}
}

func TestFilterErrors(t *testing.T) {
	p := painted(64, 48, image.YCbCrSubsampleRatio420, 0)
	for _, c := range []struct {
		sentence string
		graph    ffmpeg.Filter
		step     string
		says     string
		is       error
	}{
		{"a filter that is not there", "null,sharpe=1", "parse", `"sharpe": Filter not found`, ffmpeg.ErrGraph},
		{"an option that is not there", "hflip,unsharp=often=5", "parse", `filter "unsharp" with options "often=5": Option not found`, ffmpeg.ErrGraph},
		{"a value out of range", "unsharp=lx=500", "parse", `filter "unsharp" with options "lx=500"`, ffmpeg.ErrGraph},
		{"a named filter's value out of range", "[in]unsharp@mine=lx=500[out]", "parse", `filter "unsharp@mine"`, ffmpeg.ErrGraph},
		{"a comma too many", "null,,hflip", "parse", "a filter is missing", ffmpeg.ErrGraph},
		{"a bracket too few", "[in null", "parse", "", ffmpeg.ErrGraph},
		{"a zero byte", "null\x00,hflip", "parse", "zero byte", ffmpeg.ErrGraph},
		{"two inputs", "overlay", "link", "2 open inputs and 1 open outputs", ffmpeg.ErrGraph},
		{"two outputs", "split", "link", "1 open inputs and 2 open outputs", ffmpeg.ErrGraph},
		{"no output", "nullsink", "link", "1 open inputs and 0 open outputs", ffmpeg.ErrGraph},
		{"no input", "color", "link", "0 open inputs and 1 open outputs", ffmpeg.ErrGraph},
		{"sound", "anull", "link", "sound", ffmpeg.ErrGraph},
		{"more than there is to crop", "crop=100:100", "configure", "64 x 48", ffmpeg.ErrGraph},
		{"an expression that makes no sense", "scale=w=nonsense", "parse", `filter "scale" with options "w=nonsense"`, ffmpeg.ErrGraph},
		{"a picture that is too large", "scale=9000:9000", "configure", "81000000 pixels", ffmpeg.ErrGraph},
		{"one that is too large on its way", "scale=9000:9000,scale=100:100", "configure", "81000000 pixels", ffmpeg.ErrGraph},
		{"no picture", "select=0", "filter", "no picture", ffmpeg.ErrNoPicture},
		{"pictures without end", "loop=loop=-1:size=1,setpts=-1/TB", "filter", "without end", ffmpeg.ErrGraph},
	} {
		out, err := c.graph.Enhance(t.Context(), burst(p))
		var failed *ffmpeg.Error
		switch {
		case out != nil:
			t.Errorf("%s: there is a picture", c.sentence)
		case !errors.As(err, &failed) || !errors.Is(err, c.is):
			t.Errorf("%s: the error is %v", c.sentence, err)
		case failed.Step != c.step || failed.Graph != string(c.graph) || !strings.Contains(err.Error(), c.says):
			t.Errorf("%s: %v", c.sentence, err)
		}
	}
	empty := &frame.Picture{YCbCr: image.NewYCbCr(image.Rectangle{}, image.YCbCrSubsampleRatio420)}
	if _, err := ffmpeg.Filter("null").Enhance(t.Context(), burst(empty)); !errors.Is(err, ffmpeg.ErrUnsupported) {
		t.Errorf("an empty picture: %v", err)
	}
}

func TestFilterHeedsItsContext(t *testing.T) {
	gone := errors.New("the caller has gone")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(gone)
	p := painted(64, 48, image.YCbCrSubsampleRatio420, 0)
	if out, err := ffmpeg.Filter("null").Enhance(ctx, burst(p)); out != nil || !errors.Is(err, gone) {
		t.Errorf("%v, %v", out, err)
	}
}

// Parts of pictures, as SubImage makes them, are pictures.
func TestFilterOfAPart(t *testing.T) {
	whole := painted(64, 48, image.YCbCrSubsampleRatio420, 0)
	for _, r := range []image.Rectangle{image.Rect(8, 6, 50, 40), image.Rect(7, 5, 50, 40)} {
		part := &frame.Picture{YCbCr: whole.SubImage(r).(*image.YCbCr)}
		out, err := ffmpeg.Filter("null").Enhance(t.Context(), burst(part))
		if err != nil {
			t.Fatal(err)
		}
		if out.Rect != image.Rect(0, 0, r.Dx(), r.Dy()) || out.YCbCrAt(9, 9) != whole.YCbCrAt(r.Min.X+9, r.Min.Y+9) {
			t.Errorf("%v becomes %v", r, out.Rect)
		}
	}
}

func TestFilterMemory(t *testing.T) {
	graphs := []ffmpeg.Filter{
		"null", "unsharp", "scale=160:90,format=rgb24", "tmix=frames=3", "split[a][b];[a][b]hstack", "nonsense", "unsharp=lx=99",
		"overlay", "crop=1000:1000", "select=0", "loop=loop=-1:size=1", "scale=9000:9000",
	}
	var b frame.Burst
	for n := range 3 {
		b.Pictures = append(b.Pictures, painted(320, 180, image.YCbCrSubsampleRatio420, n))
	}
	b.Target = 2
	const runs, warm = 2000, 400
	before := 0
	for n := range runs {
		if n == warm {
			runtime.GC()
			before = resident(t)
		}
		_, err := graphs[n%len(graphs)].Enhance(t.Context(), &b)
		var failed *ffmpeg.Error
		if err != nil && !errors.As(err, &failed) {
			t.Fatal(err)
		}
	}
	runtime.GC()
	// A leak of one picture per run would be 138 MB.
	if grown := resident(t) - before; grown > 8<<20 {
		t.Errorf("grown by %d KiB, from %d KiB", grown>>10, before>>10)
	}
}

func BenchmarkFilter(b *testing.B) {
	p := burst(painted(1920, 1080, image.YCbCrSubsampleRatio420, 0))
	for _, graph := range []ffmpeg.Filter{"null", "unsharp=5:5:0.6"} {
		b.Run(string(graph), func(b *testing.B) {
			for b.Loop() {
				if _, err := graph.Enhance(b.Context(), p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
