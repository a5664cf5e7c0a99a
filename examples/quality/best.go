package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
)

const (
	span = 250 * time.Millisecond
	trim = 17 // frames taken off a source, so that its key pictures are not those of what is encoded of it
)

// source returns the best stream of the scene that s shows: a clean one, if there is one.
func source(all []stream, s stream) stream {
	best := s
	for _, o := range all {
		same := path.Dir(o.Ref) == path.Dir(s.Ref)
		if same && (best.Noisy && !o.Noisy || best.Noisy == o.Noisy && o.Kbit > best.Kbit) {
			best = o
		}
	}
	return best
}

func runBest(ctx context.Context, dir string) error {
	all, err := streams(dir)
	if err != nil {
		return err
	}
	temp, err := os.MkdirTemp("", "livestill-quality-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(temp) }()
	var total tally
	fmt.Println("stream          windows  differ     won    gain  where lost   worst  oracle   (dB)")
	var from string
	var sources []*frame.Picture
	for _, s := range all {
		best := source(all, s)
		if best == s || best.Clip != s.Clip && s.Kbit > best.Kbit/2 { // its own source, or too near
			continue
		}
		if from != best.Stream {
			from = best.Stream
			original, err := play(ctx, filepath.Join(dir, from))
			if err == nil {
				sources, err = original.pictures(ctx)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", from, err)
			}
		}
		file := filepath.Join(temp, "encoded.mp4")
		if err := encode(ctx, filepath.Join(dir, from), s, file); err != nil {
			return err
		}
		var t tally
		encoded, err := play(ctx, file)
		if err == nil {
			t, err = encoded.compare(ctx, sources[trim:])
		}
		if err != nil {
			return fmt.Errorf("%s again: %w", s.Stream, err)
		}
		fmt.Printf("%-16s%v\n", fmt.Sprintf("%s_%d", s.Clip, s.Kbit), &t)
		total.add(t)
	}
	fmt.Printf("%-16s%v\n", "all", &total)
	return nil
}

// encode encodes file anew as the live stream s was.
func encode(ctx context.Context, file string, s stream, to string) error {
	filter := fmt.Sprintf("trim=start_frame=%d,setpts=PTS-STARTPTS", trim)
	if s.Noisy {
		filter += ",noise=c0s=10:c0f=t" // standard deviation 6
	}
	rate := strconv.Itoa(s.Kbit) + "k"
	_, err := run(ctx, "-y", "-i", file, "-vf", filter, "-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency", "-threads", "1",
		"-g", strconv.Itoa(s.GOP), "-sc_threshold", "0", "-b:v", rate, "-maxrate", rate, "-bufsize", rate,
		"-color_range", "tv", "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", to)
	return err
}

// compare captures the best of each full window.
func (s show) compare(ctx context.Context, sources []*frame.Picture) (t tally, err error) {
	pictures, err := s.pictures(ctx)
	if err != nil {
		return t, err
	}
	if len(pictures) != len(sources) {
		return t, fmt.Errorf("%d pictures of %d", len(pictures), len(sources))
	}
	psnr := make([]float64, len(pictures))
	for i := range pictures {
		psnr[i] = psnrY(pictures[i], sources[i])
	}
	first, last := pictures[0].Time, pictures[len(pictures)-1].Time
	for i, p := range pictures {
		if p.Time.Sub(first) < span || last.Sub(p.Time) < span {
			continue
		}
		still, err := s.cam.Capture(ctx, capture.Request{Moment: capture.At(p.Time).Best(span, nil), Tolerance: -1})
		if err != nil {
			return t, err
		}
		t.windows++
		highest := psnr[i]
		for n, o := range pictures {
			if o.Time.Sub(p.Time).Abs() <= span {
				highest = max(highest, psnr[n])
			}
			if o.PTS == still.PTS && n != i {
				t.gains = append(t.gains, psnr[n]-psnr[i])
			}
		}
		t.oracle += highest - psnr[i]
	}
	return t, nil
}

// psnrY returns the peak signal-to-noise ratio of the luma, as pictures have it: full range, BT.601.
func psnrY(a, b *frame.Picture) float64 {
	sum := 0
	w, h := a.Rect.Dx(), a.Rect.Dy()
	for y := range h {
		q := b.Y[y*b.YStride:][:w]
		for x, p := range a.Y[y*a.YStride:][:w] {
			d := int(p) - int(q[x])
			sum += d * d
		}
	}
	return 10 * math.Log10(255*255*float64(w*h)/max(float64(sum), 1))
}

// A tally is what came of windows.
type tally struct {
	windows int
	gains   []float64 // of those in which the best picture is another than the literal one
	oracle  float64   // sum of what the best choice of all gains, over all windows
}

func (t *tally) add(o tally) {
	t.windows += o.windows
	t.gains = append(t.gains, o.gains...)
	t.oracle += o.oracle
}

func (t *tally) String() string {
	var sum, lost, worst float64
	won, losses := 0, 0
	for _, g := range t.gains {
		sum += g
		worst = min(worst, g)
		if g > 0 {
			won++
		} else {
			losses++
			lost += g
		}
	}
	n := float64(max(1, len(t.gains)))
	return fmt.Sprintf("%7d  %5.0f%%  %5.0f%%  %+6.2f  %+10.2f  %+6.2f  %+6.2f", t.windows, 100*float64(len(t.gains))/float64(max(1, t.windows)),
		100*float64(won)/n, sum/n, lost/float64(max(1, losses)), worst, t.oracle/float64(max(1, t.windows)))
}
