package ffmpeg_test

import (
	"fmt"
	"image"
	"image/png"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/ffmpeg"
)

// SMPTE ST 2084: light in cd/m², 0 to 10000, and its value.
func pqValue(light float64) float64 {
	p := math.Pow(light/10000, 0.1593017578125)
	return math.Pow((0.8359375+18.8515625*p)/(1+18.6875*p), 78.84375)
}

func pqLight(v float64) float64 {
	p := math.Pow(v, 1/78.84375)
	return 10000 * math.Pow(max(p-0.8359375, 0)/(18.8515625-18.6875*p), 1/0.1593017578125)
}

// ARIB STD-B67: the scene's light, 0 to 1, and its value.
func hlgValue(light float64) float64 {
	if light <= 1./12 {
		return math.Sqrt(3 * light)
	}
	return 0.17883277*math.Log(12*light-0.28466892) + 0.55991073
}

// The primaries of BT.2020 and P3 as those of BT.709, and back; linear light. From ITU-R BT.2087 and BT.2407, and SMPTE EG 432.
var (
	to709Of2020 = [3]colour{{1.660491, -0.587641, -0.072850}, {-0.124550, 1.132900, -0.008349}, {-0.018151, -0.100579, 1.118730}}
	to2020Of709 = [3]colour{{0.627404, 0.329283, 0.043313}, {0.069097, 0.919540, 0.011362}, {0.016391, 0.088013, 0.895595}}
	to709OfP3   = [3]colour{{1.224940, -0.224940, 0}, {-0.042057, 1.042057, 0}, {-0.019638, -0.078636, 1.098274}}
)

// bt2390 is how bright the SDR screen is that shows light, where the brightest is peak; both in cd/m². It is by the report's section 5.4.1.
func bt2390(light, peak float64) float64 {
	const white = 203
	if peak <= white {
		return min(light, white)
	}
	e1, most := pqValue(min(light, peak))/pqValue(peak), pqValue(white)/pqValue(peak)
	ks := 1.5*most - 0.5
	if e1 > ks {
		t := (e1 - ks) / (1 - ks)
		e1 = (2*t*t*t-3*t*t+1)*ks + (t*t*t-2*t*t+t)*(1-ks) + (3*t*t-2*t*t*t)*most
	}
	return pqLight(e1 * pqValue(peak))
}

// A light is how a stream codes the light that a display is to give off.
type light struct {
	transfer string
	value    func(colour) colour // R'G'B' of light in cd/m²
	wide     [3]colour           // to BT.709
	peak     float64             // 0 for SDR
}

var (
	pq  = light{"smpte2084", func(c colour) colour { return c.each(pqValue) }, to709Of2020, 1000}
	hlg = light{"arib-std-b67", func(c colour) colour { // by the inverse of the OOTF: BT.2100, table 5
		y := (0.2627*c[0] + 0.6780*c[1] + 0.0593*c[2]) / 1000
		if y == 0 {
			return c
		}
		return c.each(func(v float64) float64 { return hlgValue(v / 1000 * math.Pow(y, (1-1.2)/1.2)) })
	}, to709Of2020, 1000}
	sdr2020 = light{"bt2020-10", func(c colour) colour { return c.each(func(v float64) float64 { return math.Pow(v/203, 1/2.4) }) }, to709Of2020, 0}
)

func (l light) bright(peak float64) light { l.peak = peak; return l }

func (l light) of(wide [3]colour) light { l.wide = wide; return l }

// exact returns R'G'B' of what a display is to give off, as the package says that it makes them.
func (l light) exact(c colour) colour {
	if most := max(c[0], c[1], c[2]); l.peak > 0 && most > 0 {
		c = c.each(func(v float64) float64 { return v * bt2390(most, l.peak) / most })
	}
	c = c.through(l.wide).each(func(v float64) float64 { return v / 203 })
	grey := clip(0.2126*c[0] + 0.7152*c[1] + 0.0722*c[2])
	inside := 1.
	for _, v := range c {
		if v > 1 {
			inside = min(inside, (1-grey)/(v-grey))
		} else if v < 0 {
			inside = min(inside, grey/(grey-v))
		}
	}
	return c.each(func(v float64) float64 {
		return math.Pow(clip(grey+(v-grey)*(3+inside)/4), 1/2.4)
	})
}

