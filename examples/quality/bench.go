package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/ffmpeg"
)

// A benchmark plays the cases of a folder.
type benchmark struct {
	dir      string
	out      string      // where pictures go; empty for nowhere
	strips   string      // where strips go; empty for nowhere
	part     image.Point // upper left corner of what they show
	after    string      // what may come after the picture: 0, 3 or key
	single   bool        // the picture has to do without any other
	only     string      // cases whose names do not match it are left out
	enhancer capture.Merger
	filters  []ffmpeg.Filter // these have a go as well
}

// A trial is a case of cases.json: a picture to be captured, and the source of it.
type trial struct {
	Clip, Stream, Ref, Position string
	Kbit, Frame                 int
	Noisy                       bool
}

func (c *trial) name() string { return fmt.Sprintf("%s_%d_%04d", c.Clip, c.Kbit, c.Frame) }

// trials returns the cases that are wanted.
func (b benchmark) trials() (trials []trial, err error) {
	only, err := regexp.Compile(b.only)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(b.dir, "cases.json"))
	if err != nil {
		return nil, err
	}
	err = json.Unmarshal(text, &trials)
	return slices.DeleteFunc(trials, func(c trial) bool { return !only.MatchString(c.name()) }), err
}

// A result is what came of a trial.
type result struct {
	trial
	plain                   quality
	gains                   []gain // over plain: of what Livestill made, of what it made it of, and of what each filter made of that
	merged                  int    // pictures
	decode, gather, enhance time.Duration
	rival                   ffmpeg.Filter // the best of the filters
	peak                    int           // KiB that the process took at most while it captured
}

// run plays every case and prints what came of it.
func (b benchmark) run(ctx context.Context) error {
	trials, err := b.trials()
	if err != nil {
		return err
	}
	for _, folder := range []string{b.out, b.strips} {
		if folder == "" {
			continue
		}
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
	}
	t := table{names: []string{"Livestill", "without its Enhancer"}}
	for _, f := range b.filters {
		t.names = append(t.names, string(f))
	}
	t.head()
	for len(trials) > 0 {
		n := 1
		for n < len(trials) && trials[n].Stream == trials[0].Stream {
			n++
		}
		if err := b.stream(ctx, &t, trials[:n]); err != nil {
			return err
		}
		trials = trials[n:]
	}
	t.close()
	return nil
}

// stream plays the cases of a stream.
func (b benchmark) stream(ctx context.Context, t *table, trials []trial) error {
	file := filepath.Join(b.dir, trials[0].Stream)
	s, err := play(ctx, file)
	if err != nil {
		return err
	}
	for _, c := range trials {
		r, err := b.try(ctx, c, s, file)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name(), err)
		}
		t.add(r)
	}
	return nil
}

// try plays one case.
func (b benchmark) try(ctx context.Context, c trial, s show, file string) (r result, err error) {
	r.trial = c
	decoded, made, err := b.capture(ctx, &r, s)
	if err != nil {
		return r, err
	}
	source, err := readPNG(filepath.Join(b.dir, c.Ref))
	if err != nil {
		return r, err
	}
	if made.Rect.Size() != source.Rect.Size() {
		return r, fmt.Errorf("picture is %v, source is %v", made.Rect, source.Rect)
	}
	plain, err := peer(ctx, file, c.Frame, source.Rect.Size())
	if err != nil {
		return r, err
	}
	ours := rgb(made.YCbCr)
	if b.out != "" {
		if err := writePNG(filepath.Join(b.out, c.name()+".png"), ours, png.BestSpeed); err != nil {
			return r, err
		}
	}
	judge := newJudge(source, plain)
	r.plain = judge.plain
	r.gains = append(r.gains, judge.gain(ours), judge.gain(rgb(decoded.YCbCr)))
	rival, err := b.filter(ctx, &r, judge, decoded)
	if err != nil || b.strips == "" {
		return r, err
	}
	return r, writePNG(filepath.Join(b.strips, c.name()+".png"), strip(b.part, plain, rival, ours, source), png.BestCompression)
}

// filter has each of FFmpeg's filters make a picture of p, and returns the best of them.
func (b benchmark) filter(ctx context.Context, r *result, j *judge, p *frame.Picture) (best *image.RGBA, err error) {
	highest := 0.
	for _, f := range b.filters {
		made, err := f.Enhance(ctx, &frame.Burst{Pictures: []*frame.Picture{p}})
		if err != nil {
			return nil, err
		}
		img := rgb(made.YCbCr)
		g := j.gain(img)
		r.gains = append(r.gains, g)
		if best == nil || g.psnr > highest {
			best, highest, r.rival = img, g.psnr, f
		}
	}
	return best, nil
}

// capture has a Camera capture the picture of a case, once enough of the stream has come. It returns what that made, and what of.
func (b benchmark) capture(ctx context.Context, r *result, s show) (decoded, made *frame.Picture, err error) {
	if r.Frame < 0 || r.Frame >= len(s.units) {
		return nil, nil, errors.New("no such frame")
	}
	wanted := s.units[r.Frame]
	last, lookahead := wanted, time.Duration(0)
	switch b.after {
	case "3":
		last = s.units[min(r.Frame+3, len(s.units)-1)]
		lookahead = last.Time.Sub(wanted.Time)
	case "key":
		last = s.units[len(s.units)-1]
		if n := slices.IndexFunc(s.units[r.Frame+1:], func(u frame.AccessUnit) bool { return u.Key }); n >= 0 {
			last = s.units[r.Frame+1+n]
		}
		lookahead = 10 * time.Second
	}
	if b.single {
		lookahead = -1
	}
	w := witness{Merger: b.enhancer}
	cam := &capture.Camera{Decoder: s.cam.Decoder, Enhancer: &w, Encoder: none{}}
	if !remember(&cam.History, s.sent, wanted, last) {
		return nil, nil, errors.New("the stream ends before it is known that nothing else was on show")
	}
	forgetPeak()
	still, err := cam.Capture(ctx, capture.Request{Moment: capture.At(wanted.Time), Tolerance: -1, Lookahead: lookahead})
	if err != nil {
		return nil, nil, err
	}
	if still.PTS != wanted.PTS {
		return nil, nil, fmt.Errorf("got the picture of %v, not of %v", still.PTS, wanted.PTS)
	}
	r.peak = peak()
	r.merged = still.Merged
	r.decode, r.gather, r.enhance = still.Step("decode"), still.Step("gather"), still.Step("enhance")
	return w.decoded, still.Picture, nil
}

// remember adds units to a History, in the order they were sent in, up to the last that may come. Where pictures are not sent in the order
// they are shown in, those go in as well that a viewer has to have to know which is shown next; if these do not come, it returns false.
func remember(h *frame.History, sent []frame.AccessUnit, wanted, last frame.AccessUnit) bool {
	come := false
	for _, u := range sent {
		h.Add(u)
		come = come || u.PTS == last.PTS
		if come && u.DTS >= wanted.PTS { // what is yet to come is shown later
			return true
		}
	}
	return false
}

// A witness is a Merger that keeps the picture that is to be made better.
type witness struct {
	capture.Merger
	decoded *frame.Picture
}

func (w *witness) Enhance(ctx context.Context, b *frame.Burst) (*frame.Picture, error) {
	w.decoded = b.Picture()
	return w.Merger.Enhance(ctx, b)
}
