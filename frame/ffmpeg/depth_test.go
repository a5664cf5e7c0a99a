package ffmpeg_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/ffmpeg"
	"github.com/livestill/livestill/frame/frametest"
	"github.com/livestill/livestill/internal/peer"
)

// A sampling is which samples a stream has, and of how many bits.
type sampling struct {
	depth  int
	format string // 400, 420, 422 or 444
}

func (s sampling) pixels() string {
	name := "yuv" + s.format + "p"
	if s.format == "400" {
		name = "gray"
	}
	if s.depth > 8 {
		name += strconv.Itoa(s.depth) + "le"
	}
	return name
}

// place returns where a sample of chroma lies, in samples of luma. siting is chroma_sample_loc_type of H.264 and H.265, figure E.1.
func (s sampling) place(x, y, siting int) (float64, float64) {
	px, py := float64(x), float64(y)
	if s.format == "422" || s.format == "420" {
		px *= 2
		px += []float64{0, 0.5, 0, 0.5, 0, 0.5}[siting]
	}
	if s.format == "420" {
		py *= 2
		py += []float64{0.5, 0.5, 0, 0, 1, 1}[siting]
	}
	return px, py
}

// planes returns the samples of a picture whose R'G'B' is a function of the place.
func (s sampling) planes(w, h, siting int, c coding, rgb func(x, y float64) colour) (raw []byte) {
	put := func(v float64) { raw = append(raw, s.sample(v, c)...) }
	for y := range h {
		for x := range w {
			put(c.encode(rgb(float64(x), float64(y)))[0])
		}
	}
	cw, ch := (w+1)/2, (h+1)/2
	switch s.format {
	case "400":
		return raw
	case "444":
		cw, ch = w, h
	case "422":
		ch = h
	}
	for plane := 1; plane <= 2; plane++ {
		for y := range ch {
			for x := range cw {
				px, py := s.place(x, y, siting)
				raw = append(raw, s.chroma(c.encode(rgb(px, py))[plane], c)...)
			}
		}
	}
	return raw
}

// sample returns a code value of 8 bits, in full precision, as one of luma; chroma has its middle at a power of two.
func (s sampling) sample(v float64, c coding) []byte {
	most := math.Ldexp(1, s.depth) - 1
	if c.full {
		return s.bytes(v * most / 255)
	}
	return s.bytes(math.Ldexp(v, s.depth-8))
}

func (s sampling) chroma(v float64, c coding) []byte {
	scale := math.Ldexp(1, s.depth-8)
	if c.full {
		scale = (math.Ldexp(1, s.depth) - 1) / 255
	}
	return s.bytes(math.Ldexp(1, s.depth-1) + (v-128)*scale)
}

func (s sampling) bytes(v float64) []byte {
	v = math.Round(min(max(v, 0), math.Ldexp(1, s.depth)-1))
	if s.depth == 8 {
		return []byte{byte(v)}
	}
	return binary.LittleEndian.AppendUint16(nil, uint16(v))
}

// A lossless is a picture to be encoded without loss by x265, with params.
type lossless struct {
	raw    []byte
	params string
}

// encodeAll has ffmpeg encode pictures of one format, all in one go: most of its time is for starting.
func encodeAll(t *testing.T, pixels string, w, h int, pictures []lossless) (all []frame.GOP) {
	t.Helper()
	peer.Needs(t, "ffmpeg")
	dir := t.TempDir()
	args := []string{"-nostdin", "-v", "error"}
	var outputs []string
	for i, p := range pictures {
		in, out := filepath.Join(dir, fmt.Sprint(i, ".raw")), filepath.Join(dir, fmt.Sprint(i, ".hevc"))
		if err := os.WriteFile(in, p.raw, 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "-f", "rawvideo", "-pix_fmt", pixels, "-s", fmt.Sprintf("%dx%d", w, h), "-r", "1", "-i", in)
		outputs = append(outputs, "-map", strconv.Itoa(i), "-c:v", "libx265", "-preset", "ultrafast", "-x265-params",
			"log-level=none:lossless=1:pools=none:frame-threads=1:"+p.params, out)
	}
	if text, err := exec.CommandContext(t.Context(), "ffmpeg", append(args, outputs...)...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	for i := range pictures {
		data, err := os.ReadFile(filepath.Join(dir, fmt.Sprint(i, ".hevc")))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, frame.GOP{{Codec: frame.H265, Key: true, Time: frametest.Epoch, Data: data}})
	}
	return all
}