// patches are the colours that tests of light look at: greys, what BT.709 has up to white, and what only wide screens have.
func patches(brightest float64) (all []colour) {
	for _, n := range []float64{0, 0.002, 0.01, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1} {
		all = append(all, colour{n, n, n}.each(func(v float64) float64 { return v * brightest }))
	}
	for _, n := range []float64{4, 20, 80, 203, 500, 1000} {
		for bits := 1; bits < 7; bits++ {
			c := colour{float64(bits & 1), float64(bits >> 1 & 1), float64(bits >> 2 & 1)}.each(func(v float64) float64 { return v * n })
			if n <= brightest {
				all = append(all, c, c.through(to2020Of709))
			}
		}
	}
	for i := range 32 { // muted ones
		c := colour{0.05 + 0.11*float64(i%8), 0.05 + 0.13*float64(i%7), 0.05 + 0.15*float64(i%6)}
		all = append(all, c.each(func(v float64) float64 { return 203 * v * v }).through(to2020Of709))
	}
	return all
}

const patchSize = 16

// A scenery is light of every pixel in cd/m².
type scenery struct {
	w, h int
	at   func(x, y int) colour
}

// inPatch reports whether a place is so far within its patch that chroma has nothing of the next.
func inPatch(v int) bool { return v%patchSize >= 5 && v%patchSize < patchSize-5 }

func chartOf(colours []colour) scenery {
	const columns = 10
	rows := (len(colours) + columns - 1) / columns
	return scenery{columns * patchSize, rows * patchSize, func(x, y int) colour {
		return colours[min(y/patchSize*columns+x/patchSize, len(colours)-1)]
	}}
}

// photo is a photograph of SDR whose lights are made brighter, up to 1000 cd/m², and its colours stronger.
func photo(tb testing.TB) scenery {
	tb.Helper()
	f, err := os.Open(filepath.Join("..", "..", "testdata", "quality", "beer_800_0090.png"))
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	img, err := png.Decode(f)
	if err != nil {
		tb.Fatal(err)
	}
	const smaller = 4
	return scenery{img.Bounds().Dx() / smaller &^ 1, img.Bounds().Dy() / smaller &^ 1, func(x, y int) colour {
		r, g, b, _ := img.At(x*smaller, y*smaller).RGBA()
		c := colour{float64(r), float64(g), float64(b)}.each(func(v float64) float64 { return math.Pow(v/65535, 2.4) })
		grey, brighter := (c[0]+c[1]+c[2])/3, 203*(1+(1000./203-1)*math.Pow(max(c[0], c[1], c[2]), 3))
		return c.each(func(v float64) float64 { return max(grey+1.2*(v-grey), 0) * brighter }).through(to2020Of709)
	}}
}

func (p scenery) planes(s sampling, c coding, l light) []byte {
	return s.planes(p.w, p.h, 0, c, func(x, y float64) colour { return l.value(p.at(int(x), int(y))) })
}

