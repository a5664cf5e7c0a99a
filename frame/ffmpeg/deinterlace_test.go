package ffmpeg_test

import (
	"bytes"
	"errors"
	"image"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/feed"
	"github.com/livestill/livestill/frame/ffmpeg"
	"github.com/livestill/livestill/frame/frametest"
	"github.com/livestill/livestill/internal/bitstream"
	"github.com/livestill/livestill/internal/peer"
)

// The card of the tests of interlace: a bar before a texture at rest.
const (
	cardWidth, cardHeight = 320, 192
	barWidth, barAt       = 48, 24
)

// barCard draws the card with the bar moved to the right.
func barCard(moved int) *image.YCbCr {
	img := image.NewYCbCr(image.Rect(0, 0, cardWidth, cardHeight), image.YCbCrSubsampleRatio420)
	for i := range img.Cb {
		img.Cb[i], img.Cr[i] = 128, 128
	}
	grain := rand.New(rand.NewPCG(1, 2))
	for y := range cardHeight {
		line := img.Y[y*img.YStride:][:cardWidth]
		for x := range line {
			line[x] = byte(40 + y/4 + grain.IntN(24))
			if x >= barAt+moved && x < barAt+moved+barWidth {
				line[x] = 220
			}
		}
	}
	return img
}

// An interlacedCode is a way in which fields are coded.
type interlacedCode struct {
	codec frame.Codec
	order frame.FieldOrder
	apart bool // each field is a unit
	args  []string
}

var interlacedCodes = map[string]interlacedCode{
	"H.264, MBAFF": {frame.H264, frame.TopFirst, false, []string{
		"-c:v", "libx264", "-bf", "0", "-flags", "+ilme+ildct", "-x264-params", "tff=1"}},
	"H.264, MBAFF, bottom first": {frame.H264, frame.BottomFirst, false, []string{
		"-c:v", "libx264", "-bf", "0", "-flags", "+ilme+ildct", "-x264-params", "bff=1"}},
	"H.264, MBAFF, B-frames": {frame.H264, frame.TopFirst, false, []string{
		"-c:v", "libx264", "-bf", "2", "-flags", "+ilme+ildct", "-x264-params", "tff=1"}},
	"H.264, 10 bits 4:2:2": {frame.H264, frame.TopFirst, false, []string{
		"-c:v", "libx264", "-bf", "0", "-pix_fmt", "yuv422p10le", "-flags", "+ilme+ildct", "-x264-params", "tff=1"}},
	"MPEG-4": {frame.MPEG4, frame.TopFirst, false, []string{
		"-c:v", "mpeg4", "-q:v", "2", "-flags", "+ilme+ildct"}},
	"H.265, fields": {frame.H265, frame.TopFirst, true, []string{
		"-c:v", "libx265", "-x265-params", "log-level=none:interlace=tff:bframes=0:aud=1:crf=16"}},
	"H.265, fields, bottom first": {frame.H265, frame.BottomFirst, true, []string{
		"-c:v", "libx265", "-x265-params", "log-level=none:interlace=bff:bframes=0:aud=1:crf=16"}},
	"H.265, fields, B-frames": {frame.H265, frame.TopFirst, true, []string{
		"-c:v", "libx265", "-x265-params", "log-level=none:interlace=tff:bframes=3:aud=1:crf=16"}},
}

