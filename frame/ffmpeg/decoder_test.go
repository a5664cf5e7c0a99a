package ffmpeg_test

import (
	"context"
	"errors"
	"fmt"
	"image"
	"maps"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/ffmpeg"
	"github.com/livestill/livestill/frame/frametest"
)

// all decodes what g shows from the time on, and fails the test if the sequence ends with an error. In tests, it must be the very same
// when a child decodes it.
func all(tb testing.TB, d *ffmpeg.Decoder, g frame.GOP, from time.Time) []*frame.Picture {
	tb.Helper()
	ps, err := decode(tb.Context(), d, g, from)
	if err != nil {
		tb.Fatal(err)
	}
	if _, is := tb.(*testing.T); is && runtime.GOOS == "linux" {
		isolated, err := decode(tb.Context(), d.Isolated(), g, from)
		if err != nil {
			tb.Fatalf("isolated: %v", err)
		}
		mustEqual(tb, isolated, ps)
	}
	return ps
}

// number reads the burnt-in counter.
func number(tb testing.TB, p *frame.Picture) int {
	tb.Helper()
	n, ok := frametest.Read(p.YCbCr)
	if !ok {
		tb.Fatalf("the picture of %v has no counter", p.PTS)
	}
	return n
}

// A publisher that sends the same picture again and again is found out.
func TestFrozen(t *testing.T) {
	clip := frametest.Clip{Frames: 2, GOP: 90, Args: []string{"-vf", "loop=59:1:0"}}
	g := clip.GOPs(t)[0]
	ps := all(t, new(ffmpeg.Decoder), g, time.Time{})
	last := len(ps) - 1
	if last != 60 || ps[0].Frozen != 0 || ps[last].Frozen != 0 || ps[last-1].Frozen < time.Second {
		t.Errorf("%d pictures, frozen %v, ..., %v, %v", len(ps), ps[0].Frozen, ps[last-1].Frozen, ps[last].Frozen)
	}
}

