package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"

	"github.com/livestill/livestill/capture"
)

// A rating is what Livestill says of a picture, and the truth.
type rating struct {
	trial
	truth  float64 // PSNR of the luma, in dB
	scores capture.Scores
	blind  float64 // the Quality of the picture, had the decoder told no quantisers
}

// runScore captures the picture of each case and compares its scores with the truth.
func (b benchmark) runScore(ctx context.Context) error {
	trials, err := b.trials()
	if err != nil {
		return err
	}
	var ratings []rating
	var from string
	var s show
	for _, c := range trials {
		if from != c.Stream {
			if s, err = play(ctx, filepath.Join(b.dir, c.Stream)); err != nil {
				return err
			}
			from = c.Stream
		}
		r, err := b.rate(ctx, c, s)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name(), err)
		}
		ratings = append(ratings, r)
		p := r.scores
		fmt.Printf("%-22s %-4s PSNR-Y %5.2f dB, estimated %5.2f; sharpness %4.1f  noise %4.2f  blockiness %.2f  brightness %3.0f  black %.2f  white %.2f  motion blur %.2f\n",
			c.name(), c.Position, r.truth, p.PSNR, p.Sharpness, p.Noise, p.Blockiness, p.Brightness, p.Black, p.White, p.MotionBlur)
	}
	fmt.Println("\n                         PSNR      rank correlation within the clip")
	fmt.Println("clip            cases    off by    PSNR  Quality  Quality without quantisers")
	slices.SortStableFunc(ratings, func(a, b rating) int { return cmp.Compare(a.Clip, b.Clip) })
	for rest := ratings; len(rest) > 0; {
		n := slices.IndexFunc(rest, func(r rating) bool { return r.Clip != rest[0].Clip })
		if n < 0 {
			n = len(rest)
		}
		correlations(rest[0].Clip, rest[:n])
		rest = rest[n:]
	}
	correlations("all", ratings)
	return nil
}

// rate captures the picture of a case.
func (b benchmark) rate(ctx context.Context, c trial, s show) (r rating, err error) {
	r.trial = c
	if c.Frame >= len(s.units) {
		return r, errors.New("no such frame")
	}
	still, err := s.cam.Capture(ctx, capture.Request{Moment: capture.At(s.units[c.Frame].Time), Tolerance: -1})
	if err != nil {
		return r, err
	}
	ref, err := readPNG(filepath.Join(b.dir, c.Ref))
	if err != nil {
		return r, err
	}
	r.scores = still.Scores
	decoded, _ := planes(rgb(still.Picture.YCbCr))
	source, _ := planes(ref)
	r.truth = decibels(decoded, source)
	unknown := *still.Picture
	unknown.EffectiveQP = 0
	r.blind = capture.Quality(&unknown)
	return r, nil
}

// correlations prints how well scores agree with the truth.
func correlations(label string, ratings []rating) {
	var truth, psnr, quality, blind []float64
	square := 0.
	for _, r := range ratings {
		truth, psnr = append(truth, r.truth), append(psnr, r.scores.PSNR)
		quality, blind = append(quality, r.scores.Quality), append(blind, r.blind)
		square += (r.scores.PSNR - r.truth) * (r.scores.PSNR - r.truth) / float64(len(ratings))
	}
	fmt.Printf("%-16s %4d  %5.2f dB   %+.2f    %+.2f    %+.2f\n", label, len(ratings), math.Sqrt(square), spearman(truth, psnr), spearman(truth, quality), spearman(truth, blind))
}

// spearman returns the rank correlation of two lists.
func spearman(x, y []float64) float64 {
	a, b := ranks(x), ranks(y)
	mean := float64(len(x)-1) / 2
	var ab, aa, bb float64
	for i := range a {
		ab += (a[i] - mean) * (b[i] - mean)
		aa += (a[i] - mean) * (a[i] - mean)
		bb += (b[i] - mean) * (b[i] - mean)
	}
	return ab / math.Sqrt(aa*bb)
}

// ranks returns the place of each value in their order; equals share the mean of their places.
func ranks(v []float64) []float64 {
	order := make([]int, len(v))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(v[a], v[b]) })
	out := make([]float64, len(v))
	for i := 0; i < len(order); {
		j := i
		for j < len(order) && v[order[j]] == v[order[i]] {
			j++
		}
		for k := i; k < j; k++ {
			out[order[k]] = float64(i+j-1) / 2
		}
		i = j
	}
	return out
}
