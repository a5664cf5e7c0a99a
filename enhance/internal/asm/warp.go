package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// warp reads a row of a picture where a flow leads, eight pixels at a time. Mostly their vectors hardly differ: as long as none is more
// than a pixel from whole pixels, the same for all, what is around all of them is in 25 runs of eight coefficients, each with a weight of
// its own. Where they differ more, it gathers the sixteen around each, which takes several times as long.
func warp() {
	TEXT("warpAVX2", NOSPLIT, "func(out []float32, r *byte)")
	Pragma("noescape")
	out, n, r := Load(Param("out").Base(), GP64()), Load(Param("out").Len(), GP64()), Load(Param("r"), GP64())
	coefs, nodesU, nodesV, stride := GP64(), GP64(), GP64(), GP64()
	MOVQ(field(r, "rowSource_coefs", 0), coefs)
	{
		before := GP64()
		MOVQ(field(r, "rowSource_before", 0), before)
		LEAQ(Mem{Base: coefs, Index: before, Scale: 4}, coefs)
	}
	MOVQ(field(r, "rowSource_u", 0), nodesU)
	MOVQ(field(r, "rowSource_v", 0), nodesV)
	MOVQ(field(r, "rowSource_stride", 0), stride)
	pitch := GP64()
	MOVQ(stride, pitch)
	SHLQ(U8(2), pitch)
	x, done := GP64(), GP64()
	MOVQ(field(r, "rowSource_x", 0), x)
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
		VBROADCASTSS(field(r, "rowSource_node", 0), node)
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
	limit := func(u, place VecVirtual, low, high string) {
		l := YMM()
		VBROADCASTSS(field(r, low, 0), l)
		if place != nil {
			VSUBPS(place, l, l)
		}
		VMAXPS(l, u, u)
		VBROADCASTSS(field(r, high, 0), l)
		if place != nil {
			VSUBPS(place, l, l)
		}
		VMINPS(l, u, u)
	}
	u, v := vector(nodesU), vector(nodesV)
	limit(u, places, "rowSource_lowX", "rowSource_highX")
	limit(v, nil, "rowSource_lowY", "rowSource_highY")

	// Whole pixels, the same for all, and what remains.
	whole := func(u VecVirtual) GPVirtual {
		w, b := XMM(), YMM()
		VEXTRACTF128(U8(1), u, w)
		VROUNDSS(U8(0), w, w, w) // to the nearest
		g := GP64()
		VCVTSS2SIQ(w, g)
		VBROADCASTSS(w, b)
		VSUBPS(b, u, u)
		return g
	}
	wholeX, p := whole(u), whole(v)
	IMULQ(stride, p)
	ADDQ(wholeX, p)
	ADDQ(x, p)
	LEAQ(Mem{Base: coefs, Index: p, Scale: 4}, p)
	SUBQ(pitch, p)
	{
		a, b := YMM(), YMM()
		sizes := same(0x7fffffff) // all of a float but its sign
		VANDPS(sizes, u, a)
		VANDPS(sizes, v, b)
		VMAXPS(a, b, a)
		VCMPPS(U8(2), all(1), a, a) // less or equal
		bits := GP32()
		VMOVMSKPS(a, bits)
		CMPL(bits, U32(1<<lanes-1))
		JNE(LabelRef("warp_apart"))
	}
	// convolve sums up as many rows of coefficients as there are weights.
	convolve := func(weightsX, weightsY []VecVirtual, load func(i int, w, row VecVirtual)) {
		sum := YMM()
		for j, w := range weightsY {
			row := zero()
			for i, w := range weightsX {
				load(i, w, row)
			}
			if j == 0 {
				VMULPS(w, row, sum)
			} else {
				VFMADD231PS(w, row, sum)
			}
			if j < len(weightsY)-1 {
				ADDQ(pitch, p)
			}
		}
		PREFETCHT0(Mem{Base: p, Index: pitch, Scale: 1}) // what the next row needs and no other did
		VMOVUPS(sum, Mem{Base: out, Index: done, Scale: 4})
		ADDQ(U8(lanes), done)
		ADDQ(U8(lanes), x)
		JMP(LabelRef("warp"))
	}
	SUBQ(pitch, p)
	convolve(around(u), around(v), func(i int, w, row VecVirtual) { VFMADD231PS(at(p, 4*(i-2)), w, row) })

	Label("warp_apart")
	places32 := YMM()
	{
		down, line := YMM(), YMM()
		VROUNDPS(U8(1), u, down)
		VSUBPS(down, u, u)
		VCVTTPS2DQ(down, places32)
		VROUNDPS(U8(1), v, down)
		VSUBPS(down, v, v)
		VCVTTPS2DQ(down, down)
		VPBROADCASTD(field(r, "rowSource_stride", 0), line)
		VPMULLD(line, down, down)
		VPADDD(down, places32, places32)
		VPADDD(words([lanes]uint32{0, 1, 2, 3, 4, 5, 6, 7}), places32, places32)
	}
	convolve(between(u), between(v), func(i int, w, row VecVirtual) {
		mask, g := YMM(), zero()
		VMOVDQU(same(0xffffffff), mask)
		VGATHERDPS(mask, Mem{Base: p, Index: places32, Scale: 4, Disp: 4 * (i - 1)}, g)
		VFMADD231PS(g, w, row)
	})
	Label("warp_end")
	VZEROUPPER()
	RET()
}

// cube makes a sixth of the cube of y.
func cube(y VecVirtual) {
	square := YMM()
	VMULPS(y, y, square)
	VMULPS(all(1./6), y, y)
	VMULPS(square, y, y)
}

// between returns what the cubic spline's four coefficients count for at a place that is t behind the second.
func between(t VecVirtual) []VecVirtual {
	a, b, c, four := YMM(), YMM(), YMM(), YMM()
	VMOVUPS(all(1), c)
	VSUBPS(t, c, a)
	VADDPS(a, c, b)
	for _, y := range []VecVirtual{a, b, t} {
		cube(y)
	}
	VMOVUPS(all(4), four)
	VFNMADD231PS(four, a, b)
	for _, y := range []VecVirtual{a, b, t} {
		VSUBPS(y, c, c)
	}
	return []VecVirtual{a, b, c, t}
}

// around returns what five coefficients count for at a place that is t from the middle one, either way.
func around(t VecVirtual) []VecVirtual {
	w := []VecVirtual{YMM(), YMM(), YMM(), YMM(), YMM()}
	VXORPS(w[0], w[0], w[0])
	VMAXPS(w[0], t, w[4])
	VSUBPS(t, w[4], w[0])
	VMOVUPS(all(1), w[2])
	VADDPS(w[2], t, w[3])
	VSUBPS(t, w[2], w[1])
	for _, i := range []int{0, 1, 3, 4} {
		cube(w[i])
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