// encode encodes n pictures, of which at draws the field that is shown in the first half or in the second. They are of full range, so that luma
// stays as it is when it is decoded.
func (c interlacedCode) encode(tb testing.TB, n int, at func(field int) *image.YCbCr) (g frame.GOP) {
	tb.Helper()
	peer.Needs(tb, "ffmpeg")
	var raw bytes.Buffer
	lines := func(p []byte, stride, first, step int) {
		for y := first; y < len(p)/stride; y += step {
			raw.Write(p[y*stride:][:stride])
		}
	}
	for i := range n {
		first, second := at(2*i), at(2*i+1)
		if c.apart {
			for k, f := range []*image.YCbCr{first, second} {
				parity := (k + int(c.order) - 1) % 2
				lines(f.Y, f.YStride, parity, 2)
				lines(f.Cb, f.CStride, parity, 2)
				lines(f.Cr, f.CStride, parity, 2)
			}
			continue
		}
		p := woven(first, second, c.order)
		for _, plane := range [][]byte{p.Y, p.Cb, p.Cr} {
			raw.Write(plane)
		}
	}
	size, rate := "320x192", "25"
	if c.apart {
		size, rate = "320x96", "50"
	}
	path := filepath.Join(tb.TempDir(), "out.mp4")
	args := []string{"-nostdin", "-v", "error", "-f", "rawvideo", "-pix_fmt", "yuvj420p", "-s", size, "-r", rate, "-i", "pipe:0", "-g", "100"}
	if !c.apart {
		args = append(args, "-vf", "setfield="+[]string{"prog", "tff", "bff"}[c.order])
	}
	args = append(append(args, c.args...), "-color_range", "pc", "-colorspace", "bt470bg", "-threads", "1", path)
	cmd := exec.CommandContext(tb.Context(), "ffmpeg", args...)
	cmd.Stdin = &raw
	if out, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("%v\n%s", err, out)
	}
	file, err := os.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	for u, err := range feed.ReadMP4(file) {
		if err != nil {
			tb.Fatal(err)
		}
		u.Time = frametest.Epoch.Add(u.PTS)
		g = append(g, u)
	}
	return g
}

// woven returns the picture of two fields.
func woven(first, second *image.YCbCr, order frame.FieldOrder) *image.YCbCr {
	img := image.NewYCbCr(first.Rect, first.SubsampleRatio)
	weave := func(to, first, second []byte, stride int) {
		for y := range len(to) / stride {
			from := first
			if (y%2 == 1) != (order == frame.BottomFirst) {
				from = second
			}
			copy(to[y*stride:][:stride], from[y*stride:])
		}
	}
	weave(img.Y, first.Y, second.Y, img.YStride)
	weave(img.Cb, first.Cb, second.Cb, img.CStride)
	weave(img.Cr, first.Cr, second.Cr, img.CStride)
	return img
}

// comb returns by how many columns the bar's edge differs between neighbouring lines, at most.
func comb(img *image.YCbCr) (width int) {
	left := func(y int) int {
		return slices.IndexFunc(img.Y[y*img.YStride:][:cardWidth], func(v byte) bool { return v > 150 })
	}
	for y := 1; y < img.Rect.Dy(); y++ {
		width = max(width, left(y)-left(y-1), left(y-1)-left(y))
	}
	return width
}

// psnr compares the luma of two pictures, in dB.
func psnr(a, b *image.YCbCr) float64 {
	sum := 0.0
	for y := range a.Rect.Dy() {
		for x := range a.Rect.Dx() {
			d := float64(a.Y[y*a.YStride+x]) - float64(b.Y[y*b.YStride+x])
			sum += d * d
		}
	}
	return 10 * math.Log10(255*255*float64(a.Rect.Dx()*a.Rect.Dy())/max(sum, 1))
}

// A picture of two fields is delivered as that of the instant of its first. Where each field has a unit, each has the picture of its own instant.
func TestDeinterlace(t *testing.T) {
	const pictures, speed = 8, 6 // columns a field
	for name, c := range interlacedCodes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := c.encode(t, pictures, func(field int) *image.YCbCr { return barCard(speed * field) })
			d := new(ffmpeg.Decoder)
			ps := all(t, d, g, time.Time{})
			if left := d.Stats().InUse; left != 0 {
				t.Errorf("%d bytes are left", left)
			}
			fields, want, units := 2, frame.Deinterlaced, pictures
			if c.apart {
				fields, want, units = 1, frame.Deinterlaced|frame.Woven, 2*pictures
			}
			if len(ps) != units {
				t.Fatalf("%d pictures of %d units", len(ps), len(g))
			}
			for i, p := range ps {
				truth, before := barCard(speed*fields*i), barCard(speed*(fields*i+1))
				if before = woven(truth, before, c.order); comb(before) != speed {
					t.Fatalf("the card has a comb of %d columns", comb(before))
				}
				if p.Changes != want || p.Signal.Fields != c.order || p.Signal.Height != cardHeight || p.Rect != truth.Rect {
					t.Errorf("picture %d: %v, %v, %d lines, now %v", i, p.Changes, p.Signal.Fields, p.Signal.Height, p.Rect)
				}
				if width := comb(p.YCbCr); width > 1 {
					t.Errorf("picture %d: a comb of %d columns", i, width)
				}
				if got, was := psnr(p.YCbCr, truth), psnr(before, truth); got < was+6 || got < 27 {
					t.Errorf("picture %d: %.1f dB, woven it is %.1f", i, got, was)
				} else {
					t.Logf("picture %d: %.1f dB, woven it is %.1f", i, got, was)
				}
			}
		})
	}
}

