package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

const (
	tileLen = tile * tile

	rings  = 12
	padded = 16
	hidden = 32
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

// ringOf is the ring of a coefficient.
func ringOf(i int) int { return min(rings-1, int(0.75*math.Hypot(float64(i/tile), float64(i%tile)))) }

// ofRings returns the values that the rings of eight coefficients, the first of which is i, have in a table in memory.
func ofRings(table Mem, i int) VecVirtual {
	var high uint64 // lanes whose ring is beyond the first eight
	var which [lanes]uint32
	same := true
	for k := range lanes {
		ring := ringOf(i + k)
		which[k] = uint32(ring % lanes)
		if ring >= lanes {
			high |= 1 << k
		}
		same = same && ring == ringOf(i)
	}
	v := YMM()
	if same {
		VBROADCASTSS(table.Offset(4*ringOf(i)), v)
		return v
	}
	where := YMM()
	VMOVDQU(words(which), where)
	switch high {
	case 0:
		VPERMPS(table, where, v)
	case 1<<lanes - 1:
		VPERMPS(table.Offset(4*lanes), where, v)
	default:
		VPERMPS(table, where, v)
		VPERMPS(table.Offset(4*lanes), where, where)
		VBLENDPS(U8(high), where, v, v)
	}
	return v
}

// exp2 takes two to the power of v: networks.go of package enhance.
func exp2(v VecVirtual) {
	VMINPS(all(20), v, v)
	VMAXPS(all(-20), v, v)
	VADDPS(all(127), v, v)
	VMULPS(all(1<<23), v, v)
	VCVTTPS2DQ(v, v)
}

// blends merges tiles.
func blends() {
	TEXT("differAVX2", NOSPLIT, "func(row, target []float32)")
	Pragma("noescape")
	row, target := Load(Param("row").Base(), GP64()), Load(Param("target").Base(), GP64())
	n := Load(Param("row").Len(), GP64())
	counted("differ", n, func() {
		d := YMM()
		VMOVUPS(at(row, 0), d)
		VSUBPS(at(target, 0), d, d)
		VMOVUPS(d, at(row, 0))
		ADDQ(U8(4*lanes), row)
		ADDQ(U8(4*lanes), target)
	})
	VZEROUPPER()
	RET()

	spread()
	feed()

	TEXT("countAVX2", NOSPLIT, "func(b, difference, worth *byte, weight, variance float32)")
	Pragma("noescape")
	part, half := AllocLocal(4*padded), AllocLocal(4*padded)
	b, difference := Load(Param("b"), GP64()), Load(Param("difference"), GP64())
	worth := Load(Param("worth"), GP64())
	weight, variance := fill("weight"), fill("variance")
	VMULPS(variance, variance, variance)
	VMULPS(all(4), variance, variance) // the square of the tolerance
	for i := range padded / lanes {
		h, w := YMM(), YMM()
		VMOVUPS(at(worth, 4*padded+32*i), h)
		VADDPS(h, h, h)
		exp2(h)
		VMULPS(variance, h, h)
		VMOVUPS(h, half.Offset(32*i))
		VMOVUPS(at(worth, 32*i), w)
		exp2(w)
		VMULPS(weight, w, w)
		VMULPS(h, w, w)
		VMOVUPS(w, part.Offset(32*i))
	}
	powers(at(difference, 0), func(row int, e [2]VecVirtual) {
		for i, e := range e {
			o := 64*row + 32*i
			a := ofRings(half, o/4)
			VFMADD231PS(e, e, a)
			VDIVPS(a, ofRings(part, o/4), a)
			s := YMM()
			VMOVUPS(at(difference, o), s)
			VFMADD213PS(field(b, "blend_sum", o), a, s)
			VMOVUPS(s, field(b, "blend_sum", o))
			VADDPS(field(b, "blend_weight", o), a, a)
			VMOVUPS(a, field(b, "blend_weight", o))
		}
	})
	VZEROUPPER()
	RET()

	TEXT("mixAVX2", NOSPLIT, "func(b *byte, weight float32)")
	Pragma("noescape")
	b = Load(Param("b"), GP64())
	weight = fill("weight")
	for i := range tileLen / lanes {
		w, m, l := YMM(), YMM(), YMM()
		VADDPS(field(b, "blend_weight", 32*i), weight, w)
		VMOVUPS(field(b, "blend_sum", 32*i), m)
		VDIVPS(w, m, m)
		VADDPS(field(b, "blend_target", 32*i), m, m)
		VMOVUPS(m, field(b, "blend_merged", 32*i))
		VDIVPS(w, weight, l)
		VMOVUPS(l, field(b, "blend_left", 32*i))
	}
	VZEROUPPER()
	RET()

	TEXT("restoreAVX2", NOSPLIT, "func(b, kept, shadow *byte, perVariance, mean float32)")
	Pragma("noescape")
	low, more, half := AllocLocal(4*padded), AllocLocal(4*padded), AllocLocal(4*padded)
	b = Load(Param("b"), GP64())
	kept, shadow := Load(Param("kept"), GP64()), Load(Param("shadow"), GP64())
	for i := range padded / lanes {
		sigmoid := func(n int) VecVirtual {
			v, k := zero(), YMM()
			VSUBPS(at(kept, n), v, v)
			exp2(v)
			VADDPS(all(1), v, v)
			VMOVUPS(all(1.3), k)
			VDIVPS(v, k, k)
			return k
		}
		l, h := sigmoid(32*i), sigmoid(4*padded+32*i)
		VMOVUPS(l, low.Offset(32*i))
		VSUBPS(l, h, h)
		VMOVUPS(h, more.Offset(32*i))
		VMOVUPS(at(kept, 4*hidden+32*i), l)
		exp2(l)
		VMOVUPS(l, half.Offset(32*i))
	}
	perVariance, mean := fill("perVariance"), fill("mean")
	powers(field(b, "blend_merged", 0), func(row int, e [2]VecVirtual) { // reads no row twice
		for i, e := range e {
			o := 64*row + 32*i
			s, m := YMM(), YMM()
			VBROADCASTSS(at(shadow, 4*row), s)
			VMULPS(mean, s, s)
			VMULPS(at(shadow, 32*i), s, s)
			VMOVUPS(field(b, "blend_merged", o), m)
			VSUBPS(s, m, m)
			VMULPS(perVariance, e, e)
			h := ofRings(half, o/4)
			VADDPS(e, h, h)
			VDIVPS(h, e, e)
			g := ofRings(low, o/4)
			VFMADD231PS(ofRings(more, o/4), e, g)
			VFMADD213PS(s, g, m)
			VMOVUPS(m, field(b, "blend_merged", o))
		}
	})
	VZEROUPPER()
	RET()
}

// spread measures energies by ring.
func spread() {
	TEXT("spreadAVX2", NOSPLIT, "func(e, c *byte, parts float32)")
	Pragma("noescape")
	e, c := Load(Param("e"), GP64()), Load(Param("c"), GP64())
	var count [rings]float32
	for i := range tileLen {
		count[ringOf(i)]++
	}
	var sums [rings]VecVirtual
	for r := range sums {
		sums[r] = zero()
	}
	for i := 0; i < tileLen; i += lanes {
		v := YMM()
		VMOVUPS(at(c, 4*i), v)
		VMULPS(v, v, v)
		for r := range rings {
			var part [lanes]float32 // of the mean
			for k := range part {
				if ringOf(i+k) == r {
					part[k] = 1 / count[r]
				}
			}
			if part != [lanes]float32{} {
				VFMADD231PS(eight(part), v, sums[r])
			}
		}
	}
	p, faint := Load(Param("parts"), XMM()), all(1./(1<<10))
	VBROADCASTSS(p, p)
	for i := 0; i < padded; i += 4 {
		mean := XMM()
		if i < rings {
			mean = total(sums[i], sums[i+1], sums[i+2], sums[i+3])
		} else {
			VXORPS(mean, mean, mean)
		}
		VMULPS(p, mean, mean)
		VADDPS(faint, mean, mean)
		VCVTDQ2PS(mean, mean)
		VMULPS(all(1./(1<<23)), mean, mean)
		VSUBPS(all(127), mean, mean)
		VMOVUPS(mean, at(e, 4*i))
	}
	VZEROUPPER()
	RET()
}

// feed adds a layer of a network.
func feed() {
	const vectors = hidden / lanes
	TEXT("feedAVX2", NOSPLIT, "func(h *byte, l, in []float32, least float32)")
	Pragma("noescape")
	h, l := Load(Param("h"), GP64()), Load(Param("l").Base(), GP64())
	in, n := Load(Param("in").Base(), GP64()), Load(Param("in").Len(), GP64())
	least := fill("least")
	var sums [2][vectors]VecVirtual // of inputs in turn
	for i := range vectors {
		sums[0][i], sums[1][i] = YMM(), zero()
		VMOVUPS(at(h, 32*i), sums[0][i])
	}
	SHRQ(U8(1), n)
	Label("feed")
	for k := range sums {
		v := YMM()
		VBROADCASTSS(at(in, 4*k), v)
		VMAXPS(least, v, v)
		for i, s := range sums[k] {
			VFMADD231PS(at(l, 4*hidden*k+32*i), v, s)
		}
	}
	ADDQ(U8(8), in)
	ADDQ(U32(2*4*hidden), l)
	DECQ(n)
	JNZ(LabelRef("feed"))
	for i, s := range sums[0] {
		VADDPS(sums[1][i], s, s)
		VMOVUPS(s, at(h, 32*i))
	}
	VZEROUPPER()
	RET()
}

// same returns eight times the same number in memory.
func same(n uint32) Mem { return words([lanes]uint32{n, n, n, n, n, n, n, n}) }
