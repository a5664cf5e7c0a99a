package main

import (
	"fmt"
	"time"
)

// A table tells what came of trials, one by one and on average.
type table struct {
	names   []string // of what made the pictures
	results []result
	peak    int // KiB
}

func (t *table) head() {
	fmt.Println("                               PSNR-Y             SSIM  MS-SSIM   chroma    block    merged  decode  gather  enhance")
	fmt.Println("case                       plain dB  gain dB     gain     gain  gain dB  rise dB  pictures      ms      ms       ms")
}

func (t *table) add(r result) {
	t.results = append(t.results, r)
	t.peak = max(t.peak, r.peak)
	g := r.gains[0]
	fmt.Printf("%-22s %-4s %8.2f  %+7.2f  %+.4f  %+.4f  %+7.2f  %+7.2f  %8d  %6d  %6d   %6d", r.name(), r.Position,
		r.plain.psnr, g.psnr, g.ssim, g.ms, g.chroma, g.block, r.merged, r.decode.Milliseconds(), r.gather.Milliseconds(), r.enhance.Milliseconds())
	if r.rival != "" {
		fmt.Printf("  beside it: %s", r.rival)
	}
	fmt.Println()
}

// close prints the means.
func (t *table) close() {
	fmt.Println("\n                                  PSNR-Y gain, dB      SSIM gain      MS-SSIM gain    chroma gain  block rise")
	fmt.Println("cases                               mean   worst     mean   worst     mean   worst       mean, dB   worst, dB")
	t.summary("clean", func(r result) bool { return !r.Noisy })
	t.summary("noisy", func(r result) bool { return r.Noisy })
	t.summary("key", func(r result) bool { return r.Position == "K" })
	t.summary("all", func(result) bool { return true })
	if t.peak > 0 {
		fmt.Printf("\npeak RSS of a capture: %d MiB\n", t.peak>>10)
	}
}

// summary prints the means of those results that are to be kept.
func (t *table) summary(label string, keep func(result) bool) {
	var kept []result
	var decode, gather, enhance time.Duration
	for _, r := range t.results {
		if keep(r) {
			kept = append(kept, r)
			decode, gather, enhance = decode+r.decode, gather+r.gather, enhance+r.enhance
		}
	}
	n := len(kept)
	if n == 0 {
		return
	}
	for i, who := range t.names {
		var mean gain
		worst := kept[0].gains[i]
		for _, r := range kept {
			g := r.gains[i]
			mean.psnr += g.psnr / float64(n)
			mean.ssim += g.ssim / float64(n)
			mean.ms += g.ms / float64(n)
			mean.chroma += g.chroma / float64(n)
			worst.psnr, worst.ssim, worst.ms, worst.block = min(worst.psnr, g.psnr), min(worst.ssim, g.ssim), min(worst.ms, g.ms), max(worst.block, g.block)
		}
		fmt.Printf("%-5s %3d  %-22s  %+6.3f  %+6.2f  %+.4f %+.4f   %+.4f %+.4f  %+13.2f  %+10.2f", label, n, who,
			mean.psnr, worst.psnr, mean.ssim, worst.ssim, mean.ms, worst.ms, mean.chroma, worst.block)
		if i == 0 {
			each := time.Duration(n)
			fmt.Printf("  decode %d ms, gather %d ms, enhance %d ms", (decode / each).Milliseconds(), (gather / each).Milliseconds(), (enhance / each).Milliseconds())
		}
		fmt.Println()
	}
}
