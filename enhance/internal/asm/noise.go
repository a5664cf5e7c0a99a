package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// mixed returns the sum of a and b, each times a factor.
func mixed(a VecVirtual, fa float64, b VecVirtual, fb float64) VecVirtual {
	y := YMM()
	VMULPS(all(fa), a, y)
	VFMADD231PS(all(fb), b, y)
	return y
}

// forward8 is that of transform.go of package spectrum. Whole numbers of this size are floats without rounding.
func forward8(x [8]VecVirtual) [8]VecVirtual {
	var s, d [4]VecVirtual
	for i := range s {
		s[i], d[i] = butterfly(x[i], x[7-i])
	}
	e0, e2 := butterfly(s[0], s[3])
	e1, e3 := butterfly(s[1], s[2])
	o0, o1, o2, o3 := mixed(d[0], 3, d[1], 2), mixed(d[2], -3, d[0], 2), mixed(d[1], -3, d[0], 2), mixed(d[3], 3, d[1], 2)
	VFMADD231PS(all(2), d[2], o0)
	VFMADD231PS(all(-2), d[3], o1)
	VFMADD231PS(all(2), d[3], o2)
	VFMADD231PS(all(-2), d[2], o3)
	return [8]VecVirtual{
		mixed(e0, 8, e1, 8), mixed(o0, 4, o3, 1), mixed(e2, 8, e3, 4), mixed(o1, 4, o2, 1),
		mixed(e0, 8, e1, -8), mixed(o2, 4, o1, -1), mixed(e2, 4, e3, -8), mixed(o0, 1, o3, -4),
	}
}

// energy measures the high frequencies of a block.
func energy() {
	TEXT("energyAVX2", NOSPLIT, "func(pix []byte, stride int) float32")
	Pragma("noescape")
	pix, stride := Load(Param("pix").Base(), GP64()), Load(Param("stride"), GP64())
	low, high := YMM(), YMM()
	var x [8]VecVirtual
	for i := range x {
		x[i] = YMM()
		VPMOVZXBD(at(pix, 0), x[i])
		ADDQ(stride, pix)
		if i == 0 {
			VMOVDQU(x[0], low)
			VMOVDQU(x[0], high)
		} else {
			VPMINSD(x[i], low, low)
			VPMAXSD(x[i], high, high)
		}
	}
	VPCMPEQD(zero(), low, low)
	VPCMPEQD(same(255), high, high)
	VPOR(low, high, low)
	VPTEST(low, low)
	JNZ(LabelRef("energy_clipped"))
	for i := range x {
		VCVTDQ2PS(x[i], x[i])
	}
	sum := zero()
	for u, y := range forward8(transpose(forward8(x))) {
		var part [lanes]float32
		norms := [lanes]float64{512, 578, 320, 578, 512, 578, 320, 578}
		for v := range part {
			if u >= 4 || v >= 4 {
				part[v] = float32(1 / (48 * norms[u] * norms[v]))
			}
		}
		VMULPS(y, y, y)
		VFMADD231PS(eight(part), y, sum)
	}
	Store(total(sum, zero(), zero(), zero()), ReturnIndex(0))
	VZEROUPPER()
	RET()
	Label("energy_clipped")
	clipped := XMM()
	VMOVSS(all(-1), clipped)
	Store(clipped, ReturnIndex(0))
	VZEROUPPER()
	RET()
}
