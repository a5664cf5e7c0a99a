package ffmpeg_test

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/ffmpeg"
	"github.com/livestill/livestill/frame/frametest"
)

// cardLuma returns the luma of a card, of limited range: bars of 8 pixels across and down whose pattern does not repeat, so that no part of it is like
// another one.
func cardLuma(x, y int) int {
	const across, down = 0x9e3779b97f4a7c15, 0xd1b54a32d192ed03
	bit := func(pattern uint64, i int) int { return int(pattern * uint64(i/8+1) >> 63) }
	return 50 + 90*bit(across, x) + 60*bit(down, y)
}

// cardOf returns a card in a pixel format.
func cardOf(w, h int, pixels string) []byte {
	raw := make([]byte, 0, 3*w*h)
	for y := range h {
		for x := range w {
			raw = append(raw, byte(cardLuma(x, y)))
		}
	}
	chroma := w * h
	if pixels == "yuv420p" {
		chroma = (w + 1) / 2 * ((h + 1) / 2)
	}
	return append(raw, bytes.Repeat([]byte{128}, 2*chroma)...)
}

// offCard returns by how much the luma of a picture is off that of the part of a card that begins at (left, top), on average. Each of its pixels is
// so many wide of those of the card.
func offCard(p *frame.Picture, left, top int, wide float64) float64 {
	sum := 0
	for y := range p.Rect.Dy() {
		for x := range p.Rect.Dx() {
			want := (cardLuma(left+int((float64(x)+0.5)*wide), top+y) - 16) * 255 / 219
			got := int(p.Y[p.YOffset(x, y)])
			sum += max(got-want, want-got)
		}
	}
	return float64(sum) / float64(p.Rect.Dx()*p.Rect.Dy())
}

// Encoders whose pictures are nearly what they are given.
var (
	x264  = []string{"-c:v", "libx264", "-preset", "ultrafast", "-crf", "4", "h264"}
	x265  = []string{"-c:v", "libx265", "-preset", "ultrafast", "-crf", "4", "-x265-params", "log-level=none", "hevc"}
	vp8   = []string{"-c:v", "libvpx", "-crf", "4", "-b:v", "50M", "ivf"}
	vp9   = []string{"-c:v", "libvpx-vp9", "-crf", "4", "-b:v", "0", "-cpu-used", "8", "-deadline", "realtime", "ivf"}
	aom   = []string{"-c:v", "libaom-av1", "-crf", "4", "-cpu-used", "8", "ivf"}
	mjpeg = []string{"-c:v", "mjpeg", "-q:v", "1", "-strict", "-1", "-color_range", "tv", "mjpeg"}
	mpeg4 = []string{"-c:v", "mpeg4", "-q:v", "1", "m4v"}
)

// filtered has one of ffmpeg's bitstream filters behind an encoder.
func filtered(bsf string, encoder []string) []string {
	return slices.Insert(slices.Clone(encoder), len(encoder)-1, "-bsf:v", bsf)
}

