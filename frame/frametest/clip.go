package frametest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"image"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/livestill/livestill/internal/peer"
)

// A Clip describes a moving test picture with a burnt-in frame counter, to be encoded by the real ffmpeg.
type Clip struct {
	Width, Height int // pixels; zero means 320 by 180
	FPS           int // pictures a second; zero means 30
	Frames        int // how many; zero means two seconds
	GOP           int // key interval in frames; zero means one second

	// BFrames is the most B-frames in a row; zero means none, and a
	// low-latency encoder.
	BFrames int

	// Noise is the amplitude of the noise in every picture, in code values,
	// as a dim room has it.
	Noise int

	Args []string // more arguments for ffmpeg's encoder; they come last
}

func (c Clip) withDefaults() Clip {
	if c.Width == 0 {
		c.Width, c.Height = 320, 180
	}
	if c.FPS == 0 {
		c.FPS = 30
	}
	if c.Frames == 0 {
		c.Frames = 2 * c.FPS
	}
	if c.GOP == 0 {
		c.GOP = c.FPS
	}
	return c
}

// File encodes the clip with libx264 into an FLV file and returns its path. Clips are kept in the system's temporary folder
// and encoded once.
func (c Clip) File(tb testing.TB) string {
	tb.Helper()
	peer.Needs(tb, "ffmpeg")
	c = c.withDefaults()
	args := []string{
		"-nostdin", "-v", "error", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", fmt.Sprintf("%dx%d", c.Width, c.Height),
		"-r", strconv.Itoa(c.FPS), "-i", "pipe:0", "-c:v", "libx264", "-preset", "veryfast", "-g", strconv.Itoa(c.GOP),
		"-sc_threshold", "0", "-bf", strconv.Itoa(c.BFrames), "-threads", "2",
	}
	if c.BFrames == 0 {
		args = append(args, "-tune", "zerolatency")
	}
	args = append(append(args, c.Args...), "-f", "flv")
	sum := sha256.Sum256(fmt.Append(nil, "2", c, args))
	path := filepath.Join(os.TempDir(), "livestill-clip-"+hex.EncodeToString(sum[:8])+".flv")
	if _, err := os.Stat(path); err == nil {
		return path
	}
	unique, err := os.CreateTemp(os.TempDir(), filepath.Base(path)+".*") // several tests may encode the same clip
	if err != nil {
		tb.Fatal(err)
	}
	temp := unique.Name()
	_ = unique.Close()
	ctx, cancel := context.WithCancel(tb.Context())
	defer cancel()
	cmd := exec.CommandContext(ctx, "ffmpeg", append(args, "-y", temp)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	if err := c.write(stdin); err != nil {
		tb.Errorf("writing pictures to ffmpeg: %v", err)
	}
	_ = stdin.Close()
	if err := cmd.Wait(); err != nil {
		tb.Fatalf("ffmpeg: %v\n%s", err, stderr.Bytes())
	}
	if err := os.Rename(temp, path); err != nil {
		tb.Fatal(err)
	}
	return path
}

// write writes the clip's pictures as planar 4:2:0.
func (c Clip) write(w io.Writer) error {
	for n := range c.Frames {
		img := c.Picture(n)
		for _, plane := range [][]byte{img.Y, img.Cb, img.Cr} {
			if _, err := w.Write(plane); err != nil {
				return err
			}
		}
	}
	return nil
}

// Picture returns picture n of the clip as it is before compression: a texture that pans, a disc that crosses it, and the counter.
//
//go:norace
func (c Clip) Picture(n int) *image.YCbCr {
	c = c.withDefaults()
	img := image.NewYCbCr(image.Rect(0, 0, c.Width, c.Height), image.YCbCrSubsampleRatio420)
	noise := rand.New(rand.NewPCG(uint64(n), 1))
	cx, cy, radius := (n*7)%c.Width, c.Height*5/8, c.Height/6
	for y := range c.Height {
		line := img.Y[y*img.YStride:][:c.Width]
		for x := range line {
			u, v := x+2*n, y+n
			shade := 60 + (u^v)&31 + (u/16+v/16)%5*24
			if dx, dy := x-cx, y-cy; dx*dx+dy*dy < radius*radius {
				shade = 200 - (dx&8)*3
			}
			if c.Noise > 0 {
				shade += noise.IntN(2*c.Noise+1) - c.Noise
			}
			line[x] = byte(min(max(shade, 16), 235))
		}
	}
	for y := range img.Rect.Dy()/2 + img.Rect.Dy()%2 {
		for x := range img.CStride {
			img.Cb[y*img.CStride+x] = byte(96 + (x+n)/8%64)
			img.Cr[y*img.CStride+x] = byte(96 + (y+n)/8%64)
		}
	}
	Draw(img, n)
	return img
}