// ripples is a picture whose colours change fast enough that half a sample matters, and that no siting aliases.
func ripples(grey bool) func(x, y float64) colour {
	return func(x, y float64) colour {
		wave := func(fx, fy, phase float64) float64 { return 0.5 + 0.45*math.Sin(2*math.Pi*(x*fx+y*fy)+phase) }
		c := colour{wave(1./48, 1./60, 0), wave(-1./52, 1./44, 2), wave(1./40, 1./90, 4)}
		if grey {
			c[1], c[2] = c[0], c[0]
		}
		return c
	}
}

// All that SDR is coded in comes out as the exact conversion has it: depths, subsamplings, ranges, matrices, and where chroma lies.
func TestDepths(t *testing.T) {
	const w, h = 96, 64
	const edge = 2 // samples at an edge have none beyond it to be between
	// What may be off. Half of the chroma of mapped colours is not there to be told: 4:4:4 has 0.2 and 2.3.
	limits := map[bool]deltas{false: {sum: 0.5, most: 3, n: 1}, true: {sum: 0.8, most: 6.5, n: 1}}
	type variant struct {
		coding
		matrix string
		siting int
		wide   bool // its primaries are those of BT.2020
	}
	var variants []variant
	for siting := range 6 {
		for i, c := range []coding{bt601, bt709, bt2020} {
			matrix := []string{"smpte170m", "bt709", "bt2020nc"}[i]
			variants = append(variants, variant{c, matrix, siting, false}, variant{c.fullRange(), matrix, siting, false})
		}
		variants = append(variants, variant{bt2020, "bt2020nc", siting, true})
	}
	for _, format := range []string{"400", "420", "422", "444"} {
		for _, depth := range []int{8, 10, 12} {
			s, variants := sampling{depth, format}, variants
			switch {
			case format != "420":
				variants = variants[:7]
			case depth != 10: // all sitings of one depth will do, with one matrix of each other
				variants = variants[:9]
			}
			t.Run(s.pixels(), func(t *testing.T) {
				t.Parallel()
				rgb := ripples(format == "400")
				var pictures []lossless
				for _, v := range variants {
					r := map[bool]string{false: "limited", true: "full"}[v.full]
					pictures = append(pictures, lossless{s.planes(w, h, v.siting, v.coding, rgb),
						fmt.Sprintf("colormatrix=%s:range=%s:chromaloc=%d:colorprim=%s", v.matrix, r, v.siting,
							map[bool]string{false: "undef", true: "bt2020"}[v.wide])})
				}
				var lines strings.Builder
				for i, g := range encodeAll(t, s.pixels(), w, h, pictures) {
					v := variants[i]
					p := all(t, new(ffmpeg.Decoder), g, time.Time{})[0]
					if int(p.Signal.BitDepth) != depth || p.Signal.FullRange != v.full || p.Changes&frame.GamutMapped != 0 != v.wide {
						t.Fatalf("%+v, %v", p.Signal, p.Changes)
					}
					var d deltas
					for at := edge * w; at < w*(h-edge); at += 3 {
						if x, y := at%w, at/w; x >= edge && x < w-edge {
							want := rgb(float64(x), float64(y))
							if v.wide {
								want = sdr2020.exact(want.each(func(v float64) float64 { return 203 * math.Pow(v, 2.4) }))
							}
							d.add(shown(p.YCbCr, x, y), want)
						}
					}
					fmt.Fprintf(&lines, "\n%-9s full %-5t wide %-5t siting %d: %v", v.matrix, v.full, v.wide, v.siting, &d)
					if most := limits[v.wide]; d.mean() > most.mean() || d.most > most.most {
						t.Errorf("%s, full %t, wide %t, siting %d: %v", v.matrix, v.full, v.wide, v.siting, &d)
					}
				}
				t.Log(lines.String())
			})
		}
	}
}
