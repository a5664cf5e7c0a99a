// Quality measures what Livestill does for pictures, on clips whose sources are known.
//
//	go run ./examples/quality -bench DIR -out OUT -after 3 -filters
//	go run ./examples/quality -bench DIR -best
//	go run ./examples/quality -bench DIR -score
//
// DIR has H.264 streams, encoded as live encoders do, and cases.json, which lists them: clip, bitrate, whether the camera was noisy, key
// interval, and the frames whose sources are there.
//
// Without -best and -score each of those frames is captured. The units of the stream go into a Camera's History up to the frame, or as far
// beyond it as -after allows. The Camera captures the picture of that time, merged with its neighbours. The pictures are written to OUT. A
// table says by how much they are nearer to the source than the plain ones, which FFmpeg decodes and converts to RGB by itself, as precisely
// as it can:
//
//   - PSNR-Y, SSIM and MS-SSIM of the BT.709 luma of 8-bit RGB, and the PSNR of its chroma. SSIM is that of Wang et al. (2004), where the
//     window of 11x11 fits, MS-SSIM that of 2003, on five scales
//   - block: by how many decibels the error rises at worst in any block of 64x64 pixels whose plain PSNR-Y is below 45 dB
//   - decode, gather, enhance: the steps of the Still: to decode the picture, and whatever is wanted of what comes before it; to decode its
//     other neighbours; to merge. Memory is given back to the system before each capture, so it is as slow as one after a pause
//   - merged: of how many pictures it is made
//   - peak RSS: the most that the process took while it captured; next to nothing of the measuring is in it
//
// What Livestill makes has been rounded to the colours of JPEG on the way, and chroma moved to where JPEG has it. The plain picture has
// not, so a row without its Enhancer says what that costs.
//
// With -filters the table has FFmpeg's filters too, each applied to the picture that Livestill decoded, alone. With -strips a part of each
// picture is written as well, at -part, four times side by side: plain, by the best of those filters, by Livestill, and of the source.
//
// Best takes the best stream of each clip for a source. It encodes that anew at the lower bitrates, with noise if the clip has it, and plays it
// into a Camera. Around each picture it compares the best within a quarter of a second with that very picture: each with its own source, in
// PSNR of the luma. It needs ffmpeg with libx264.
//
// Score captures the frames plain, and compares their scores with the truth: by how many decibels the estimated PSNR is off, and how well
// the scores put the pictures of a clip in order (Spearman's rank correlation).
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"

	"github.com/livestill/livestill/enhance"
	"github.com/livestill/livestill/frame/ffmpeg"
)

func main() {
	var b benchmark
	var effort int
	flag.StringVar(&b.dir, "bench", "", "`folder` of streams, with cases.json")
	flag.StringVar(&b.out, "out", "", "`folder` to write the pictures to")
	flag.StringVar(&b.after, "after", "0", "what a capture may wait for after the picture: `0`, 3 pictures, or key, the next key picture")
	flag.BoolVar(&b.single, "single", false, "make do with the picture alone")
	flag.IntVar(&effort, "effort", 0, "-1 is low, 0 medium, 1 high")
	filters := flag.Bool("filters", false, "have FFmpeg's filters make pictures as well, which takes long")
	flag.StringVar(&b.strips, "strips", "", "`folder` to write parts of the pictures to, side by side; implies -filters")
	flag.Func("part", "upper left `corner` of those parts, as X,Y", func(s string) error {
		_, err := fmt.Sscanf(s, "%d,%d", &b.part.X, &b.part.Y)
		return err
	})
	flag.StringVar(&b.only, "only", "", "leave out cases whose names (CLIP_KBIT_FRAME) do not match this `expression`")
	best := flag.Bool("best", false, "compare the best picture of a window with the literal one")
	score := flag.Bool("score", false, "compare the scores of stills with the truth")
	flag.Parse()
	if b.dir == "" || b.after != "0" && b.after != "3" && b.after != "key" {
		flag.Usage()
		os.Exit(2)
	}
	if *filters || b.strips != "" {
		b.filters = []ffmpeg.Filter{"unsharp=5:5:1.0", "hqdn3d,unsharp=5:5:0.6", "nlmeans", "bm3d", "cas=0.4"}
	}
	b.enhancer = enhance.Auto{Effort: enhance.Effort(effort)}
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
