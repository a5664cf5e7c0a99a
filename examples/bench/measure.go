package main

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/enhance"
	"github.com/livestill/livestill/examples/internal/usage"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/ffmpeg"
)

const (
	settle = 300 * time.Millisecond // after a capture, until its Camera has let go of all that it kept for others
	spread = 400 * time.Millisecond // captures come at random instants
	idle   = 3 * time.Second        // for which is measured what a stream takes while nobody captures
	early  = 10                     // captures that come before those that count
)

// A kind is a way to capture.
type kind struct {
	name     string
	moment   capture.Moment
	warm     time.Duration
	enhanced bool // denoised and sharpened
	// bare does nothing but what the capture of the last unit of g cannot do without, and tells how long that took.
	bare func(ctx context.Context, g frame.GOP) (time.Duration, error)
}

var kinds = []kind{
	{name: "newest", bare: decode},
	{name: "newest, enhanced", enhanced: true},
	{name: "key", moment: capture.Keyframe(), bare: decode},
	{name: "warm", warm: time.Nanosecond, bare: develop},
}

func (k kind) camera() *capture.Camera {
	cam := &capture.Camera{Decoder: &ffmpeg.Decoder{}, Encoder: &ffmpeg.JPEG{}, Warm: k.warm}
	if k.enhanced {
		cam.Enhancer = capture.Apply(enhance.Chain{enhance.Denoise{}, enhance.Sharpen{}})
	}
	return cam
}

// decode makes the last picture of a GOP.
func decode(ctx context.Context, g frame.GOP) (time.Duration, error) {
	begin := time.Now()
	for _, err := range new(ffmpeg.Decoder).Decode(ctx, g, g[len(g)-1].Time) {
		if err != nil {
			return 0, err
		}
	}
	return time.Since(begin), nil
}

// develop converts and encodes a picture of a GOP, one of the first to save time.
func develop(ctx context.Context, g frame.GOP) (took time.Duration, err error) {
	g = g[:min(len(g), 8)]
	for latent, err := range new(ffmpeg.Decoder).Follow(ctx, func(yield func(frame.AccessUnit, bool) bool) {
		for i, u := range g {
			if !yield(u, i == len(g)-1) {
				return
			}
		}
	}) {
		if err != nil {
			return 0, err
		}
		begin := time.Now()
		p, err := latent.Develop()
		if err == nil {
			err = new(ffmpeg.JPEG).Encode(ctx, new(bytes.Buffer), p)
		}
		if err != nil {
			return 0, err
		}
		took = time.Since(begin)
	}
	return took, nil
}

// A result is what was measured of a kind of capture.
type result struct {
	name       string
	Took, Bare []time.Duration
	CPU        time.Duration // for each still
	Idle       float64       // cores that were busy while nobody captured
	RSS, Peak  int           // KiB of memory of the process before the first capture, and the most
}

// measure captures a scene that plays live.
func measure(ctx context.Context, s scene, k kind) (r result, err error) {
	ctx, cancel := context.WithCancel(ctx)
	cam, ended := k.camera(), make(chan error, 1)
	var playing sync.WaitGroup
	playing.Go(func() { ended <- s.play(ctx, *clip, cam) })
	defer playing.Wait()
	defer cancel()
	for len(cam.History.GOPs()) == 0 {
		select {
		case <-cam.History.Changed():
		case err := <-ended:
			return r, err
		}
	}
	time.Sleep(time.Duration(s.gop) * time.Second) // so that captures find a whole GOP
	r.RSS, _ = memory()
	begin, before := time.Now(), usage.CPU()
	time.Sleep(idle) // to see what it takes while nobody captures
	r.Idle = (usage.CPU() - before).Seconds() / time.Since(begin).Seconds()

	var used time.Duration
	for i := range early + *n {
		if i == early {
			_, r.Peak = memory() // of captures alone: what they are compared with is yet to come
		}
		if i%10 == 0 {
			log.Printf("%s, %s: %d of %d", s.name, k.name, max(0, i-early), *n)
		}
		time.Sleep(rand.N(spread)) // so that captures fall anywhere in a GOP
		begin, before := time.Now(), usage.CPU()
		still, err := cam.Capture(ctx, capture.Request{Moment: k.moment})
		if err != nil {
			return r, err
		}
		took := time.Since(begin)
		g := upTo(cam.History.GOPs(), still)
		time.Sleep(settle) // until what a capture leaves behind is done, which is its cost too
		if i < early {
			continue
		}
		used += usage.CPU() - before - time.Duration(r.Idle*float64(time.Since(begin)))
		r.Took = append(r.Took, took)
		if k.bare != nil {
			bare, err := k.bare(ctx, g)
			if err != nil {
				return r, err
			}
			r.Bare = append(r.Bare, bare)
		}
	}
	r.CPU = used / time.Duration(*n)
	return r, nil
}

// upTo returns the units that the picture of a still is decoded from.
func upTo(gops []frame.GOP, still *capture.Still) frame.GOP {
	for _, g := range gops {
		for i, u := range g {
			if u.PTS == still.PTS && u.Time.Equal(still.Time) {
				return g[:i+1]
			}
		}
	}
	return nil
}

// row returns the result as a row of the table.
func (r result) row(scene, kind string) string {
	times, rest := "", ""
	for _, p := range []int{50, 95, 99} {
		times += fmt.Sprintf(" %6.1f", ms(percentile(r.Took, p)))
	}
	if r.Peak > 0 {
		bare := "-"
		if len(r.Bare) > 0 {
			bare = fmt.Sprintf("%.2f", r.ofBare())
		}
		rest = fmt.Sprintf("%8s %8.1f ms %4d, %3d MiB %7.1f %%", bare, ms(r.CPU), r.RSS>>10, r.Peak>>10, 100*r.Idle)
	}
	return fmt.Sprintf("%-24s %-20s %4d%s %s\n", scene, kind, len(r.Took), times, rest)
}

// ofBare returns how many times as long as what it cannot do without a capture took, by their medians.
func (r result) ofBare() float64 {
	return percentile(r.Took, 50).Seconds() / percentile(r.Bare, 50).Seconds()
}

func percentile(all []time.Duration, p int) time.Duration {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[min(len(sorted)*p/100, len(sorted)-1)]
}

// memory returns the KiB that this process takes, and the most that it ever took.
func memory() (now, peak int) {
	status, _ := os.ReadFile("/proc/self/status")
	for name, n := range map[string]*int{"VmRSS": &now, "VmHWM": &peak} {
		_, rest, _ := strings.Cut(string(status), "\n"+name+":")
		_, _ = fmt.Sscan(rest, n)
	}
	return now, peak
}