// Every picture comes out once, in presentation order, with the times of its own unit.
func TestOrder(t *testing.T) {
	for _, tt := range []struct {
		name string
		clip frametest.Clip
	}{
		{"no B-frames, low latency", frametest.Clip{}},
		{"B-frames", frametest.Clip{BFrames: 3}},
		{"a pyramid of many B-frames", frametest.Clip{BFrames: 16, GOP: 60, Args: []string{"-x264-params", "b-pyramid=normal:b-adapt=0"}}},
		{"B-frames that nothing refers to", frametest.Clip{BFrames: 3, Args: []string{"-x264-params", "b-adapt=0:b-pyramid=none"}}},
		{"interlaced", frametest.Clip{BFrames: 2, Args: []string{"-flags", "+ildct+ilme", "-x264-params", "tff=1"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n := 0
			for _, g := range tt.clip.GOPs(t) {
				for _, p := range all(t, &ffmpeg.Decoder{Threads: 3}, g, time.Time{}) {
					if got := number(t, p); got != n {
						t.Fatalf("picture %d shows %d", n, got)
					}
					if p.Time != frametest.Epoch.Add(p.PTS) || p.Corrupt || p.Key != (p.PTS == g[0].PTS) || p.QP <= 0 || p.EffectiveQP <= 0 {
						t.Fatalf("picture %d: corrupt %t, key %t, at %v, quantisers %v, %v", n, p.Corrupt, p.Key, p.Time, p.QP, p.EffectiveQP)
					}
					n++
				}
			}
			if n != 60 {
				t.Fatalf("%d pictures", n)
			}
		})
	}
}

// From picks by presentation time, wherever in decoding order the picture lies, and a GOP may end at any unit.
func TestFrom(t *testing.T) {
	g := frametest.Clip{BFrames: 3, Frames: 30}.GOPs(t)[0]
	shown := all(t, new(ffmpeg.Decoder), g, time.Time{})
	numbers := map[time.Duration]int{}
	for n, p := range shown {
		numbers[p.PTS] = n
		ps := all(t, new(ffmpeg.Decoder), g, p.Time)
		if len(ps) != len(g)-n || number(t, ps[0]) != n {
			t.Errorf("from picture %d: %d pictures, the first is %d", n, len(ps), number(t, ps[0]))
		}
	}
	for i := range g {
		ps := all(t, new(ffmpeg.Decoder), g[:i+1], g[i].Time)
		if len(ps) == 0 || ps[0].PTS != g[i].PTS || number(t, ps[0]) != numbers[g[i].PTS] || ps[0].Corrupt {
			t.Errorf("the GOP up to unit %d does not give its picture", i)
		}
	}
	if ps := all(t, new(ffmpeg.Decoder), g, frametest.Epoch.Add(time.Hour)); len(ps) != 0 {
		t.Errorf("%d pictures of the future", len(ps))
	}
}

// The sample aspect ratio makes the picture wider or narrower, nonsense is left alone.
func TestAspect(t *testing.T) {
	for sar, want := range map[string]image.Point{"4/3": {427, 180}, "8/9": {284, 180}, "1/1": {320, 180}, "100/1": {320, 180}} {
		p := all(t, new(ffmpeg.Decoder), frametest.Clip{Frames: 1, Args: []string{"-vf", "setsar=" + sar}}.GOPs(t)[0], time.Time{})[0]
		if p.Rect.Size() != want {
			t.Errorf("%s gives %v, want %v", sar, p.Rect.Size(), want)
		}
	}
}

// The other codecs, each with the counter to prove the order.
func TestCodecs(t *testing.T) {
	const w, h, frames = 320, 180, 8
	var raw []byte
	for i := range frames {
		p := frametest.Clip{}.Picture(i)
		raw = append(append(append(raw, p.Y...), p.Cb...), p.Cr...)
	}
	for codec, args := range map[frame.Codec][]string{
		frame.VP8: {"-c:v", "libvpx", "-b:v", "2M", "-deadline", "good", "-auto-alt-ref", "1", "-lag-in-frames", "4", "ivf"},
		frame.VP9: {"-c:v", "libvpx-vp9", "-b:v", "2M", "-deadline", "realtime", "-cpu-used", "8", "ivf"},
		frame.AV1: {"-c:v", "libsvtav1", "-preset", "12", "-crf", "20", "ivf"},
	} {
		t.Run(codec.String(), func(t *testing.T) {
			g := encode(t, codec, raw, "yuv420p", w, h, args...)
			ps := all(t, new(ffmpeg.Decoder), g, time.Time{})
			for i, p := range ps {
				if number(t, p) != i || p.Corrupt {
					t.Errorf("picture %d shows %d, corrupt %t", i, number(t, p), p.Corrupt)
				}
			}
			if len(ps) != frames {
				t.Errorf("%d pictures of %d units", len(ps), len(g))
			}
		})
	}
	for codec, args := range map[frame.Codec][]string{
		frame.H265:  {"-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none", "hevc"},
		frame.MJPEG: {"-c:v", "mjpeg", "-q:v", "2", "mjpeg"},
		frame.MPEG4: {"-c:v", "mpeg4", "-q:v", "2", "m4v"},
	} {
		t.Run(codec.String(), func(t *testing.T) {
			g := encode(t, codec, raw[:w*h*3/2], "yuv420p", w, h, args...)
			if ps := all(t, new(ffmpeg.Decoder), g, time.Time{}); len(ps) != 1 || number(t, ps[0]) != 0 || ps[0].Corrupt {
				t.Errorf("%d pictures", len(ps))
			}
		})
	}
}

func TestErrors(t *testing.T) {
	g := frametest.Clip{Frames: 3}.GOPs(t)[0]
	mixed := append(frame.GOP{}, g...)
	mixed[2].Codec = frame.H265
	garbage := frame.GOP{{Codec: frame.H264, Key: true, Data: []byte("no NAL unit at all")}}
	empty := frame.GOP{{Codec: frame.H264, Key: true}}
	for _, tt := range []struct {
		name      string
		maxPixels int
		g         frame.GOP
		want      error
	}{
		{name: "no units", want: ffmpeg.ErrGOP},
		{name: "no key unit first", g: g[1:], want: ffmpeg.ErrGOP},
		{name: "two codecs", g: mixed, want: ffmpeg.ErrGOP},
		{name: "no codec", g: frame.GOP{{Key: true, Data: []byte{1}}}, want: ffmpeg.ErrUnsupported},
		{name: "a codec from the future", g: frame.GOP{{Codec: 200, Key: true, Data: []byte{1}}}, want: ffmpeg.ErrUnsupported},
		{name: "garbage", g: garbage, want: ffmpeg.ErrNoPicture},
		{name: "no data", g: empty, want: ffmpeg.ErrNoPicture},
		{name: "too large", maxPixels: 100 * 100, g: g, want: ffmpeg.ErrNoPicture},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, says := &ffmpeg.Decoder{MaxPixels: tt.maxPixels}, map[string]int{}
			for _, d := range []capture.Decoder{d, d.Isolated()} {
				for p, err := range d.Decode(t.Context(), tt.g, time.Time{}) {
					if p != nil && err == nil && tt.name == "two codecs" {
						continue // up to there all was well
					}
					var typed *ffmpeg.Error
					if p != nil || !errors.Is(err, tt.want) || !errors.As(err, &typed) || typed.Step == "" {
						t.Errorf("%v, %v; want %v", p, err, tt.want)
					}
					says[fmt.Sprint(err)]++
				}
			}
			if len(says) != 1 || slices.Collect(maps.Values(says))[0] != 2 {
				t.Errorf("the two say %v", says)
			}
		})
	}
}