// Pictures of all sizes come out as they were: of whole macroblocks and not, of odd sides, tiny, cropped at any side.
func TestSizes(t *testing.T) {
	for _, tt := range []struct {
		codec     frame.Codec
		w, h      int
		pixels    string
		args      []string
		left, top int // what is cropped
		shown     image.Point
	}{
		{frame.H264, 16, 16, "yuv420p", x264, 0, 0, image.Pt(16, 16)},
		{frame.H264, 2, 2, "yuv420p", x264, 0, 0, image.Pt(2, 2)},
		{frame.H264, 322, 182, "yuv420p", x264, 0, 0, image.Pt(322, 182)},
		{frame.H264, 33, 17, "yuv444p", x264, 0, 0, image.Pt(33, 17)},
		{frame.H264, 16, 1080, "yuv420p", x264, 0, 0, image.Pt(16, 1080)},
		{frame.H264, 320, 240, "yuv420p", filtered("h264_metadata=crop_left=6:crop_top=10:crop_right=2:crop_bottom=4", x264), 6, 10, image.Pt(312, 226)},
		{frame.H264, 64, 48, "yuv444p", filtered("h264_metadata=crop_left=5:crop_top=3:crop_right=1:crop_bottom=0", x264), 5, 3, image.Pt(58, 45)},
		{frame.H264, 64, 64, "yuv420p", filtered("h264_metadata=crop_left=48:crop_top=48", x264), 48, 48, image.Pt(16, 16)},
		{frame.H265, 64, 16, "yuv420p", x265, 0, 0, image.Pt(64, 16)},
		{frame.H265, 322, 182, "yuv420p", x265, 0, 0, image.Pt(322, 182)},
		{frame.H265, 65, 33, "yuv444p", x265, 0, 0, image.Pt(65, 33)},
		{frame.H265, 320, 240, "yuv420p", filtered("hevc_metadata=crop_left=6:crop_top=10:crop_right=2:crop_bottom=4", x265), 6, 10, image.Pt(312, 226)},
		{frame.VP8, 321, 181, "yuv420p", vp8, 0, 0, image.Pt(321, 181)},
		{frame.VP9, 321, 181, "yuv420p", vp9, 0, 0, image.Pt(321, 181)},
		{frame.VP9, 16, 16, "yuv420p", vp9, 0, 0, image.Pt(16, 16)},
		{frame.AV1, 321, 181, "yuv420p", aom, 0, 0, image.Pt(321, 181)},
		{frame.AV1, 16, 16, "yuv420p", aom, 0, 0, image.Pt(16, 16)},
		{frame.MJPEG, 33, 17, "yuv420p", mjpeg, 0, 0, image.Pt(33, 17)},
		{frame.MPEG4, 322, 182, "yuv420p", mpeg4, 0, 0, image.Pt(322, 182)},
	} {
		t.Run(fmt.Sprintf("%v, %d x %d, shown %v", tt.codec, tt.w, tt.h, tt.shown), func(t *testing.T) {
			t.Parallel()
			g := encode(t, tt.codec, cardOf(tt.w, tt.h, tt.pixels), tt.pixels, tt.w, tt.h, tt.args...)
			p := all(t, new(ffmpeg.Decoder), g[:1], time.Time{})[0]
			if p.Rect.Size() != tt.shown || p.Signal.Width != int32(tt.shown.X) || p.Signal.Height != int32(tt.shown.Y) || p.Changes != 0 {
				t.Fatalf("%v, %+v, changes: %v", p.Rect, p.Signal, p.Changes)
			}
			if off := offCard(p, tt.left, tt.top, 1); off > 4 {
				t.Errorf("its luma is off by %.1f", off)
			}
		})
	}
}

// The largest pictures are decoded, and what is larger than a Decoder may make is an error that says so.
func TestSize8K(t *testing.T) {
	const w, h = 7680, 4320
	raw := cardOf(w, h, "yuv420p")
	for codec, args := range map[frame.Codec][]string{frame.H264: x264, frame.H265: x265} {
		g := encode(t, codec, raw, "yuv420p", w, h, args...)
		ps, err := decode(t.Context(), new(ffmpeg.Decoder), g, time.Time{})
		if err != nil || len(ps) != 1 || ps[0].Rect.Size() != image.Pt(w, h) {
			t.Fatalf("%v: %d pictures, %v", codec, len(ps), err)
		}
		if off := offCard(ps[0], 0, 0, 1); off > 4 {
			t.Errorf("%v: its luma is off by %.1f", codec, off)
		}
		_, err = decode(t.Context(), &ffmpeg.Decoder{MaxPixels: 3840 * 2160}, g, time.Time{})
		if !errors.Is(err, frame.ErrTooCostly) || !strings.Contains(err.Error(), "7680 x 4320 are larger than the 8294400 pixels of MaxPixels") {
			t.Errorf("%v: where that is too large: %v", codec, err)
		}
	}
}

