package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"iter"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/livestill/livestill/enhance"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/ffmpeg"
)

// A benchmark plays the cases of a folder.
type benchmark struct {
	dir, out string // out may be empty: nothing is written
	after    string // what may come after the picture: 0, 3 or key
	effort   enhance.Effort
	only     string // cases whose names do not contain it are left out
}

// A trial is a case of cases.json: a picture to be captured, and the source of it.
type trial struct {
	Clip, Stream, Ref, Position string
	Kbit, Frame                 int
	Noisy                       bool
}

func (c *trial) name() string { return fmt.Sprintf("%s_%d_%04d", c.Clip, c.Kbit, c.Frame) }

// A result is what came of a trial.
type result struct {
	trial
	plain, gain  float64 // dB
	block        float64 // worst rise of the error in a block
	decode, fuse time.Duration
}

// run plays every case and prints what came of it.
func (b benchmark) run(ctx context.Context) error {
	text, err := os.ReadFile(filepath.Join(b.dir, "cases.json"))
	if err != nil {
		return err
	}
	var trials []trial
	if err := json.Unmarshal(text, &trials); err != nil {
		return err
	}
	if b.out != "" {
		if err := os.MkdirAll(b.out, 0o755); err != nil {
			return err
		}
	}
	var units []frame.AccessUnit // in presentation order
	var from string
	var results []result
	for _, c := range trials {
		if !regexp.MustCompile(b.only).MatchString(c.name()) {
			continue
		}
		if from != c.Stream {
			s, err := play(ctx, filepath.Join(b.dir, c.Stream))
			if err != nil {
				return err
			}
			from, units = c.Stream, s.units
		}
		r, err := b.try(ctx, c, units)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name(), err)
		}
		results = append(results, r)
		fmt.Printf("%-22s %-4s plain %6.2f dB  gain %+.2f dB  block %+.2f  decode %4d ms  fuse %4d ms\n",
			c.name(), c.Position, r.plain, r.gain, r.block, r.decode.Milliseconds(), r.fuse.Milliseconds())
	}
	fmt.Println()
	summary("clean", results, func(r result) bool { return !r.Noisy })
	summary("noisy", results, func(r result) bool { return r.Noisy })
	summary("key", results, func(r result) bool { return r.Position == "K" })
	summary("all", results, func(result) bool { return true })
	return nil
}

func summary(label string, results []result, keep func(result) bool) {
	var n, gain, decode, fuse float64
	worst, block := math.Inf(1), math.Inf(-1)
	for _, r := range results {
		if keep(r) {
			n++
			gain += r.gain
			worst, block = min(worst, r.gain), max(block, r.block)
			decode += float64(r.decode.Milliseconds())
			fuse += float64(r.fuse.Milliseconds())
		}
	}
	if n > 0 {
		fmt.Printf("%-6s n=%3.0f  gain mean %+.3f dB  worst %+.2f  block worst %+.2f  decode %.0f ms  fuse %.0f ms\n", label, n, gain/n, worst, block, decode/n, fuse/n)
	}
}

// try plays one case: the units up to the picture and what may come after it go into a History.
func (b benchmark) try(ctx context.Context, c trial, units []frame.AccessUnit) (r result, err error) {
	r.trial = c
	if c.Frame >= len(units) {
		return r, errors.New("no such frame")
	}
	last := c.Frame
	switch b.after {
	case "3":
		last = min(c.Frame+3, len(units)-1)
	case "key":
		for last = c.Frame + 1; last < len(units)-1 && !units[last].Key; last++ {
		}
		last = min(last, len(units)-1)
	}
	history := frame.History{}
	for _, u := range units {
		if !u.Time.After(units[last].Time) {
			history.Add(u)
		}
	}
	gops := history.GOPs()
	began := time.Now()
	burst, err := b.burst(ctx, gops, units[c.Frame].Time)
	if err != nil {
		return r, err
	}
	r.decode = time.Since(began)
	began = time.Now()
	made, err := enhance.Fuse{Effort: b.effort}.Enhance(ctx, burst)
	if err != nil {
		return r, err
	}
	r.fuse = time.Since(began)
	ref, err := readPNG(filepath.Join(b.dir, c.Ref))
	if err != nil {
		return r, err
	}
	img := rgb(made.YCbCr)
	if b.out != "" {
		if err := writePNG(filepath.Join(b.out, c.name()+".png"), img); err != nil {
			return r, err
		}
	}
	before := rgb(burst.Picture().YCbCr)
	if img.Rect.Size() != ref.Bounds().Size() {
		return r, fmt.Errorf("picture is %v, source is %v", img.Rect, ref.Bounds())
	}
	l := luma(ref)
	r.plain = decibels(luma(before), l)
	r.gain = decibels(luma(img), l) - r.plain
	r.block = worstBlock(l, luma(before), luma(img), img.Rect)
	return r, nil
}

// burst decodes what enhance.Fuse wants for the picture shown at a time.
func (b benchmark) burst(ctx context.Context, gops []frame.GOP, at time.Time) (*frame.Burst, error) {
	var burst frame.Burst
	target, unit := -1, 0
	for g := range gops {
		for i := range gops[g] {
			if gops[g][i].Time.Equal(at) {
				target, unit = g, i
			}
		}
	}
	if target < 0 {
		return nil, errors.New("forgotten")
	}
	decoder := &ffmpeg.Decoder{}
	for g, wanted := range (enhance.Fuse{Effort: b.effort}).Neighbours(gops, target, unit) {
		if len(wanted) == 0 {
			continue
		}
		want := map[time.Duration]bool{}
		for _, i := range wanted {
			want[gops[g][i].PTS] = true
		}
		for l, err := range decoder.Follow(ctx, some(gops[g][:wanted[len(wanted)-1]+1], wanted)) {
			if err != nil {
				return nil, err
			}
			if !want[l.PTS] {
				continue
			}
			p, err := l.Develop()
			if err != nil {
				return nil, err
			}
			if p.Time.Equal(at) {
				burst.Target = len(burst.Pictures)
			}
			burst.Pictures = append(burst.Pictures, p)
		}
	}
	return &burst, nil
}

// some yields the units of a GOP, and whether each is wanted.
func some(g frame.GOP, wanted []int) iter.Seq2[frame.AccessUnit, bool] {
	return func(yield func(frame.AccessUnit, bool) bool) {
		for i, u := range g {
			if len(wanted) > 0 && wanted[0] == i {
				wanted = wanted[1:]
				if !yield(u, true) {
					return
				}
			} else if !yield(u, false) {
				return
			}
		}
	}
}

// worstBlock returns by how much the local error rises at worst, in a block of 64x64 pixels that is not all but perfect.
func worstBlock(ref, plain, made []float64, r image.Rectangle) float64 {
	const side = 64
	worst := math.Inf(-1)
	for y := 0; y+side <= r.Dy(); y += side {
		for x := 0; x+side <= r.Dx(); x += side {
			var p, m float64
			for v := range side {
				for u := range side {
					i := (y+v)*r.Dx() + x + u
					p += (plain[i] - ref[i]) * (plain[i] - ref[i]) / (side * side)
					m += (made[i] - ref[i]) * (made[i] - ref[i]) / (side * side)
				}
			}
			if p > 255*255/math.Pow(10, 4.5) {
				worst = max(worst, 10*math.Log10((m+0.01)/(p+0.01)))
			}
		}
	}
	return worst
}
