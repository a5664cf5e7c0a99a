package enhance

import "github.com/livestill/livestill/enhance/internal/spectrum"

//go:generate sh -c "cd internal/asm && go run . -out ../../kernels_amd64.s"

// wide is how many values the assembly does at a time.
const wide = 8

// A kernelSet has the inner loops that take most of the time of a fusion. Each exists twice: in Go, for every processor, and in
// assembly that does eight values at a time, with which a fusion takes a seventh of the time. Tests check that the two are equal, up to rounding.
// The assembly does not check the lengths of slices: those who call it see to them. Where fields of structs are it has from go_asm.h, which
// the compiler writes, so only who renames a field has to rename it in internal/asm as well, and everything fails to build until then.
type kernelSet struct {
	widen func(dst []float32, src []byte)         // bytes to floats
	halve func(dst []float32, top, bottom []byte) // means of two bytes of either row
	store func(dst []byte, src []float32)         // floats to bytes, rounded

	energy func(pix []byte, stride int) float32 // measures the high frequencies of a block

	filterDown   func(dst []float32, rows *[2*reachOfFilter + 1][]byte) // prefilter, down columns
	filterAcross func(dst, src []float32)                               // along a row: src begins reachOfFilter before dst

	cut    func(p *pattern, pix []float32, stride int)  // takes up a patch and its gradient
	match  func(p *pattern, l *layer, u, v float32) fit // compares it with what is elsewhere
	smooth func(u, v []float32, g *grid, n int)         // draws vectors to those around them
	warp   func(out []float32, r *rowSource)            // reads a row where the flow leads

	down   func(columns, rows []float32, width int)       // transforms columns, windowed; width is a multiple of eight
	up     func(rows, columns []float32, width int)       // its transpose, added to rows
	across func(out *[tileLen]float32, columns []float32) // transforms the rows of a tile, windowed
	back   func(columns []float32, in *[tileLen]float32)  // its transpose, added to columns

	differ  func(row, target []float32)                                                                    // makes differences; as long as width above
	spread  func(e *[padded]float32, c *[tileLen]float32, parts float32)                                   // measures energies by ring
	feed    func(h *[hidden]float32, l connections, in []float32, least float32)                           // adds a layer of a network
	count   func(b *blend, difference *[tileLen]float32, worth *[hidden]float32, weight, variance float32) // counts a neighbour in
	mix     func(b *blend, weight float32)                                                                 // makes the merged tile
	restore func(b *blend, kept *[2][hidden]float32, perVariance, mean float32)                            // keeps of it what is true
}

// portable is what works everywhere.
var portable = kernelSet{
	widen: widen, halve: halve, store: store, energy: spectrum.Energy,
	filterDown: filterDown, filterAcross: filterAcross,
	cut: cut, match: match, smooth: smooth, warp: warp,
	down: down, up: up, across: across, back: back,
	differ: differ, spread: spread, feed: feed, count: count, mix: mix, restore: restore,
}

// kernels are those for this processor.
var kernels = fastest()
