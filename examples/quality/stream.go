package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/feed"
	"github.com/livestill/livestill/frame/ffmpeg"
)

// A stream is one of DIR.
type stream struct {
	Clip, Stream, Ref string
	Kbit, GOP         int
	Noisy             bool
}

// streams returns those of cases.json, each once, by clip and bitrate.
func streams(dir string) ([]stream, error) {
	b, err := os.ReadFile(filepath.Join(dir, "cases.json"))
	if err != nil {
		return nil, err
	}
	var all []stream
	if err := json.Unmarshal(b, &all); err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b stream) int {
		return cmp.Or(cmp.Compare(a.Clip, b.Clip), cmp.Compare(a.Kbit, b.Kbit))
	})
	return slices.CompactFunc(all, func(a, b stream) bool { return a.Stream == b.Stream }), nil
}

// A show is a stream that a Camera remembers.
type show struct {
	cam   *capture.Camera
	sent  []frame.AccessUnit // in decoding order
	units []frame.AccessUnit // in presentation order
}

// play plays a file into a Camera.
func play(ctx context.Context, file string) (show, error) {
	units, err := demux(ctx, file)
	if err != nil {
		return show{}, err
	}
	cam := &capture.Camera{Decoder: &ffmpeg.Decoder{}, Encoder: none{}, History: frame.History{MaxAge: time.Hour, MaxBytes: 1 << 30}}
	for _, u := range units {
		cam.History.Add(u)
	}
	shown := slices.SortedFunc(slices.Values(units), func(a, b frame.AccessUnit) int { return a.Time.Compare(b.Time) })
	return show{cam, units, shown}, nil
}

// pictures decodes all pictures, in presentation order.
func (s show) pictures(ctx context.Context) (pictures []*frame.Picture, err error) {
	for p, err := range s.cam.Decoder.Decode(ctx, s.sent, time.Time{}) {
		switch {
		case err != nil:
			return nil, err
		case p.Corrupt:
			return nil, fmt.Errorf("the picture at %v is damaged", p.PTS)
		}
		pictures = append(pictures, p)
	}
	return pictures, nil
}

// none encodes nothing: pixels are all that is wanted.
type none struct{}

func (none) Encode(context.Context, io.Writer, *frame.Picture) error { return nil }
func (none) Type() string                                            { return "" }

// demux returns the access units of a file.
func demux(ctx context.Context, file string) ([]frame.AccessUnit, error) {
	b, err := run(ctx, "-i", file, "-map", "0:v", "-c", "copy", "-f", "flv", "pipe:1")
	if err != nil {
		return nil, err
	}
	began := time.Now().Add(-time.Minute)
	var units []frame.AccessUnit
	for u, err := range feed.ReadFLV(bytes.NewReader(b)) {
		if err != nil {
			return nil, err
		}
		u.Time = began.Add(u.PTS)
		units = append(units, u)
	}
	return units, nil
}

// peer returns a picture of a file as FFmpeg alone delivers it: straight from the decoder to RGB, as precisely as it can.
func peer(ctx context.Context, file string, n int, size image.Point) (*image.RGBA, error) {
	const straight = "scale=in_color_matrix=bt709:in_range=tv:flags=accurate_rnd+full_chroma_int+full_chroma_inp+bicubic,format=rgb24"
	b, err := run(ctx, "-i", file, "-vf", fmt.Sprintf(`select=eq(n\,%d),%s`, n, straight), "-frames:v", "1", "-f", "rawvideo", "pipe:1")
	if err != nil {
		return nil, err
	}
	img := image.NewRGBA(image.Rectangle{Max: size})
	if len(b) != 3*size.X*size.Y {
		return nil, fmt.Errorf("FFmpeg's picture %d has %d bytes, not those of %v", n, len(b), size)
	}
	for i := range size.X * size.Y {
		copy(img.Pix[4*i:], b[3*i:][:3])
		img.Pix[4*i+3] = 255
	}
	return img, nil
}

func run(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "ffmpeg", append([]string{"-nostdin", "-v", "error"}, args...)...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("ffmpeg: %w\n%s", err, stderr.Bytes())
	}
	return stdout.Bytes(), nil
}
