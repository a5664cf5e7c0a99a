package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// double repeats bytes.
func double() {
	TEXT("doubleAVX2", NOSPLIT, "func(to, from *byte, blocks int)")
	to, from, blocks := Load(Param("to"), GP64()), Load(Param("from"), GP64()), Load(Param("blocks"), GP64())
	loop("double", blocks, func() {
		low, high := XMM(), XMM()
		VMOVDQU(at(from, 0), low)
		VPUNPCKHBW(low, low, high)
		VPUNPCKLBW(low, low, low)
		VMOVDQU(low, at(to, 0))
		VMOVDQU(high, at(to, 16))
		ADDQ(U8(16), from)
		ADDQ(U8(32), to)
	})
	RET()
}

// Where the constants of light are, of which Go has an array.
const (
	toe = iota
	curve
	toeSlope = iota + 5 // the curve has six
	grey
	red
	greenCb
	greenCr
	blue
	lumaScale
)

// light makes light of luma and chroma of two rows. Where they share their chroma, what that adds is computed once.
func light() {
	TEXT("lightAVX2", NOSPLIT, "func(to *int16, above, below *[3][]byte, constants *[14][16]int16, groups int)")
	to, groups := Load(Param("to"), GP64()), Load(Param("groups"), GP64())
	constant := constants("constants")
	planes := func(name string) (p [3]Register) {
		base := Load(Param(name), GP64())
		for i := range p {
			r := GP64()
			MOVQ(at(base, 24*i), r)
			p[i] = r
		}
		return p
	}
	above, below := planes("above"), planes("below")
	x, none := GP64(), zero()
	XORQ(x, x)
	tints := [3]VecVirtual{YMM(), YMM(), YMM()}
	read := func(plane Register) VecVirtual {
		r := YMM()
		VPMOVZXBW(Mem{Base: plane, Index: x, Scale: 1}, r)
		return r
	}
	tint := func(of [3]Register) {
		cb, cr, t := read(of[1]), read(of[2]), YMM()
		for _, c := range []VecVirtual{cb, cr} {
			VPSUBW(constant(grey), c, c)
			VPSLLW(U8(8), c, c)
		}
		VPMULHRSW(constant(red), cr, tints[0])
		VPMULHRSW(constant(greenCb), cb, tints[1])
		VPMULHRSW(constant(greenCr), cr, t)
		VPADDW(t, tints[1], tints[1])
		VPMULHRSW(constant(blue), cb, tints[2])
	}
	row := func(of [3]Register) (lit [3]VecVirtual) {
		luma := read(of[0])
		VPSLLW(U8(8), luma, luma)
		VPMULHUW(constant(lumaScale), luma, luma)
		for i, t := range tints {
			v, below, y := YMM(), YMM(), YMM()
			VPADDSW(t, luma, v)
			VPMAXSW(none, v, v)
			VMOVDQU(constant(toe), below)
			VPSUBUSW(v, below, below)
			VPMULHRSW(constant(curve+5), v, y)
			for k := 4; ; k-- {
				VPADDW(constant(curve+k), y, y)
				if k == 0 {
					break
				}
				VPMULHRSW(v, y, y)
			}
			VPMULHRSW(constant(toeSlope), v, v)
			VPSUBW(below, y, y)
			VPMAXSW(v, y, y)
			lit[i] = y
		}
		return lit
	}
	loop("group", groups, func() {
		tint(above)
		first := row(above)
		CMPQ(above[1], below[1])
		JEQ(LabelRef("shared"))
		tint(below)
		Label("shared")
		second := row(below)
		for i := range first {
			low := YMM()
			VPUNPCKLWD(second[i], first[i], low)
			VPUNPCKHWD(second[i], first[i], first[i])
			VMOVDQU(low, at(to, 64*i))
			VMOVDQU(first[i], at(to, 64*i+32))
		}
		ADDQ(U32(192), to)
		ADDQ(U8(16), x)
	})
	end()
}
