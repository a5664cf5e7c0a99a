// Quality measures what Livestill does for pictures, on clips whose sources are known.
//
//	go run ./examples/quality -bench DIR -best
//	go run ./examples/quality -bench DIR -score
//	go run ./examples/quality -bench DIR -out OUT -after 3
//
// DIR holds live-like H.264 streams and cases.json, which lists them: clip, bitrate, whether the camera was noisy, key interval, and the
// frames whose pristine sources are there. Without -best and -score it captures those frames, merges their neighbours into them (enhance.Fuse),
// writes them to OUT, and says what was gained in PSNR of the luma over the plain frames.
//
// Best takes the best stream of each clip for a source, encodes it anew at the lower bitrates, with noise if the clip has it, plays that
// into a Camera, and compares, around each picture, the best within a quarter of a second with that very picture: each with its own
// source, in PSNR of the luma. It needs ffmpeg with libx264.
//
// Score captures the frames plain, and compares their scores with the truth: by how many decibels the estimated PSNR is off, and how well
// the scores put the pictures of a clip in order (Spearman's rank correlation).
package main

import (
	"context"
	"flag"
	"log"
	"os"

	"github.com/livestill/livestill/enhance"
)

func main() {
	var b benchmark
	var effort int
	flag.StringVar(&b.dir, "bench", "", "`folder` of streams, with cases.json")
	flag.StringVar(&b.out, "out", "", "`folder` to write the pictures to")
	flag.StringVar(&b.after, "after", "0", "how many pictures may come after the wanted one: 0, 3, or key, up to the next key picture")
	flag.StringVar(&b.only, "only", "", "leave out cases whose names do not match this `expression`")
	flag.IntVar(&effort, "effort", 0, "of enhance.Fuse: -1 is low, 0 medium, 1 high")
	best := flag.Bool("best", false, "compare the best picture of a window with the literal one")
	score := flag.Bool("score", false, "compare the scores of stills with the truth")
	flag.Parse()
	if b.dir == "" || b.after != "0" && b.after != "3" && b.after != "key" {
		flag.Usage()
		os.Exit(2)
	}
	b.effort = enhance.Effort(effort)
	run := b.run
	switch {
	case *best:
		run = func(ctx context.Context) error { return runBest(ctx, b.dir) }
	case *score:
		run = b.runScore
	}
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}
