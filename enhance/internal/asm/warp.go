package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// Where the fields of a reach are: warp.go of package enhance.
const (
	reachCoefs  = 0
	reachU      = 24
	reachV      = 48
	reachStride = 72
	reachX      = 80
	reachNode   = 88
	reachLowX   = 92
	reachHighX  = 96
	reachLowY   = 100
	reachHighY  = 104
	reachBefore = 112
)

// warp reads a row of a picture where a flow leads, eight pixels at a time. To gather what is around each would take longer than in Go.
// But their vectors hardly differ: as long as none is more than a pixel from whole pixels, the same for all, what is around all of them
// is in 25 runs of eight coefficients, each with a weight of its own. It stops where they differ more.
func warp() {
	TEXT("warpAVX2", NOSPLIT, "func(out []float32, r *byte) (done int)")
	Pragma("noescape")
	out, n, r := Load(Param("out").Base(), GP64()), Load(Param("out").Len(), GP64()), Load(Param("r"), GP64())
	coefs, nodesU, nodesV, stride := GP64(), GP64(), GP64(), GP64()
	MOVQ(at(r, reachCoefs), coefs)
	{
		before := GP64()
		MOVQ(at(r, reachBefore), before)
		LEAQ(Mem{Base: coefs, Index: before, Scale: 4}, coefs)
	}
	MOVQ(at(r, reachU), nodesU)
	MOVQ(at(r, reachV), nodesV)
	MOVQ(at(r, reachStride), stride)
	x, done := GP64(), GP64()
	MOVQ(at(r, reachX), x)
	XORQ(done, done)
	ANDQ(I8(-lanes), n)
	Label("warp")
	CMPQ(done, n)
	JGE(LabelRef("warp_end"))

	// The vectors, linear between nodes.
	places, index, part := YMM(), YMM(), YMM()
	{
		first := XMM()
		VCVTSI2SSQ(x, first, first)
		VBROADCASTSS(first, places)
		VADDPS(eight([lanes]float32{0, 1, 2, 3, 4, 5, 6, 7}), places, places)
		VADDPS(all(0.5), places, part)
		node := YMM()
		VBROADCASTSS(at(r, reachNode), node)
		VMULPS(node, part, part)
		VCVTTPS2DQ(part, index)
		VCVTDQ2PS(index, node)
		VSUBPS(node, part, part)
	}
	from := GP64()
	XORQ(from, from)
	VMOVD(index.AsX(), from.As32())
	{
		first := YMM()
		VPBROADCASTD(index.AsX(), first)
		VPSUBD(first, index, index)
	}
	vector := func(nodes Register) VecVirtual {
		u, right := YMM(), YMM()
		VPERMPS(Mem{Base: nodes, Index: from, Scale: 4}, index, u)
		VPERMPS(Mem{Base: nodes, Index: from, Scale: 4, Disp: 4}, index, right)
		VSUBPS(u, right, right)
		VFMADD231PS(part, right, u)
		return u
	}
	limit := func(u, place VecVirtual, low, high int) {
		l := YMM()
		VBROADCASTSS(at(r, low), l)
		if place != nil {
			VSUBPS(place, l, l)
		}
		VMAXPS(l, u, u)
		VBROADCASTSS(at(r, high), l)
		if place != nil {
			VSUBPS(place, l, l)
		}
		VMINPS(l, u, u)
	}
	u, v := vector(nodesU), vector(nodesV)
	limit(u, places, reachLowX, reachHighX)
	limit(v, nil, reachLowY, reachHighY)

	// Whole pixels, the same for all, and what remains.
	whole := func(u VecVirtual) GPVirtual {
		w, b := XMM(), YMM()
		VEXTRACTF128(U8(1), u, w)
		VROUNDSS(U8(0), w, w, w)
		g := GP64()
		VCVTSS2SIQ(w, g)
		VBROADCASTSS(w, b)
		VSUBPS(b, u, u)
		return g
	}
	wholeX, wholeY := whole(u), whole(v)
	{
		a, b := YMM(), YMM()
		const size = 0x7fffffff // all of a float but its sign
		sizes := words([lanes]uint32{size, size, size, size, size, size, size, size})
		VANDPS(sizes, u, a)
		VANDPS(sizes, v, b)
		VMAXPS(a, b, a)
		VCMPPS(U8(2), all(1), a, a) // less or equal
		bits := GP32()
		VMOVMSKPS(a, bits)
		CMPL(bits, U32(255))
		JNE(LabelRef("warp_end"))
	}
	weightsX, weightsY := weights(u), weights(v)

	p := wholeY
	IMULQ(stride, p)
	ADDQ(wholeX, p)
	ADDQ(x, p)
	LEAQ(Mem{Base: coefs, Index: p, Scale: 4}, p)
	pitch := GP64()
	MOVQ(stride, pitch)
	SHLQ(U8(2), pitch)
	SUBQ(pitch, p)
	SUBQ(pitch, p)
	sum := YMM()
	for j := range 5 {
		row := YMM()
		VMULPS(at(p, -8), weightsX[0], row)
		for i := 1; i < 5; i++ {
			VFMADD231PS(at(p, 4*(i-2)), weightsX[i], row)
		}
		if j == 0 {
			VMULPS(weightsY[0], row, sum)
		} else {
			VFMADD231PS(weightsY[j], row, sum)
		}
		if j < 4 {
			ADDQ(pitch, p)
		}
	}
	VMOVUPS(sum, Mem{Base: out, Index: done, Scale: 4})
	ADDQ(U8(lanes), done)
	ADDQ(U8(lanes), x)
	JMP(LabelRef("warp"))
	Label("warp_end")
	Store(done, ReturnIndex(0))
	VZEROUPPER()
	RET()
}

// weights returns what the cubic spline's five coefficients around count for, t from the middle one.
func weights(t VecVirtual) (w [5]VecVirtual) {
	cube := func(y, out VecVirtual) {
		square := YMM()
		VMULPS(y, y, square)
		VMULPS(all(1./6), y, out)
		VMULPS(square, out, out)
	}
	w[0], w[1], w[2], w[3], w[4] = YMM(), YMM(), YMM(), YMM(), YMM()
	VXORPS(w[0], w[0], w[0])
	VMAXPS(w[0], t, w[4])
	VSUBPS(t, w[4], w[0])
	VMOVUPS(all(1), w[2])
	VADDPS(w[2], t, w[3])
	VSUBPS(t, w[2], w[1])
	for _, i := range []int{0, 1, 3, 4} {
		cube(w[i], w[i])
	}
	four := YMM()
	VMOVUPS(all(4), four)
	VFNMADD231PS(four, w[0], w[1])
	VFNMADD231PS(four, w[4], w[3])
	for _, i := range []int{0, 1, 3, 4} {
		VSUBPS(w[i], w[2], w[2])
	}
	return w
}