// HDR and wide primaries of every codec that has them become what the package says, and what they were is told.
func TestTone(t *testing.T) {
	x265 := func(params string) []string {
		return []string{"-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none:lossless=1:" + params, "hevc"}
	}
	const mastering = "master-display=G(8500,39850)B(6550,2300)R(35400,14600)WP(15635,16450)L(%d0000,1)"
	vp9 := []string{"-c:v", "libvpx-vp9", "-lossless", "1", "-deadline", "realtime", "-cpu-used", "8", "ivf"}
	av1 := []string{"-c:v", "libaom-av1", "-crf", "0", "-aom-params", "lossless=1", "-usage", "realtime", "-cpu-used", "8", "ivf"}
	x264 := []string{"-c:v", "libx264", "-qp", "0", "-preset", "ultrafast", "h264"}
	svt := []string{"-c:v", "libsvtav1", "-crf", "1", "-preset", "8", "-svtav1-params",
		"content-light=1000,400:mastering-display=G(0.265,0.690)B(0.150,0.060)R(0.680,0.320)WP(0.3127,0.3290)L(4000,0.0001)", "ivf"}
	var d ffmpeg.Decoder
	both := frame.ToneMapped | frame.GamutMapped
	for _, tt := range []struct {
		name      string
		codec     frame.Codec
		s         sampling
		coding    coding
		light     light
		primaries string
		matrix    string
		args      []string
		changes   frame.Changes
		levels    [3]int32 // as the Signal has them
	}{
		{"HDR10", frame.H265, sampling{10, "420"}, bt2020, pq, "bt2020", "bt2020nc", x265("max-cll=1000,400:" + fmt.Sprintf(mastering, 4000)),
			both, [3]int32{1000, 4000, 400}},
		{"HDR10 that tells of its display alone", frame.H265, sampling{10, "422"}, bt2020, pq.bright(4000), "bt2020", "bt2020nc",
			x265(fmt.Sprintf(mastering, 4000)), both, [3]int32{0, 4000, 0}},
		{"as bright as SDR", frame.H265, sampling{10, "444"}, bt2020, pq.bright(150), "bt2020", "bt2020nc", x265("max-cll=150,100"), both,
			[3]int32{150, 0, 100}},
		{"as bright as PQ can be", frame.H265, sampling{12, "444"}, bt2020, pq.bright(10000), "bt2020", "bt2020nc", x265("max-cll=65535,1000"), both,
			[3]int32{65535, 0, 1000}},
		{"PQ without metadata", frame.H265, sampling{12, "420"}, bt2020, pq, "bt2020", "bt2020nc", x265(""), both, [3]int32{}},
		{"PQ of full range", frame.H265, sampling{10, "444"}, bt2020.fullRange(), pq, "bt2020", "bt2020nc", x265("range=full"), both, [3]int32{}},
		{"PQ of 8 bits", frame.H264, sampling{8, "420"}, bt2020, pq, "bt2020", "bt2020nc", x264, both, [3]int32{}},
		{"PQ in H.264", frame.H264, sampling{10, "420"}, bt2020, pq, "bt2020", "bt2020nc", x264, both, [3]int32{}},
		{"HDR10 in H.264", frame.H264, sampling{10, "420"}, bt2020, pq, "bt2020", "bt2020nc", append([]string{"-x264-params",
			"cll=1000,400:" + strings.Replace(fmt.Sprintf(mastering, 4000), "master", "mastering", 1)}, x264...), both, [3]int32{1000, 4000, 400}},
		{"PQ in AV1", frame.AV1, sampling{10, "420"}, bt2020, pq, "bt2020", "bt2020nc", av1, both, [3]int32{}},
		{"HDR10 in AV1", frame.AV1, sampling{10, "420"}, bt2020, pq, "bt2020", "bt2020nc", svt, both, [3]int32{1000, 4000, 400}},
		{"PQ of BT.709", frame.H265, sampling{10, "420"}, bt709, pq.of([3]colour{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}), "bt709", "bt709", x265(""),
			frame.ToneMapped, [3]int32{}},
		{"PQ of primaries that are not told", frame.H265, sampling{10, "420"}, bt2020, pq, "", "bt2020nc", x265(""), both, [3]int32{}},
		{"PQ of P3", frame.H265, sampling{10, "444"}, bt2020, pq.of(to709OfP3), "smpte432", "bt2020nc", x265(""), both, [3]int32{}},
		{"HLG", frame.H265, sampling{10, "420"}, bt2020, hlg, "bt2020", "bt2020nc", x265(""), both, [3]int32{}},
		{"HLG that falls back to SDR", frame.H265, sampling{10, "420"}, bt2020, hlg, "bt2020", "bt2020nc", x265("transfer=bt2020-10:atc-sei=18"), both,
			[3]int32{}},
		{"HLG in AV1", frame.AV1, sampling{10, "420"}, bt2020, hlg, "bt2020", "bt2020nc", av1, both, [3]int32{}},
		{"HLG without colour", frame.H265, sampling{10, "400"}, bt2020, hlg, "bt2020", "bt2020nc", x265(""), both, [3]int32{}},
		{"SDR of BT.2020", frame.H265, sampling{10, "420"}, bt2020, sdr2020, "bt2020", "bt2020nc", x265(""), frame.GamutMapped, [3]int32{}},
		{"SDR of BT.2020 and 8 bits", frame.H264, sampling{8, "420"}, bt2020, sdr2020, "bt2020", "bt2020nc", x264, frame.GamutMapped, [3]int32{}},
		{"SDR of BT.2020 in VP9", frame.VP9, sampling{10, "420"}, bt2020, sdr2020, "", "bt2020nc", vp9, frame.GamutMapped, [3]int32{}},
		{"SDR of BT.2020 and 12 bits in VP9", frame.VP9, sampling{12, "444"}, bt2020, sdr2020, "", "bt2020nc", vp9, frame.GamutMapped, [3]int32{}},
		{"SDR of P3", frame.H265, sampling{8, "444"}, bt709, sdr2020.of(to709OfP3), "smpte432", "bt709", x265(""), frame.GamutMapped, [3]int32{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			brightest := max(tt.light.peak, 203)
			if strings.HasPrefix(tt.light.transfer, "arib") {
				brightest = 1000
			}
			colours := patches(min(brightest, 1000))
			if tt.s.format == "400" {
				colours = colours[:10]
			}
			p := chartOf(colours)
			args := append([]string{"-color_primaries", tt.primaries, "-color_trc", tt.light.transfer, "-colorspace", tt.matrix, "-pix_fmt",
				tt.s.pixels()}, tt.args...)
			if tt.primaries == "" {
				args = args[2:]
			}
			g := encode(t, tt.codec, p.planes(tt.s, tt.coding, tt.light), tt.s.pixels(), p.w, p.h, args...)
			got := all(t, &d, g, time.Time{})[0]
			if levels := [3]int32{got.Signal.MaxContent, got.Signal.MaxMastering, got.Signal.MaxAverage}; levels != tt.levels || got.Changes != tt.changes {
				t.Errorf("%v %v, want %v %v; %+v", levels, got.Changes, tt.levels, tt.changes, got.Signal)
			}
			var off deltas
			for y := 0; y < p.h; y++ {
				for x := 0; x < p.w; x++ {
					if inPatch(x) && inPatch(y) {
						off.add(shown(got.YCbCr, x, y), tt.light.exact(p.at(x, y)))
					}
				}
			}
			t.Logf("%s: %v", tt.name, &off)
			if off.mean() > 1 {
				t.Errorf("%v", &off)
			}
		})
	}
}