// A picture of two fields is also that of the instant of its second one, if it is asked for; in a child it is the same.
func TestSecondField(t *testing.T) {
	const pictures, speed = 8, 6
	for name, c := range interlacedCodes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := c.encode(t, pictures, func(field int) *image.YCbCr { return barCard(speed * field) })
			d := new(ffmpeg.Decoder)
			if d.Fields(g[0]) == c.apart {
				t.Errorf("it has fields: %v", c.apart)
			}
			ps := seconds(t, d, g)
			mustEqual(t, seconds(t, d.Isolated(), g), ps)
			if want := pictures; c.apart == (len(ps) > 0) || len(ps) > 0 && len(ps) != want {
				t.Fatalf("%d of %d pictures have a second", len(ps), want)
			}
			for i, p := range ps {
				truth := barCard(speed * (2*i + 1))
				if p.Changes != frame.Deinterlaced|frame.SecondField || comb(p.YCbCr) > 1 || psnr(p.YCbCr, truth) < 27 {
					t.Errorf("picture %d: %v, a comb of %d columns, %.1f dB", i, p.Changes, comb(p.YCbCr), psnr(p.YCbCr, truth))
				}
			}
		})
	}
	if g := (frametest.Clip{Frames: 2}).GOPs(t)[0]; new(ffmpeg.Decoder).Fields(g[0]) || len(seconds(t, new(ffmpeg.Decoder), g)) > 0 {
		t.Error("progressive pictures have a second instant")
	}
}

// seconds returns the pictures of the second fields of a GOP.
func seconds(t *testing.T, d capture.Follower, g frame.GOP) (ps []*frame.Picture) {
	t.Helper()
	for l, err := range d.Follow(t.Context(), func(yield func(frame.AccessUnit, bool) bool) {
		for _, u := range g {
			if !yield(u, true) {
				return
			}
		}
	}) {
		if err != nil {
			t.Fatal(err)
		}
		if l.Second == nil {
			continue
		}
		p, err := l.Second()
		if err != nil {
			t.Fatal(err)
		}
		ps = append(ps, p)
	}
	return ps
}

// A picture whose fields show the same instant is left as it is, bit for bit.
func TestProgressiveAsFields(t *testing.T) {
	const pictures, speed = 8, 12
	for name, c := range interlacedCodes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := c.encode(t, pictures, func(field int) *image.YCbCr { return barCard(speed * (field / 2)) })
			ps := all(t, new(ffmpeg.Decoder), g, time.Time{})
			fields, want := 1, frame.Changes(0)
			if c.apart {
				fields, want = 2, frame.Woven
			}
			if len(ps) != fields*pictures {
				t.Fatalf("%d pictures of %d units", len(ps), len(g))
			}
			luma := c.decoded(t, g)
			for i, p := range ps {
				if p.Changes != want || p.Signal.Fields != c.order || p.Rect.Dy() != cardHeight {
					t.Errorf("picture %d: %v, %v, %v", i, p.Changes, p.Signal.Fields, p.Rect)
				}
				if p.Signal.BitDepth == 8 && p.Signal.FullRange && !bytes.Equal(p.Y, luma[i/fields]) {
					t.Errorf("picture %d is not what was decoded", i)
				}
			}
		})
	}
}

