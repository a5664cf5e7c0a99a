// Asm writes the kernels of package scale for processors with AVX2: see rows.go there.
//
//	go generate ./internal/scale
//
// Each kernel does what its twin in Go does, sixteen 16-bit numbers at a time.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

func main() {
	ConstraintExpr("amd64")
	double()
	light()
	down()
	add()
	across()
	write()
	Generate()
}

// at is the memory n bytes from a register.
func at(r Register, n int) Mem { return Mem{Base: r, Disp: n} }

// constants returns the memory of a Go array of registers.
func constants(name string) func(i int) Mem {
	base := Load(Param(name), GP64())
	return func(i int) Mem { return at(base, 32*i) }
}

// ones returns a register of eight times n ones, shifted.
func ones(n, shift uint8) VecVirtual {
	r := YMM()
	VPCMPEQD(r, r, r)
	VPSRLD(U8(32-n), r, r)
	if shift > 0 {
		VPSLLD(U8(shift), r, r)
	}
	return r
}

// zero returns a register of zeros.
func zero() VecVirtual {
	r := YMM()
	VPXOR(r, r, r)
	return r
}

// loop runs a loop n times, once at least.
func loop(label string, n Register, body func()) {
	Label(label)
	body()
	DECQ(n)
	JNZ(LabelRef(label))
}

// end returns from a kernel.
func end() {
	VZEROUPPER()
	RET()
}

// What a weight of 1 has, and the light of white.
const (
	weightBits = 14
	whiteOnes  = 3 // 28672 is three ones and twelve zeros
	whiteShift = 12
)
