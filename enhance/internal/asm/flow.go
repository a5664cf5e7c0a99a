package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

const (
	patch = 8

	// Where the fields of a pattern are: flow.go of package enhance.
	gx, gy, mix, sums = 4 * 64, 8 * 64, 12 * 64, 12*64 + 16
)

// total adds up the lanes of each of four registers, and returns the sums in order.
func total(a, b, c, d VecVirtual) VecVirtual {
	VHADDPS(b, a, a)
	VHADDPS(d, c, c)
	VHADDPS(c, a, a)
	h := XMM()
	VEXTRACTF128(U8(1), a, h)
	VADDPS(h, a.AsX(), h)
	return h
}

// track compares patches.
func track() {
	TEXT("cutAVX2", NOSPLIT, "func(p *byte, pix []float32, stride int)")
	Pragma("noescape")
	p, pix, stride := Load(Param("p"), GP64()), Load(Param("pix").Base(), GP64()), Load(Param("stride"), GP64())
	half := YMM()
	VMOVUPS(all(0.5), half)
	sx, sy, xx, xy, yy := zero(), zero(), zero(), zero(), zero()
	SHLQ(U8(2), stride)
	above, here, below := YMM(), YMM(), YMM()
	VMOVUPS(at(pix, 4), above)
	ADDQ(stride, pix)
	VMOVUPS(at(pix, 4), here)
	for y := range patch {
		VMOVUPS(Mem{Base: pix, Index: stride, Scale: 1, Disp: 4}, below)
		VMOVUPS(here, at(p, 32*y))
		a, b := YMM(), YMM()
		VMOVUPS(at(pix, 8), a)
		VSUBPS(at(pix, 0), a, a)
		VMULPS(half, a, a)
		VMOVUPS(a, at(p, gx+32*y))
		VSUBPS(above, below, b)
		VMULPS(half, b, b)
		VMOVUPS(b, at(p, gy+32*y))
		VADDPS(a, sx, sx)
		VADDPS(b, sy, sy)
		VFMADD231PS(a, a, xx)
		VFMADD231PS(a, b, xy)
		VFMADD231PS(b, b, yy)
		above, here, below = here, below, above
		ADDQ(stride, pix)
	}
	VMOVUPS(total(sx, sy, xx, xy), at(p, sums))
	VMOVUPS(total(yy, zero(), zero(), zero()), at(p, sums+16))
	VZEROUPPER()
	RET()

	TEXT("matchAVX2", NOSPLIT, "func(p *byte, pix []float32, stride int)")
	Pragma("noescape")
	p, pix, stride = Load(Param("p"), GP64()), Load(Param("pix").Base(), GP64()), Load(Param("stride"), GP64())
	SHLQ(U8(2), stride)
	var k [4]VecVirtual
	for i := range k {
		k[i] = YMM()
		VBROADCASTSS(at(p, mix+4*i), k[i])
	}
	s, ss, bx, by := zero(), zero(), zero(), zero()
	left, right := YMM(), YMM()
	VMOVUPS(at(pix, 0), left)
	VMOVUPS(at(pix, 4), right)
	for y := range patch {
		ADDQ(stride, pix)
		d := YMM()
		VMULPS(k[0], left, d)
		VFMADD231PS(k[1], right, d)
		VMOVUPS(at(pix, 0), left)
		VMOVUPS(at(pix, 4), right)
		VFMADD231PS(k[2], left, d)
		VFMADD231PS(k[3], right, d)
		VSUBPS(at(p, 32*y), d, d)
		VADDPS(d, s, s)
		VFMADD231PS(d, d, ss)
		VFMADD231PS(at(p, gx+32*y), d, bx)
		VFMADD231PS(at(p, gy+32*y), d, by)
	}
	VMOVUPS(total(s, ss, bx, by), at(p, sums))
	VZEROUPPER()
	RET()
}

// smooth draws the vectors of a row of nodes to those around them.
func smooth() {
	TEXT("smoothAVX2", NOSPLIT, "func(u, v []float32, field *byte, n int)")
	Pragma("noescape")
	outU, outV := Load(Param("u").Base(), GP64()), Load(Param("v").Base(), GP64())
	count := Load(Param("u").Len(), GP64())
	grid, n := Load(Param("field"), GP64()), Load(Param("n"), GP64())
	var field [5]Register // u, v, xx, xy, yy
	for i := range field {
		field[i] = GP64()
		MOVQ(at(grid, 24*i), field[i])
		LEAQ(Mem{Base: field[i], Index: n, Scale: 4}, field[i])
	}
	stride := GP64()
	MOVQ(at(grid, 24*5), stride)
	up := GP64()
	MOVQ(stride, up)
	NEGQ(up)
	one := YMM()
	VMOVUPS(all(1), one)
	counted("smooth", count, func() {
		u, v := YMM(), YMM()
		VMOVUPS(at(field[0], 0), u)
		VMOVUPS(at(field[1], 0), v)
		xx, xy, yy, bx, by := YMM(), zero(), YMM(), zero(), zero()
		VMOVUPS(all(1e-12), xx)
		VMOVUPS(xx, yy)
		for dy := -1; dy <= 1; dy++ {
			for dx := -1; dx <= 1; dx++ {
				k := func(i int) Mem {
					m := Mem{Base: field[i], Disp: 4 * dx}
					if dy < 0 {
						m.Index, m.Scale = up, 4
					} else if dy > 0 {
						m.Index, m.Scale = stride, 4
					}
					return m
				}
				a, b, w := YMM(), YMM(), YMM()
				VMOVUPS(k(0), a)
				VSUBPS(u, a, a)
				VMOVUPS(k(1), b)
				VSUBPS(v, b, b)
				if dx == 0 && dy == 0 {
					VMOVUPS(one, w)
				} else {
					VMOVUPS(one, w)
					VFMADD231PS(a, a, w)
					VFMADD231PS(b, b, w)
					VDIVPS(w, one, w)
				}
				axx, axy, ayy := YMM(), YMM(), YMM()
				VMULPS(k(2), w, axx)
				VMULPS(k(3), w, axy)
				VMULPS(k(4), w, ayy)
				VADDPS(axx, xx, xx)
				VADDPS(axy, xy, xy)
				VADDPS(ayy, yy, yy)
				VFMADD231PS(axx, a, bx)
				VFMADD231PS(axy, b, bx)
				VFMADD231PS(axy, a, by)
				VFMADD231PS(ayy, b, by)
			}
		}
		det, a, b := YMM(), YMM(), YMM()
		VMULPS(xx, yy, det)
		VFNMADD231PS(xy, xy, det)
		VDIVPS(det, one, det)
		VMULPS(yy, bx, a)
		VFNMADD231PS(xy, by, a)
		VFMADD231PS(det, a, u)
		VMULPS(xx, by, b)
		VFNMADD231PS(xy, bx, b)
		VFMADD231PS(det, b, v)
		VMOVUPS(u, at(outU, 0))
		VMOVUPS(v, at(outV, 0))
		for _, r := range append([]Register{outU, outV}, field[:]...) {
			ADDQ(U8(4*lanes), r)
		}
	})
	VZEROUPPER()
	RET()
}