// The shape of pixels makes pictures wider or narrower; one that is absurd does not. Both are told.
func TestSampleShapes(t *testing.T) {
	const w, h = 320, 180
	clip := func(sar string) frame.GOP {
		return frametest.Clip{Frames: 3, Args: []string{"-bsf:v", "h264_metadata=sample_aspect_ratio=" + sar}}.GOPs(t)[0]
	}
	hevc := func(sar string) frame.GOP {
		return encode(t, frame.H265, cardOf(w, h, "yuv420p"), "yuv420p", w, h, filtered("hevc_metadata=sample_aspect_ratio="+sar, x265)...)
	}
	for i, tt := range []struct {
		num, den int32
		wide     int
		changes  frame.Changes
	}{
		{1, 1, w, 0},
		{0, 1, w, 0},       // unspecified
		{1001, 1000, w, 0}, // less than a pixel
		{4, 3, 427, frame.Squared},
		{8, 9, 284, frame.Squared},
		{5, 1, 5 * w, frame.Squared},
		{1, 5, w / 5, frame.Squared},
		{16, 1, 16 * w, frame.Squared},
		{1, 16, w / 16, frame.Squared},
		{17, 1, w, frame.Unsquared},
		{1, 17, w, frame.Unsquared},
		{10000, 1, w, frame.Unsquared},
		{1, 10000, w, frame.Unsquared},
		{65535, 1, w, frame.Unsquared},
	} {
		for codec, of := range map[frame.Codec]func(string) frame.GOP{frame.H264: clip, frame.H265: hevc} {
			if codec == frame.H265 && i%3 != 0 { // they are read alike
				continue
			}
			for i, p := range all(t, new(ffmpeg.Decoder), of(fmt.Sprintf("%d/%d", tt.num, tt.den)), time.Time{}) {
				if p.Rect.Size() != image.Pt(tt.wide, h) || p.Changes != tt.changes || p.Corrupt {
					t.Errorf("%v, %d:%d: picture %d: %v, changes: %v, corrupt %t", codec, tt.num, tt.den, i, p.Rect, p.Changes, p.Corrupt)
				}
				if s := p.Signal; tt.num > 0 && (s.SampleWidth != tt.num || s.SampleHeight != tt.den) || tt.num == 0 && s.SampleWidth != 0 {
					t.Errorf("%v, %d:%d: picture %d: %+v", codec, tt.num, tt.den, i, s)
				}
			}
		}
	}
}

// FFmpeg takes absurd pixels of H.264 for a change of size at each picture. That spoils none, however they are coded.
func TestAbsurdSampleShape(t *testing.T) {
	for name, params := range map[string]string{"CABAC": "cabac=1", "CAVLC": "cabac=0", "interlaced": "tff=1", "several slices": "slices=4"} {
		g := frametest.Clip{Frames: 6, BFrames: 2, Args: []string{"-x264-params", params, "-bsf:v", "h264_metadata=sample_aspect_ratio=10000/3"}}.GOPs(t)[0]
		for i, p := range all(t, new(ffmpeg.Decoder), g, time.Time{}) {
			if number(t, p) != i || p.Corrupt || p.Changes&frame.Unsquared == 0 || p.Signal.SampleWidth != 10000 {
				t.Errorf("%s: picture %d shows %d, corrupt %t, changes: %v, %+v", name, i, number(t, p), p.Corrupt, p.Changes, p.Signal)
			}
		}
	}
}

// A picture that square pixels would make larger than it may be is left as it came.
func TestSampleShapeTooWide(t *testing.T) {
	g := frametest.Clip{Frames: 1, Args: []string{"-bsf:v", "h264_metadata=sample_aspect_ratio=6/1"}}.GOPs(t)[0]
	d := &ffmpeg.Decoder{MaxPixels: 5 * 320 * 192}
	p := all(t, d, g, time.Time{})[0]
	if p.Rect.Dx() != 320 || p.Changes != frame.Unsquared || number(t, p) != 0 {
		t.Errorf("%v, changes: %v", p.Rect, p.Changes)
	}
	if cost := d.Cost(g[0]).Picture; cost > int64(d.MaxPixels)*3/2 {
		t.Errorf("a picture costs %d", cost)
	}
}

