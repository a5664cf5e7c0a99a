package ffmpeg_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/ffmpeg"
)

// The cost that headers tell is that of the pictures which come.
func TestCost(t *testing.T) {
	const w, h = 336, 192 // whole macroblocks, so that what is coded is what is shown
	raw := bytes.Repeat([]byte{128}, w*h*3/2)
	for name, tt := range map[string]struct {
		codec frame.Codec
		args  []string
		pixel float64 // samples of a pixel
		bytes int64   // of a sample
	}{
		"H.264":                {frame.H264, []string{"-c:v", "libx264", "h264"}, 1.5, 1},
		"H.264, 10 bits 4:2:2": {frame.H264, []string{"-c:v", "libx264", "-pix_fmt", "yuv422p10le", "h264"}, 2, 2},
		"H.264, interlaced":    {frame.H264, []string{"-c:v", "libx264", "-flags", "+ildct+ilme", "h264"}, 1.5, 1},
		"H.265":                {frame.H265, []string{"-c:v", "libx265", "-x265-params", "log-level=none", "hevc"}, 1.5, 1},
		"H.265, 10 bits":       {frame.H265, []string{"-c:v", "libx265", "-x265-params", "log-level=none", "-pix_fmt", "yuv420p10le", "hevc"}, 1.5, 2},
		"VP8":                  {frame.VP8, []string{"-c:v", "libvpx", "ivf"}, 1.5, 1},
		"VP9":                  {frame.VP9, []string{"-c:v", "libvpx-vp9", "ivf"}, 1.5, 1},
		"VP9, 4:4:4":           {frame.VP9, []string{"-c:v", "libvpx-vp9", "-pix_fmt", "yuv444p", "ivf"}, 3, 1},
		"AV1":                  {frame.AV1, []string{"-c:v", "libsvtav1", "ivf"}, 1.5, 1},
		"AV1, 10 bits":         {frame.AV1, []string{"-c:v", "libsvtav1", "-pix_fmt", "yuv420p10le", "ivf"}, 1.5, 2},
		"AV1 of libaom":        {frame.AV1, []string{"-c:v", "libaom-av1", "-cpu-used", "8", "ivf"}, 1.5, 1},
		"MJPEG":                {frame.MJPEG, []string{"-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "mjpeg"}, 1.5, 1},
		"MPEG-4":               {frame.MPEG4, []string{"-c:v", "mpeg4", "m4v"}, 1.5, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := encode(t, tt.codec, raw, "yuv420p", w, h, tt.args...)
			g[0].Data = bytes.TrimPrefix(g[0].Data, []byte{0x12, 0}) // AV1's delimiter
			d := new(ffmpeg.Decoder)
			cost := d.Cost(g[0])
			if want := int64(w * h * tt.pixel); cost.Picture != want {
				t.Errorf("a picture costs %d, want %d", cost.Picture, want)
			}
			if least := int64(w*h*tt.pixel) * tt.bytes * 2; cost.Decoding < least || cost.Decoding > 12*least {
				t.Errorf("decoding costs %d, where two pictures take %d", cost.Decoding, least)
			}
			if ps := all(t, d, g[:1], time.Time{}); len(ps) != 1 || ps[0].Rect.Dx() != w || ps[0].Rect.Dy() != h {
				t.Errorf("%d pictures", len(ps))
			}
			g[0].Data = g[0].Data[:7]
			if cost := d.Cost(g[0]); cost.Picture != 1920*1088*3/2 || cost.Decoding < 16*cost.Picture {
				t.Errorf("of seven bytes, which is taken for 1080p: %+v", cost)
			}
		})
	}
}

// What a sequence of AV1 costs is known wherever its header stands, and however it is wrapped: its decoder has buffers of its own, which
// nobody counts.
func TestCostOfAV1(t *testing.T) {
	const w, h = 336, 192
	clip := func(args ...string) frame.GOP {
		args = slices.Concat([]string{"-c:v", "libaom-av1", "-cpu-used", "8"}, args, []string{"ivf"})
		g := encode(t, frame.AV1, bytes.Repeat([]byte{128}, w*h*3/2), "yuv420p", w, h, args...)
		g[0].Data = bytes.TrimPrefix(g[0].Data, []byte{0x12, 0})
		return g
	}
	small, large := clip(), clip("-pix_fmt", "yuv444p12le")
	const header, size, extension = 2, 1, 4
	head, rest := large[0].Data[:header+int(large[0].Data[size])], large[0].Data[header+int(large[0].Data[size]):]
	want := new(ffmpeg.Decoder).Cost(large[0])
	if least := new(ffmpeg.Decoder).Cost(small[0]); want.Decoding != 4*least.Decoding {
		t.Fatalf("%+v and %+v", least, want)
	}
	padded := append([]byte{head[0], byte(0x80 | (len(head)-header+200)&0x7f), byte((len(head) - header + 200) >> 7)}, head[header:]...)
	for name, head := range map[string][]byte{
		"with an extension":          append([]byte{head[0] | extension, 0, head[size]}, head[header:]...),
		"of more than 127 bytes":     append(padded, bytes.Repeat([]byte{0}, 200)...),
		"the second one":             append(bytes.Clone(small[0].Data[:header+int(small[0].Data[size])]), head...),
		"whose size takes two bytes": append([]byte{head[0], head[size] | 0x80, 0}, head[header:]...),
	} {
		key := large[0]
		key.Data = slices.Concat(head, rest)
		if cost := new(ffmpeg.Decoder).Cost(key); cost != want {
			t.Errorf("a sequence header %s: %+v, want %+v", name, cost, want)
		}
		later := frame.GOP{small[0], key}
		later[1].Key, later[1].PTS, later[1].Time = false, time.Second, later[1].Time.Add(time.Second)
		d := &ffmpeg.Decoder{MaxMemory: want.Decoding / 2}
		n := 0
		var err error
		for _, err = range d.Decode(t.Context(), later, time.Time{}) {
			if n++; err != nil {
				break
			}
		}
		if !errors.Is(err, frame.ErrTooCostly) {
			t.Errorf("a sequence header %s, in a unit that is no key unit: %d pictures, %v", name, n, err)
		}
	}
}

// Square pixels may make pictures several times as large, which what they cost tells; and they get no larger than it says, or half as much
// again.
func TestCostOfSquarePixels(t *testing.T) {
	const w, h = 336, 192
	raw := bytes.Repeat([]byte{128}, w*h*3/2)
	for name, tt := range map[string]struct {
		codec      frame.Codec
		args       []string
		wide, cost int // widths of the picture that is shown, and that is paid for
	}{
		"H.264":                        {frame.H264, []string{"-vf", "setsar=4", "-c:v", "libx264", "h264"}, 4 * w, 4 * w},
		"H.264, very wide":             {frame.H264, []string{"-vf", "setsar=9", "-c:v", "libx264", "h264"}, 9 * w, 9 * w},
		"H.264, of the table":          {frame.H264, []string{"-vf", "setsar=2", "-c:v", "libx264", "h264"}, 2 * w, 2 * w},
		"H.264, higher than wide":      {frame.H264, []string{"-vf", "setsar=1/2", "-c:v", "libx264", "h264"}, w / 2, w},
		"H.265":                        {frame.H265, []string{"-vf", "setsar=3", "-c:v", "libx265", "-x265-params", "log-level=none", "hevc"}, 3 * w, 3 * w},
		"MPEG-4":                       {frame.MPEG4, []string{"-vf", "setsar=4/3", "-c:v", "mpeg4", "m4v"}, 4 * w / 3, 4 * w / 3},
		"MPEG-4, of the table":         {frame.MPEG4, []string{"-vf", "setsar=12/11", "-c:v", "mpeg4", "m4v"}, (12*w + 5) / 11, 12 * w / 11},
		"MPEG-4, very wide":            {frame.MPEG4, []string{"-vf", "setsar=16", "-c:v", "mpeg4", "m4v"}, 16 * w, 16 * w},
		"MJPEG":                        {frame.MJPEG, []string{"-vf", "setsar=5", "-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "mjpeg"}, 5 * w, 5 * w},
		"H.264, more than is sensible": {frame.H264, []string{"-vf", "setsar=17", "-c:v", "libx264", "h264"}, w, w},
	} {
		t.Run(name, func(t *testing.T) {
			g := encode(t, tt.codec, raw, "yuv420p", w, h, tt.args...)
			if cost := new(ffmpeg.Decoder).Cost(g[0]); cost.Picture/(h*3/2) != int64(tt.cost) {
				t.Errorf("a picture costs %d, want %d", cost.Picture, tt.cost*h*3/2)
			}
			if ps := all(t, new(ffmpeg.Decoder), g[:1], time.Time{}); len(ps) != 1 || ps[0].Rect.Dx() != tt.wide || ps[0].Rect.Dy() != h {
				t.Errorf("%d pictures, %v, want a width of %d", len(ps), ps[0].Rect, tt.wide)
			}
		})
	}
}
