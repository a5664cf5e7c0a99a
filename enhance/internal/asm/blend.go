package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

const (
	tileLen = tile * tile

	// Where the fields of a blend are: blend.go of package enhance.
	blendTarget     = 4 * tileLen * 0
	blendOther      = 4 * tileLen * 1
	blendMerged     = 4 * tileLen * 2
	blendDifference = 4 * tileLen * 3
	blendSum        = 4 * tileLen * 4
	blendWeight     = 4 * tileLen * 5
)

// fill returns a register with eight times the float of an argument.
func fill(argument string) VecVirtual {
	y := YMM()
	p, err := Param(argument).Resolve()
	if err != nil {
		panic(err)
	}
	VBROADCASTSS(p.Addr, y)
	return y
}

// powers averages the squares of a tile's coefficients with those of frequencies beside them, and hands out each row's: powers in
// blend.go of package enhance.
func powers(tileAt Mem, each func(row int, e [2]VecVirtual)) {
	first, last := YMM(), YMM()
	VMOVDQU(words([lanes]uint32{0, 0, 1, 2, 3, 4, 5, 6}), first)
	VMOVDQU(words([lanes]uint32{1, 2, 3, 4, 5, 6, 7, 7}), last)
	across := func(row int) (e [2]VecVirtual) {
		l, r, t := YMM(), YMM(), YMM()
		VMOVUPS(tileAt.Offset(64*row), l)
		VMULPS(l, l, l)
		VMOVUPS(tileAt.Offset(64*row+32), r)
		VMULPS(r, r, r)
		VPERM2F128(U8(0x21), r, l, t) // the four in the middle
		before, after := YMM(), YMM()
		VPERMPS(l, first, before)
		VPALIGNR(U8(4), l, t, after)
		VADDPS(before, after, before)
		e[0] = before
		VPALIGNR(U8(12), t, r, after)
		e[1] = YMM()
		VPERMPS(r, last, e[1])
		VADDPS(after, e[1], e[1])
		VFMADD231PS(all(2), l, e[0])
		VFMADD231PS(all(2), r, e[1])
		return e
	}
	above := across(0)
	here := [2]VecVirtual{YMM(), YMM()}
	for i := range here {
		VMOVUPS(above[i], here[i])
	}
	for row := range tile {
		below := here
		if row < tile-1 {
			below = across(row + 1)
		}
		var e [2]VecVirtual
		for i := range e {
			e[i] = above[i] // which is needed no longer
			VADDPS(below[i], e[i], e[i])
			VFMADD231PS(all(2), here[i], e[i])
			VMULPS(all(1./16), e[i], e[i])
		}
		each(row, e)
		above, here = here, below
	}
}

// blends merges tiles.
func blends() {
	TEXT("differAVX2", NOSPLIT, "func(b *byte, most float32) (residual float32)")
	Pragma("noescape")
	b := Load(Param("b"), GP64())
	most := fill("most")
	residual := [2]VecVirtual{zero(), zero()}
	for i := range tileLen / lanes {
		d := YMM()
		VMOVUPS(at(b, blendOther+32*i), d)
		VSUBPS(at(b, blendTarget+32*i), d, d)
		VMOVUPS(d, at(b, blendDifference+32*i))
		VMULPS(d, d, d)
		VMINPS(most, d, d)
		VADDPS(d, residual[i%2], residual[i%2])
	}
	VADDPS(residual[1], residual[0], residual[0])
	sum := total(residual[0], zero(), zero(), zero())
	Store(sum, ReturnIndex(0))
	VZEROUPPER()
	RET()

	TEXT("countAVX2", NOSPLIT, "func(b *byte, weight, half float32)")
	Pragma("noescape")
	b = Load(Param("b"), GP64())
	weight, half := fill("weight"), fill("half")
	VMULPS(half, weight, weight)
	powers(at(b, blendDifference), func(row int, e [2]VecVirtual) {
		for i, e := range e {
			o := 64*row + 32*i
			a := YMM()
			VMOVUPS(half, a)
			VFMADD231PS(e, e, a)
			VDIVPS(a, weight, a)
			s := YMM()
			VMOVUPS(at(b, blendDifference+o), s)
			VFMADD213PS(at(b, blendSum+o), a, s)
			VMOVUPS(s, at(b, blendSum+o))
			VADDPS(at(b, blendWeight+o), a, a)
			VMOVUPS(a, at(b, blendWeight+o))
		}
	})
	VZEROUPPER()
	RET()

	TEXT("calmAVX2", NOSPLIT, "func(b *byte, loss *[256]float32, weight, variance, noise float32)")
	Pragma("noescape")
	b = Load(Param("b"), GP64())
	loss := Load(Param("loss"), GP64())
	for i := range tileLen / lanes {
		m := YMM()
		VMOVUPS(at(b, blendSum+32*i), m)
		VDIVPS(at(b, blendWeight+32*i), m, m)
		VADDPS(at(b, blendTarget+32*i), m, m)
		VMOVUPS(m, at(b, blendMerged+32*i))
	}
	mean := GP32()
	MOVL(at(b, blendMerged), mean)
	weight = fill("weight")
	variance, noise := fill("variance"), fill("noise")
	powers(at(b, blendMerged), func(row int, e [2]VecVirtual) {
		for i, e := range e {
			o := 64*row + 32*i
			VADDPS(all(0.01), e, e)
			left, k := YMM(), YMM()
			VDIVPS(at(b, blendWeight+o), weight, left)
			VMULPS(e, variance, k)
			VSQRTPS(k, k)
			VMULPS(at(loss, o), k, k)
			VFMADD213PS(noise, left, k)
			VFMADD213PS(e, left, k)
			VMULPS(at(b, blendMerged+o), e, left)
			VDIVPS(k, left, left)
			VMOVUPS(left, at(b, blendMerged+o))
		}
	})
	MOVL(mean, at(b, blendMerged))
	VZEROUPPER()
	RET()
}

// same returns eight times the same number in memory.
func same(n uint32) Mem { return words([lanes]uint32{n, n, n, n, n, n, n, n}) }
