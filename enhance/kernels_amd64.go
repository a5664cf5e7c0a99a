package enhance

// fastest returns the kernels in assembly if the processor has AVX2 and FMA, and the system saves their registers.
func fastest() kernelSet {
	const (
		fma, osxsave, avx = 1 << 12, 1 << 27, 1 << 28 // leaf 1, c
		avx2              = 1 << 5                    // leaf 7, b
		saved             = 1<<1 | 1<<2               // registers of SSE and of AVX
	)
	last, _, _, _ := cpuid(0, 0)
	if last < 7 {
		return portable
	}
	_, _, has, _ := cpuid(1, 0)
	_, more, _, _ := cpuid(7, 0)
	if has&(fma|osxsave|avx) != fma|osxsave|avx || more&avx2 == 0 || xgetbv()&saved != saved {
		return portable
	}
	return kernelSet{
		widen: widenWide, halve: halveWide, store: storeWide, energy: energyAVX2,
		filterDown: filterDownWide, filterAcross: filterAcrossWide,
		cut: cutAVX2, match: matchAVX2, smooth: smoothAVX2, warp: warpWide,
		down: downAVX2, up: upAVX2, across: acrossAVX2, back: backAVX2,
		differ: differAVX2, spread: spreadAVX2, feed: feedAVX2, count: countAVX2, mix: mixAVX2, restore: restoreWide,
	}
}

// What a row has more than the assembly does at a time, Go does.

func widenWide(dst []float32, src []byte) {
	n := len(src) &^ (wide - 1)
	widenAVX2(dst[:n], src[:n])
	widen(dst[n:], src[n:])
}

func halveWide(dst []float32, top, bottom []byte) {
	n := len(dst) &^ (wide - 1)
	halveAVX2(dst[:n], top[:2*n], bottom[:2*n])
	halve(dst[n:], top[2*n:], bottom[2*n:])
}

func storeWide(dst []byte, src []float32) {
	n := len(dst) &^ (wide - 1)
	storeAVX2(dst[:n], src[:n])
	store(dst[n:], src[n:])
}

func filterDownWide(dst []float32, rows *[2*reachOfFilter + 1][]byte) {
	n := len(dst) &^ (wide - 1)
	filterDownAVX2(dst[:n], rows)
	if n == len(dst) {
		return
	}
	rest := *rows
	for i := range rest {
		rest[i] = rest[i][n:]
	}
	filterDown(dst[n:], &rest)
}

func filterAcrossWide(dst, src []float32) {
	n := len(dst) &^ (wide - 1)
	filterAcrossAVX2(dst[:n], src[:n+2*reachOfFilter])
	filterAcross(dst[n:], src[n:])
}

func warpWide(out []float32, r *rowSource) {
	n := len(out) &^ (wide - 1)
	warpAVX2(out[:n], r)
	r.x += n
	warp(out[n:], r)
}

func restoreWide(b *blend, kept *[2][hidden]float32, perVariance, mean float32) {
	restoreAVX2(b, kept, &shadow, perVariance, mean)
}

func cpuid(leaf, sub uint32) (a, b, c, d uint32)

func xgetbv() (a uint32)

//go:noescape
func widenAVX2(dst []float32, src []byte)

//go:noescape
func halveAVX2(dst []float32, top, bottom []byte)

//go:noescape
func storeAVX2(dst []byte, src []float32)

//go:noescape
func energyAVX2(pix []byte, stride int) float32

//go:noescape
func filterDownAVX2(dst []float32, rows *[2*reachOfFilter + 1][]byte)

//go:noescape
func filterAcrossAVX2(dst, src []float32)

//go:noescape
func cutAVX2(p *pattern, pix []float32, stride int)

//go:noescape
func matchAVX2(p *pattern, l *layer, u, v float32) (f fit)

//go:noescape
func smoothAVX2(u, v []float32, field *grid, n int)

//go:noescape
func warpAVX2(out []float32, r *rowSource)

//go:noescape
func downAVX2(columns, rows []float32, width int)

//go:noescape
func upAVX2(rows, columns []float32, width int)

//go:noescape
func acrossAVX2(out *[tileLen]float32, columns []float32)

//go:noescape
func backAVX2(columns []float32, in *[tileLen]float32)

//go:noescape
func differAVX2(row, target []float32)

//go:noescape
func spreadAVX2(e *[padded]float32, c *[tileLen]float32, parts float32)

//go:noescape
func feedAVX2(h *[hidden]float32, l connections, in []float32, least float32)

//go:noescape
func countAVX2(b *blend, difference *[tileLen]float32, worth *[hidden]float32, weight, variance float32)

//go:noescape
func mixAVX2(b *blend, weight float32)

//go:noescape
func restoreAVX2(b *blend, kept *[2][hidden]float32, shadow *[tile]float32, perVariance, mean float32)