// A cancelled context ends the sequence with its cause: before it begins, in the middle, and while it waits for its turn.
func TestCancel(t *testing.T) {
	t.Run("Decoder", func(t *testing.T) { testCancel(t, func(d *ffmpeg.Decoder) capture.Decoder { return d }) })
	t.Run("Isolated", func(t *testing.T) { testCancel(t, func(d *ffmpeg.Decoder) capture.Decoder { return d.Isolated() }) })
}

func testCancel(t *testing.T, kind func(*ffmpeg.Decoder) capture.Decoder) {
	t.Helper()
	g := frametest.Clip{Frames: 30}.GOPs(t)[0]
	cause := errors.New("enough")
	t.Run("before", func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(cause)
		for p, err := range kind(new(ffmpeg.Decoder)).Decode(ctx, g, time.Time{}) {
			if p != nil || !errors.Is(err, cause) {
				t.Errorf("%v, %v", p, err)
			}
		}
	})
	t.Run("in the middle", func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		defer cancel(nil)
		var last error
		pictures := 0
		for _, err := range kind(new(ffmpeg.Decoder)).Decode(ctx, g, time.Time{}) {
			last = err
			if pictures++; pictures == 3 {
				cancel(cause)
			}
		}
		if !errors.Is(last, cause) || pictures != 4 {
			t.Errorf("%d pairs, the last %v", pictures, last)
		}
	})
	t.Run("waiting", func(t *testing.T) {
		d := kind(&ffmpeg.Decoder{Concurrent: 1})
		for _, err := range d.Decode(t.Context(), g, time.Time{}) {
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeoutCause(t.Context(), time.Millisecond, cause)
			for p, err := range d.Decode(ctx, g, time.Time{}) {
				if p != nil || !errors.Is(err, cause) {
					t.Errorf("%v, %v", p, err)
				}
			}
			cancel()
			break
		}
		if ps, err := decode(t.Context(), d, g, time.Time{}); err != nil || len(ps) != len(g) {
			t.Errorf("the place was not given back: %d pictures, %v", len(ps), err)
		}
	})
}

// One Decoder serves many goroutines, whose pictures are their own.
func TestConcurrent(t *testing.T) {
	d := &ffmpeg.Decoder{Concurrent: 2}
	t.Run("Decoder", func(t *testing.T) { testConcurrent(t, d) })
	t.Run("Isolated", func(t *testing.T) { testConcurrent(t, d.Isolated()) })
}

func testConcurrent(t *testing.T, d capture.Decoder) {
	t.Helper()
	var wg sync.WaitGroup
	for i := range 6 {
		g := frametest.Clip{BFrames: i % 3, Frames: 20}.GOPs(t)[0]
		wg.Go(func() {
			n := 0
			for p, err := range d.Decode(t.Context(), g, time.Time{}) {
				if err != nil {
					t.Error(err)
					return
				}
				if got, ok := frametest.Read(p.YCbCr); !ok || got != n {
					t.Errorf("picture %d shows %s", n, strconv.Itoa(got))
				}
				clear(p.Y)
				n++
			}
			if n != 20 {
				t.Errorf("%d pictures", n)
			}
		})
	}
	wg.Wait()
}