// decoded returns the luma of the pictures of g as FFmpeg decodes them, two fields as one picture.
func (c interlacedCode) decoded(tb testing.TB, g frame.GOP) (luma [][]byte) {
	tb.Helper()
	var in bytes.Buffer
	for _, u := range g {
		in.Write(u.Data)
	}
	format := map[frame.Codec]string{frame.H264: "h264", frame.H265: "hevc", frame.MPEG4: "m4v"}[c.codec]
	cmd := exec.CommandContext(tb.Context(), "ffmpeg", "-nostdin", "-v", "error", "-f", format, "-i", "pipe:0", "-vsync", "passthrough",
		"-vf", "extractplanes=y", "-f", "rawvideo", "pipe:1")
	cmd.Stdin = &in
	out, err := cmd.Output()
	if err != nil {
		tb.Fatal(err)
	}
	for picture := range slices.Chunk(out, cardWidth*cardHeight) {
		if c.apart {
			both := make([]byte, 0, len(picture))
			first, second := picture[:len(picture)/2], picture[len(picture)/2:]
			if c.order == frame.BottomFirst {
				first, second = second, first
			}
			for y := 0; y < len(first); y += cardWidth {
				both = append(append(both, first[y:y+cardWidth]...), second[y:y+cardWidth]...)
			}
			picture = both
		}
		luma = append(luma, picture)
	}
	return luma
}

// A field of H.265 that comes alone is delivered in full height, and what follows is paired as if it had come.
func TestLoneField(t *testing.T) {
	const pictures, speed = 6, 6
	whole := interlacedCodes["H.265, fields"].encode(t, pictures, func(field int) *image.YCbCr { return barCard(speed * field) })
	for _, tt := range []struct {
		about string
		lacks int // the unit that does not come
		alone int // the unit whose field is alone
	}{
		{"a first field is missing", 4, 5},
		{"a second field is missing", 5, 4},
		{"the last field is missing", 2*pictures - 1, 2*pictures - 2},
	} {
		g := slices.Delete(slices.Clone(whole), tt.lacks, tt.lacks+1)
		ps := all(t, new(ffmpeg.Decoder), g, time.Time{})
		if len(ps) != len(g) {
			t.Fatalf("%s: %d pictures of %d units", tt.about, len(ps), len(g))
		}
		for i, p := range ps {
			unit, want := i, frame.Woven|frame.Deinterlaced
			if unit >= tt.lacks {
				unit++
			}
			if unit == tt.alone {
				want = frame.Deinterlaced
			}
			if width := comb(p.YCbCr); p.Changes != want || p.Rect.Dy() != cardHeight || width > 1 && !p.Corrupt {
				t.Errorf("%s: unit %d: %v, %v, a comb of %d columns", tt.about, unit, p.Changes, p.Rect, width)
			}
			if got := psnr(p.YCbCr, barCard(speed*unit)); got < 27 && !p.Corrupt {
				t.Errorf("%s: unit %d: %.1f dB", tt.about, unit, got)
			}
		}
	}
}

// Frames of H.265 that have two fields are deinterlaced as their messages say. FFmpeg flags none of them. No encoder at hand makes them: here fields as
// large as frames, which have the lines of two, are said to be frames.
func TestInterlacedFramesOfH265(t *testing.T) {
	const pictures, speed, progressive = 6, 6, 1
	c := interlacedCodes["H.265, fields"]
	c.apart = false
	g := c.encode(t, pictures, func(field int) *image.YCbCr { return barCard(speed * field) })
	for _, tt := range []struct {
		about       string
		value, scan byte
		want        frame.FieldOrder
	}{
		{"top first", 3, 0, frame.TopFirst},
		{"bottom first", 4, 0, frame.BottomFirst},
		{"of a source that is progressive", 3, progressive, frame.Progressive},
		{"a frame", 0, 0, frame.Progressive},
	} {
		var frames frame.GOP
		for _, u := range g {
			var data []byte
			for _, n := range bitstream.SplitAnnexB(nil, u.Data) {
				data = bitstream.AppendAnnexB(data, asFrame(t, n, tt.value, tt.scan))
			}
			u.Data = data
			frames = append(frames, u)
		}
		ps := all(t, new(ffmpeg.Decoder), frames, time.Time{})
		for i, p := range ps {
			if p.Signal.Fields != tt.want || p.Rect.Dy() != cardHeight || (p.Changes != 0) != (tt.want != 0) {
				t.Errorf("%s: picture %d: %v, %v, %v", tt.about, i, p.Signal.Fields, p.Changes, p.Rect)
			}
			if width := comb(p.YCbCr); tt.want == frame.TopFirst && width > 1 {
				t.Errorf("%s: picture %d: a comb of %d columns", tt.about, i, width)
			}
		}
		if len(ps) != pictures {
			t.Errorf("%s: %d pictures", tt.about, len(ps))
		}
	}
}

