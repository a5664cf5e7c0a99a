package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// pixels turns bytes to floats and back.
func pixels() {
	TEXT("widenAVX2", NOSPLIT, "func(dst []float32, src []byte)")
	Pragma("noescape")
	dst, src, n := Load(Param("dst").Base(), GP64()), Load(Param("src").Base(), GP64()), Load(Param("src").Len(), GP64())
	counted("widen", n, func() {
		y := YMM()
		VPMOVZXBD(at(src, 0), y)
		VCVTDQ2PS(y, y)
		VMOVUPS(y, at(dst, 0))
		ADDQ(U8(lanes), src)
		ADDQ(U8(4*lanes), dst)
	})
	VZEROUPPER()
	RET()

	TEXT("halveAVX2", NOSPLIT, "func(dst []float32, top, bottom []byte)")
	Pragma("noescape")
	dst, n = Load(Param("dst").Base(), GP64()), Load(Param("dst").Len(), GP64())
	top, bottom := Load(Param("top").Base(), GP64()), Load(Param("bottom").Base(), GP64())
	ones := XMM()
	{
		one := GP32()
		MOVL(U32(0x01010101), one)
		VMOVD(one, ones)
		VPBROADCASTD(ones, ones)
	}
	quarter := YMM()
	VMOVUPS(all(0.25), quarter)
	counted("halve", n, func() {
		a, b, y := XMM(), XMM(), YMM()
		VMOVDQU(at(top, 0), a)
		VMOVDQU(at(bottom, 0), b)
		VPMADDUBSW(ones, a, a) // sums of two bytes
		VPMADDUBSW(ones, b, b)
		VPADDW(a, b, a)
		VPMOVZXWD(a, y)
		VCVTDQ2PS(y, y)
		VMULPS(quarter, y, y)
		VMOVUPS(y, at(dst, 0))
		ADDQ(U8(2*lanes), top)
		ADDQ(U8(2*lanes), bottom)
		ADDQ(U8(4*lanes), dst)
	})
	VZEROUPPER()
	RET()

	TEXT("storeAVX2", NOSPLIT, "func(dst []byte, src []float32)")
	Pragma("noescape")
	out, in, n := Load(Param("dst").Base(), GP64()), Load(Param("src").Base(), GP64()), Load(Param("dst").Len(), GP64())
	half := YMM()
	VMOVUPS(all(0.5), half)
	counted("store", n, func() {
		y, h := YMM(), XMM()
		VADDPS(at(in, 0), half, y)
		VCVTTPS2DQ(y, y)
		VEXTRACTI128(U8(1), y, h)
		VPACKSSDW(h, y.AsX(), h)
		VPACKUSWB(h, h, h)
		VMOVQ(h, at(out, 0))
		ADDQ(U8(lanes), out)
		ADDQ(U8(4*lanes), in)
	})
	VZEROUPPER()
	RET()
}

// reach is how many taps the filter has on either side.
const reach = 5

// taps of the filter that makes a spline's coefficients, from the middle: prefilter in warp.go.
var taps = func() (k [reach + 1]float64) {
	const pole = -0.26794919243112270
	p, sum := 1., 0.
	for i := range k {
		k[i] = p
		if i > 0 {
			sum += p
		}
		sum += p
		p *= pole
	}
	for i := range k {
		k[i] /= sum
	}
	return k
}()

// spline makes the coefficients of a spline, down the rows and then across them.
func spline() {
	TEXT("filterDownAVX2", NOSPLIT, "func(dst []float32, rows *byte)")
	Pragma("noescape")
	dst, n := Load(Param("dst").Base(), GP64()), Load(Param("dst").Len(), GP64())
	rows := Load(Param("rows"), GP64())
	x := GP64()
	XORQ(x, x)
	ANDQ(I8(-lanes), n)
	JZ(LabelRef("filterDown_end"))
	Label("filterDown")
	load := func(i int) (y VecVirtual) {
		row := GP64()
		MOVQ(at(rows, 24*i), row)
		y = YMM()
		VPMOVZXBD(Mem{Base: row, Index: x, Scale: 1}, y)
		return y
	}
	sum := load(reach)
	VCVTDQ2PS(sum, sum)
	VMULPS(all(taps[0]), sum, sum)
	for i := 1; i <= reach; i++ {
		a, b := load(reach-i), load(reach+i)
		VPADDD(a, b, a)
		VCVTDQ2PS(a, a)
		VFMADD231PS(all(taps[i]), a, sum)
	}
	VMOVUPS(sum, Mem{Base: dst, Index: x, Scale: 4})
	ADDQ(U8(lanes), x)
	CMPQ(x, n)
	JLT(LabelRef("filterDown"))
	Label("filterDown_end")
	VZEROUPPER()
	RET()

	TEXT("filterAcrossAVX2", NOSPLIT, "func(dst, src []float32)")
	Pragma("noescape")
	dst, n = Load(Param("dst").Base(), GP64()), Load(Param("dst").Len(), GP64())
	src := Load(Param("src").Base(), GP64())
	var k [reach + 1]VecVirtual
	for i := range k {
		k[i] = YMM()
		VMOVUPS(all(taps[i]), k[i])
	}
	counted("filterAcross", n, func() {
		sum := YMM()
		VMULPS(at(src, 4*reach), k[0], sum)
		for i := 1; i <= reach; i++ {
			a := YMM()
			VMOVUPS(at(src, 4*(reach-i)), a)
			VADDPS(at(src, 4*(reach+i)), a, a)
			VFMADD231PS(k[i], a, sum)
		}
		VMOVUPS(sum, at(dst, 0))
		ADDQ(U8(4*lanes), src)
		ADDQ(U8(4*lanes), dst)
	})
	VZEROUPPER()
	RET()
}
