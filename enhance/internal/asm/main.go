// Asm writes the inner loops of package enhance for processors with AVX2 and FMA: see kernels.go there.
//
//	go generate ./enhance
//
// Each kernel does what its twin in Go does, eight values at a time.
package main

import (
	"fmt"
	"math"

	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/pass"
	. "github.com/mmcloughlin/avo/reg"
)

func main() {
	ConstraintExpr("amd64")
	cpu()
	pixels()
	energy()
	spline()
	track()
	smooth()
	warp()
	cosines()
	blends()
	pass.Compile = pass.Concat(pass.Compile, pass.Func(func(f *ir.File) error {
		f.Includes = append(f.Includes, "go_asm.h") // see field
		return nil
	}))
	Generate()
}

// lanes are eight floats, as wide as a register.
const lanes = 8

var constants = map[[lanes]uint32]Mem{}

// words returns eight numbers in memory.
func words(w [lanes]uint32) Mem {
	m, ok := constants[w]
	if !ok {
		m = GLOBL(fmt.Sprintf("eight%d", len(constants)), RODATA|NOPTR)
		for i, v := range w {
			DATA(4*i, U32(v))
		}
		constants[w] = m
	}
	return m
}

// eight returns eight floats in memory.
func eight(f [lanes]float32) Mem {
	var w [lanes]uint32
	for i, v := range f {
		w[i] = math.Float32bits(v)
	}
	return words(w)
}

// all returns eight times the same float in memory.
func all(f float64) Mem {
	var a [lanes]float32
	for i := range a {
		a[i] = float32(f)
	}
	return eight(a)
}

// zero returns a register of zeros.
func zero() VecVirtual {
	r := YMM()
	VXORPS(r, r, r)
	return r
}

// at is the memory n bytes from a register.
func at(r Register, n int) Mem { return Mem{Base: r, Disp: n} }

// field is the memory n bytes from the beginning of a struct's field, given a register that points to the struct. The name is TYPE_FIELD:
// the compiler, which lays structs out, writes what it stands for to go_asm.h, for the assembler to include.
func field(r Register, name string, n int) Mem {
	return Mem{Symbol: Symbol{Name: name}, Base: r, Disp: n}
}

// counted runs a loop n/lanes times.
func counted(label string, n Register, body func()) {
	SHRQ(U8(3), n)
	JZ(LabelRef(label + "_end"))
	Label(label)
	body()
	DECQ(n)
	JNZ(LabelRef(label))
	Label(label + "_end")
}

// cpu asks what the processor and the system can do.
func cpu() {
	TEXT("cpuid", NOSPLIT, "func(leaf, sub uint32) (a, b, c, d uint32)")
	Doc("cpuid asks the processor what it can do.")
	MOVL(NewParamAddr("leaf", 0), EAX)
	MOVL(NewParamAddr("sub", 4), ECX)
	CPUID()
	for i, r := range []Register{EAX, EBX, ECX, EDX} {
		MOVL(r, NewParamAddr(string("abcd"[i]), 8+4*i))
	}
	RET()

	TEXT("xgetbv", NOSPLIT, "func() (a uint32)")
	Doc("xgetbv asks which registers the system saves.")
	XORL(ECX, ECX)
	XGETBV()
	MOVL(EAX, NewParamAddr("a", 0))
	RET()
}