// Samples of RGB, and ones that are not square, are mapped with all their bits, too.
func TestToneOtherwise(t *testing.T) {
	p := chartOf(patches(1000))
	ten := sampling{10, "444"}
	var planes [3][]byte
	for y := range p.h {
		for x := range p.w {
			for i, v := range pq.value(p.at(x, y)) {
				planes[i] = append(planes[i], ten.bytes(1023*v)...)
			}
		}
	}
	params := "log-level=none:lossless=1:colorprim=bt2020:transfer=smpte2084:colormatrix="
	x265 := func(matrix string, more ...string) []string {
		return append(more, "-c:v", "libx265", "-preset", "ultrafast", "-x265-params", params+matrix, "hevc")
	}
	for _, tt := range []struct {
		name, pixels string
		raw          []byte
		args         []string
		wider        int
		changes      frame.Changes
	}{
		{"RGB", "gbrp10le", slices.Concat(planes[1], planes[2], planes[0]), x265("gbr"), 1, 0},
		{"twice as wide", "yuv420p10le", p.planes(sampling{10, "420"}, bt2020, pq), x265("bt2020nc", "-vf", "setsar=2"), 2, frame.Squared},
		{"of full range and twice as wide", "yuv444p12le", p.planes(sampling{12, "444"}, bt2020.fullRange(), pq),
			x265("bt2020nc:range=full", "-vf", "setsar=2"), 2, frame.Squared},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := encode(t, frame.H265, tt.raw, tt.pixels, p.w, p.h, tt.args...)
			got := all(t, new(ffmpeg.Decoder), g, time.Time{})[0]
			if want := tt.changes | frame.ToneMapped | frame.GamutMapped; got.Changes != want || got.Rect.Dx() != tt.wider*p.w {
				t.Fatalf("%v: %v", got.Rect, got.Changes)
			}
			var d deltas
			for y := patchSize / 2; y < p.h; y += patchSize {
				for x := patchSize / 2; x < p.w; x += patchSize {
					d.add(shown(got.YCbCr, tt.wider*x, y), pq.exact(p.at(x, y)))
				}
			}
			t.Logf("%v", &d)
			if d.mean() > 1 {
				t.Errorf("%v", &d)
			}
		})
	}
}