// A picture may become as wide as JPEG takes it, and no wider.
func TestSampleShapeWidest(t *testing.T) {
	for w, wide := range map[int]int{4080: 16 * 4080, 4096: 4096} {
		g := encode(t, frame.H264, cardOf(w, 64, "yuv420p"), "yuv420p", w, 64, filtered("h264_metadata=sample_aspect_ratio=16/1", x264)...)
		p := all(t, new(ffmpeg.Decoder), g, time.Time{})[0]
		if p.Rect.Size() != image.Pt(wide, 64) {
			t.Fatalf("%d became %v", w, p.Rect.Size())
		}
		if off := offCard(p, 0, 0, float64(w)/float64(wide)); off > 12 { // bars have soft edges where they are widened
			t.Errorf("%d: its luma is off by %.1f", w, off)
		}
		if err := new(ffmpeg.JPEG).Encode(t.Context(), io.Discard, p); err != nil {
			t.Error(err)
		}
	}
}

// A stream whose size, shape of pixels and orientation change with each picture gives each as it should be.
func TestSizeChangesEachTime(t *testing.T) {
	var g frame.GOP
	var want []image.Point
	var parts []frame.AccessUnit
	shown := []image.Point{{320, 180}, {640, 160}, {64, 48}, {180, 320}, {16, 16}}
	for _, args := range [][]string{
		{"-vf", "scale=320:180"}, {"-vf", "scale=320:160,setsar=2"}, {"-vf", "scale=64:48,setsar=9000/1"},
		{"-vf", "scale=320:180", "-bsf:v", "h264_metadata=display_orientation=insert:rotate=90"}, {"-vf", "scale=16:16"},
	} {
		parts = append(parts, frametest.Clip{Frames: 1, Args: args}.Units(t)[0])
	}
	for i := range 40 {
		at := i * 3 % len(parts)
		u := parts[at]
		u.PTS = time.Duration(i) * time.Second
		u.Time = frametest.Epoch.Add(u.PTS)
		g, want = append(g, u), append(want, shown[at])
	}
	ps := all(t, new(ffmpeg.Decoder), g, time.Time{})
	if len(ps) != len(g) {
		t.Fatalf("%d pictures of %d units", len(ps), len(g))
	}
	for i, p := range ps {
		if p.Rect.Size() != want[i] || p.Corrupt {
			t.Errorf("picture %d: %v, want %v; corrupt %t", i, p.Rect.Size(), want[i], p.Corrupt)
		}
	}
}

// Sizes and the shape of pixels that change within a stream change its pictures, each from the very one on that has them, B-frames and all.
func TestSizeChanges(t *testing.T) {
	of := func(w, h int, sar string) frametest.Clip {
		return frametest.Clip{Width: w, Height: h, Frames: 6, GOP: 6, BFrames: 2, Args: []string{"-bsf:v", "h264_metadata=sample_aspect_ratio=" + sar}}
	}
	var g frame.GOP
	var want []image.Point
	for _, part := range []struct {
		frametest.Clip
		shown image.Point
	}{
		{of(320, 180, "1/1"), image.Pt(320, 180)},
		{of(320, 180, "2/1"), image.Pt(640, 180)},
		{of(640, 360, "2/1"), image.Pt(1280, 360)},
		{of(160, 120, "1/1"), image.Pt(160, 120)},
		{of(160, 120, "9000/1"), image.Pt(160, 120)},
		{of(640, 360, "1/2"), image.Pt(320, 360)},
	} {
		start := time.Duration(len(g)) * time.Second / 30
		units := part.GOPs(t)[0]
		first := slices.MinFunc(units, func(a, b frame.AccessUnit) int { return int(a.PTS - b.PTS) }).PTS
		for _, u := range units {
			u.PTS += start - first
			u.Time = frametest.Epoch.Add(u.PTS)
			g, want = append(g, u), append(want, part.shown)
		}
	}
	ps := all(t, new(ffmpeg.Decoder), g, time.Time{})
	if len(ps) != len(g) {
		t.Fatalf("%d pictures of %d units", len(ps), len(g))
	}
	for i, p := range ps {
		if p.Rect.Size() != want[i] || p.Corrupt {
			t.Errorf("picture %d: %v, want %v; changes: %v, corrupt %t", i, p.Rect.Size(), want[i], p.Changes, p.Corrupt)
		}
		if n, ok := frametest.Read(p.YCbCr); p.Changes == 0 && want[i].X >= 320 && (!ok || n != i%6) {
			t.Errorf("picture %d shows %d", i, n)
		}
	}
}
