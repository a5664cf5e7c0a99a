package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// What is looked up has so many bits more than 8, and the shares of colours so many.
const (
	fineBits  = 5
	shareBits = 15
	lumaBits  = shareBits + fineBits
	ofFour    = lumaBits + 2 // chroma, of sums of four pixels
)

// write makes luma and chroma of the light of eight pixels of two rows at a time. Two pixels beside each other, as 16-bit numbers, are half a register:
// those of one row one half.
func write() {
	TEXT("writeAVX2", NOSPLIT, "func(luma *[2][]byte, cb, cr *byte, from *int32, levels *uint16, shares *[3][16]int16, blocks int)")
	rows, from, levels, blocks := Load(Param("luma"), GP64()), Load(Param("from"), GP64()), Load(Param("levels"), GP64()), Load(Param("blocks"), GP64())
	cb, cr := Load(Param("cb"), GP64()), Load(Param("cr"), GP64())
	share := constants("shares")
	above, below := GP64(), GP64()
	MOVQ(at(rows, 0), above)
	MOVQ(at(rows, 24), below)
	half, middle := ones(1, lumaBits-1), ones(1, ofFour-1)
	grey := ones(1, ofFour+7) // 128
	VPADDD(grey, middle, middle)
	lookUp := func(pixel int) VecVirtual { // one by one: gathering is no faster, and slow where microcode mends it (INTEL-SA-00828)
		var halves [2]VecVirtual
		for row := range halves {
			halves[row] = XMM()
			VPXOR(halves[row], halves[row], halves[row])
			for k := range 2 {
				for colour := range 3 {
					light := GP64()
					MOVL(at(from, 32*(pixel+k)+16*row+4*colour), light.As32())
					VPINSRW(U8(4*k+colour), Mem{Base: levels, Index: light, Scale: 2}, halves[row], halves[row])
				}
			}
		}
		both := YMM()
		VINSERTI128(U8(1), halves[1], halves[0].AsY(), both)
		return both
	}
	loop("eight", blocks, func() {
		var pixels [4]VecVirtual // two each
		for i := range pixels {
			pixels[i] = lookUp(2 * i)
		}
		luma(pixels, share(0), half, above, below)
		chroma(pixels, share(1), share(2), middle.AsX(), cb, cr)
		ADDQ(U32(256), from)
		ADDQ(U8(8), above)
		ADDQ(U8(8), below)
		ADDQ(U8(4), cb)
		ADDQ(U8(4), cr)
	})
	end()
}

func luma(pixels [4]VecVirtual, share Mem, half VecVirtual, above, below Register) {
	var four [2]VecVirtual
	for i := range four {
		a, b := YMM(), YMM()
		VPMADDWD(share, pixels[2*i], a)
		VPMADDWD(share, pixels[2*i+1], b)
		VPHADDD(b, a, a)
		VPADDD(half, a, a)
		VPSRAD(U8(lumaBits), a, a)
		four[i] = a
	}
	VPACKSSDW(four[1], four[0], four[0])
	VPACKUSWB(four[0], four[0], four[0])
	VMOVQ(four[0].AsX(), at(above, 0))
	lower := XMM()
	VEXTRACTI128(U8(1), four[0], lower)
	VMOVQ(lower, at(below, 0))
}

func chroma(pixels [4]VecVirtual, ofCb, ofCr Mem, middle Register, cb, cr Register) {
	var sums [2]VecVirtual // of four pixels each, two of them
	for i := range sums {
		left, right, lower := YMM(), YMM(), XMM()
		VPUNPCKLQDQ(pixels[2*i+1], pixels[2*i], left)
		VPUNPCKHQDQ(pixels[2*i+1], pixels[2*i], right)
		VPADDW(right, left, left)
		VEXTRACTI128(U8(1), left, lower)
		sums[i] = XMM()
		VPADDW(lower, left.AsX(), sums[i])
	}
	var four [2]VecVirtual
	for i, share := range []Mem{ofCb, ofCr} {
		a, b := XMM(), XMM()
		VPMADDWD(share, sums[0], a)
		VPMADDWD(share, sums[1], b)
		VPHADDD(b, a, a)
		VPADDD(middle, a, a)
		VPSRAD(U8(ofFour), a, a)
		four[i] = a
	}
	VPACKSSDW(four[1], four[0], four[0])
	VPACKUSWB(four[0], four[0], four[0])
	VMOVD(four[0], at(cb, 0))
	VPEXTRD(U8(1), four[0], at(cr, 0))
}