// Pictures of any size are mapped to their last line and column.
func TestToneSizes(t *testing.T) {
	orange := colour{150, 60, 10}
	want := sdr2020.exact(orange)
	for _, format := range []string{"420", "422", "444"} {
		for _, size := range []image.Point{{1, 1}, {2, 1}, {1, 2}, {3, 3}, {17, 9}, {66, 35}} {
			t.Run(fmt.Sprint(format, " ", size), func(t *testing.T) {
				s := sampling{10, format}
				p := scenery{size.X, size.Y, func(_, _ int) colour { return orange }}
				g := encode(t, frame.VP9, p.planes(s, bt2020, sdr2020), s.pixels(), p.w, p.h, "-colorspace", "bt2020nc", "-c:v", "libvpx-vp9",
					"-lossless", "1", "ivf")
				got := all(t, new(ffmpeg.Decoder), g, time.Time{})[0]
				if got.Rect.Size() != size || got.Changes != frame.GamutMapped {
					t.Fatalf("%v: %v", got.Rect, got.Changes)
				}
				var d deltas
				for y := range p.h {
					for x := range p.w {
						d.add(shown(got.YCbCr, x, y), want)
					}
				}
				if d.most > 1 {
					t.Errorf("%v", &d)
				}
			})
		}
	}
}

// Numbers that stand for nothing are those of a stream that tells nothing.
func TestReservedTags(t *testing.T) {
	p := chartOf(patches(203))
	raw := p.planes(sampling{8, "420"}, bt709, sdr2020)
	tagged := func(primaries, transfer, matrix int) *frame.Picture {
		g := encode(t, frame.H264, raw, "yuv420p", p.w, p.h, "-c:v", "libx264", "-qp", "0", "-preset", "ultrafast", "-bsf:v", fmt.Sprintf(
			"h264_metadata=colour_primaries=%d:transfer_characteristics=%d:matrix_coefficients=%d", primaries, transfer, matrix), "h264")
		return all(t, new(ffmpeg.Decoder), g, time.Time{})[0]
	}
	plain := tagged(2, 2, 2)
	for _, tag := range [][3]int{{0, 0, 3}, {3, 3, 2}, {23, 19, 15}, {255, 255, 255}, {10, 17, 0}} {
		if got := tagged(tag[0], tag[1], tag[2]); got.Changes != 0 || !reflect.DeepEqual(got.YCbCr, plain.YCbCr) {
			t.Errorf("tags %v: %v, %+v", tag, got.Changes, got.Signal)
		}
	}
}

// What becomes of HDR is much like what FFmpeg's zscale and tonemap make of it.
func TestToneLikeZscale(t *testing.T) {
	// Light is counted in that of SDR's white.
	const graph = "zscale=t=linear:npl=203,format=gbrpf32le,zscale=p=bt709%s,zscale=t=bt709:m=gbr:r=full,format=gbrp"
	const meanMost = 3
	for _, picture := range []struct {
		name string
		scenery
	}{{"chart", chartOf(patches(1000))}, {"photo", photo(t)}} {
		for _, l := range []light{pq, hlg} {
			t.Run(picture.name+" "+l.transfer, func(t *testing.T) {
				t.Parallel()
				s, p := sampling{10, "420"}, picture.scenery
				g := encode(t, frame.H265, p.planes(s, bt2020, l), s.pixels(), p.w, p.h, "-color_primaries", "bt2020", "-color_trc", l.transfer,
					"-colorspace", "bt2020nc", "-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none:lossless=1", "hevc")
				got := all(t, new(ffmpeg.Decoder), g, time.Time{})[0]
				for _, how := range []string{"", ",tonemap=mobius:desat=0"} {
					cmd := exec.CommandContext(t.Context(), "ffmpeg", "-nostdin", "-v", "error", "-f", "hevc", "-i", "pipe:0", "-vf", fmt.Sprintf(graph, how),
						"-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1")
					cmd.Stdin = strings.NewReader(string(g[0].Data))
					out, err := cmd.Output()
					if err != nil || len(out) != 3*p.w*p.h {
						t.Fatal(len(out), err)
					}
					var d deltas
					for at := 0; at < p.w*p.h; at += 3 {
						if x, y := at%p.w, at/p.w; picture.name != "chart" || inPatch(x) && inPatch(y) {
							d.add(shown(got.YCbCr, x, y), colour{float64(out[3*at]) / 255, float64(out[3*at+1]) / 255, float64(out[3*at+2]) / 255})
						}
					}
					t.Logf("zscale%s: %v", how, &d)
					if d.mean() > meanMost {
						t.Errorf("zscale%s: %v", how, &d)
					}
				}
			})
		}
	}
}
