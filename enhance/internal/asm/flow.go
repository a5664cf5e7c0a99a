package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

const patch = 8

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
		VMOVUPS(here, field(p, "pattern_pix", 32*y))
		a, b := YMM(), YMM()
		VMOVUPS(at(pix, 8), a)
		VSUBPS(at(pix, 0), a, a)
		VMULPS(half, a, a)
		VMOVUPS(a, field(p, "pattern_gx", 32*y))
		VSUBPS(above, below, b)
		VMULPS(half, b, b)
		VMOVUPS(b, field(p, "pattern_gy", 32*y))
		VADDPS(a, sx, sx)
		VADDPS(b, sy, sy)
		VFMADD231PS(a, a, xx)
		VFMADD231PS(a, b, xy)
		VFMADD231PS(b, b, yy)
		above, here, below = here, below, above
		ADDQ(stride, pix)
	}
	VMOVUPS(total(sx, sy, xx, xy), field(p, "pattern_sums", 0))
	VMOVUPS(total(yy, zero(), zero(), zero()), field(p, "pattern_sums", 16))
	VZEROUPPER()
	RET()

	TEXT("matchAVX2", NOSPLIT, "func(p, l *byte, u, v float32) (f struct{ miss, bx, by float32 })")
	Pragma("noescape")
	p = Load(Param("p"), GP64())
	layer := Load(Param("l"), GP64())
	whole := func(u VecVirtual, low, high string) GPVirtual { // and leaves what remains
		w, g := YMM(), GP64()
		VBROADCASTSS(field(p, high, 0), w)
		VMINPS(w, u, u)
		VBROADCASTSS(field(p, low, 0), w)
		VMAXPS(w, u, u)
		VROUNDPS(U8(1), u, w) // down
		VSUBPS(w, u, u)
		VCVTTSS2SIQ(w.AsX(), g)
		return g
	}
	u, v := fill("u"), fill("v")
	x, y := whole(u, "pattern_lowU", "pattern_highU"), whole(v, "pattern_lowV", "pattern_highV")
	pix, stride = GP64(), GP64()
	MOVQ(field(layer, "layer_pix", 0), pix)
	MOVQ(field(layer, "layer_stride", 0), stride)
	IMULQ(stride, y)
	ADDQ(x, y)
	ADDQ(field(p, "pattern_at", 0), y)
	LEAQ(Mem{Base: pix, Index: y, Scale: 4}, pix)
	SHLQ(U8(2), stride)
	var k [4]VecVirtual // how much of a pixel, and of those right of it, below, and right of that, lies where the patch is compared
	for i := range k {
		k[i] = YMM()
	}
	VMULPS(u, v, k[3])
	VSUBPS(k[3], u, k[1])
	VSUBPS(k[3], v, k[2])
	VMOVUPS(all(1), k[0])
	VSUBPS(u, k[0], k[0])
	VSUBPS(k[2], k[0], k[0])
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
		VSUBPS(field(p, "pattern_pix", 32*y), d, d)
		VADDPS(d, s, s)
		VFMADD231PS(d, d, ss)
		VFMADD231PS(field(p, "pattern_gx", 32*y), d, bx)
		VFMADD231PS(field(p, "pattern_gy", 32*y), d, by)
	}
	// What the mean of the difference has of these is not to count.
	t := total(s, ss, bx, by)
	mean, of := XMM(), XMM()
	VBROADCASTSS(t, mean)
	VMOVSD(field(p, "pattern_sums", 0), of)
	VMOVLHPS(of, mean, of)
	VMULPS(all(1./(patch*patch)), mean, mean)
	VFNMADD231PS(mean, of, t)
	for i, result := range []string{"miss", "bx", "by"} {
		VPERMILPS(U8(i+1), t, of)
		if i == 0 {
			VMAXSS(zero().AsX(), of, of)
		}
		Store(of, Return("f").Field(result))
	}
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
	var fields [5]Register
	for i, name := range []string{"grid_u", "grid_v", "grid_xx", "grid_xy", "grid_yy"} {
		fields[i] = GP64()
		MOVQ(field(grid, name, 0), fields[i])
		LEAQ(Mem{Base: fields[i], Index: n, Scale: 4}, fields[i])
	}
	stride := GP64()
	MOVQ(field(grid, "grid_stride", 0), stride)
	up := GP64()
	MOVQ(stride, up)
	NEGQ(up)
	one := YMM()
	VMOVUPS(all(1), one)
	counted("smooth", count, func() {
		u, v := YMM(), YMM()
		VMOVUPS(at(fields[0], 0), u)
		VMOVUPS(at(fields[1], 0), v)
		xx, xy, yy, bx, by := YMM(), zero(), YMM(), zero(), zero()
		VMOVUPS(all(1e-12), xx)
		VMOVUPS(xx, yy)
		for dy := -1; dy <= 1; dy++ {
			for dx := -1; dx <= 1; dx++ {
				k := func(i int) Mem {
					m := Mem{Base: fields[i], Disp: 4 * dx}
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
		for _, r := range append([]Register{outU, outV}, fields[:]...) {
			ADDQ(U8(4*lanes), r)
		}
	})
	VZEROUPPER()
	RET()
}