const picTiming = 1 // payloadType

// asFrame returns a NAL unit of a sequence of fields as one of a sequence of frames, whose messages have such values.
func asFrame(t *testing.T, n []byte, value, scan byte) []byte {
	t.Helper()
	n = bytes.Clone(n)
	switch kind := h265.NALUType(n[0] >> 1 & 0x3f); kind {
	case h265.NALUType_PREFIX_SEI_NUT:
		if n[2] == picTiming {
			n[4] = value<<4 | scan<<2 | n[4]&3
		}
	case h265.NALUType_SPS_NUT:
		var was h265.SPS
		if err := was.Unmarshal(n); err != nil {
			t.Fatal(err)
		}
		for bit := range 8 * len(n) { // one of them is field_seq_flag
			other := bytes.Clone(n)
			other[bit/8] ^= 0x80 >> (bit % 8)
			var now h265.SPS
			if now.Unmarshal(other) != nil || now.VUI == nil || now.VUI.FieldSeqFlag {
				continue
			}
			if now.VUI.FieldSeqFlag = true; reflect.DeepEqual(now, was) {
				return other
			}
		}
		t.Fatal("there is no field_seq_flag")
	default:
	}
	return n
}

// Fields of H.265 may say which other one they belong to.
func TestPairedFields(t *testing.T) {
	const pictures, speed = 4, 6
	whole := interlacedCodes["H.265, fields"].encode(t, pictures, func(field int) *image.YCbCr { return barCard(speed * field) })
	for _, tt := range []struct {
		about         string
		first, second byte
		woven         bool
	}{
		{"the first to the next, the second to the one before", 11, 10, true},
		{"the second alone says it", 1, 10, true},
		{"the first alone says it", 11, 2, true},
		{"each to the next", 11, 12, false},
		{"each to the one before", 9, 10, false},
	} {
		g := slices.Clone(whole)
		for i := range g {
			var data []byte
			for _, n := range bitstream.SplitAnnexB(nil, g[i].Data) {
				if n = bytes.Clone(n); h265.NALUType(n[0]>>1&0x3f) == h265.NALUType_PREFIX_SEI_NUT && n[2] == picTiming {
					n[4] = []byte{tt.first, tt.second}[i%2]<<4 | n[4]&0xf
				}
				data = bitstream.AppendAnnexB(data, n)
			}
			g[i].Data = data
		}
		ps := all(t, new(ffmpeg.Decoder), g, time.Time{})
		if len(ps) != 2*pictures {
			t.Fatalf("%s: %d pictures", tt.about, len(ps))
		}
		for i, p := range ps {
			want := frame.Deinterlaced
			if tt.woven {
				want |= frame.Woven
			}
			if p.Changes != want || p.Rect.Dy() != cardHeight || comb(p.YCbCr) > 1 || psnr(p.YCbCr, barCard(speed*i)) < 27 {
				t.Errorf("%s: picture %d: %v, %v, %.1f dB", tt.about, i, p.Changes, p.Rect, psnr(p.YCbCr, barCard(speed*i)))
			}
		}
	}
}

// Two fields that are larger together than a picture may be are refused.
func TestFieldsTooLarge(t *testing.T) {
	g := interlacedCodes["H.265, fields"].encode(t, 2, barCard)
	_, err := decode(t.Context(), &ffmpeg.Decoder{MaxPixels: cardWidth*cardHeight - 1}, g, time.Time{})
	if !errors.Is(err, frame.ErrTooCostly) {
		t.Error(err)
	}
}
