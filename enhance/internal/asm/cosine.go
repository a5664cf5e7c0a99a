package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

const tile = 16

// The constants of dct.go of package enhance: 1/(2 cos((2i+1) pi/2n)).
func secant(i, n int) float64 { return 1 / (2 * math.Cos(float64(2*i+1)*math.Pi/float64(2*n))) }

// window is that of tiles: merge.go.
func window(i int) float64 { return math.Sin((float64(i)+0.5)*math.Pi/tile) / math.Sqrt(tile/2) }

// butterfly makes a, b the sum and difference of them.
func butterfly(a, b VecVirtual) (sum, difference VecVirtual) {
	d := YMM()
	VSUBPS(b, a, d)
	VADDPS(b, a, a)
	return a, d
}

func scale(y VecVirtual, f float64) { VMULPS(all(f), y, y) }

func cosine4(x [4]VecVirtual) [4]VecVirtual {
	s0, t0 := butterfly(x[0], x[3])
	s1, t1 := butterfly(x[1], x[2])
	scale(t0, secant(0, 4))
	scale(t1, secant(1, 4))
	t, o := butterfly(t0, t1)
	scale(o, math.Sqrt2/2)
	VADDPS(o, t, t)
	s, d := butterfly(s0, s1)
	scale(d, math.Sqrt2/2)
	return [4]VecVirtual{s, t, d, o}
}

func cosine4T(y [4]VecVirtual) [4]VecVirtual {
	o := y[3]
	VADDPS(y[1], o, o)
	scale(o, math.Sqrt2/2)
	scale(y[2], math.Sqrt2/2)
	s0, s1 := butterfly(y[0], y[2])
	t0, t1 := butterfly(y[1], o)
	scale(t0, secant(0, 4))
	scale(t1, secant(1, 4))
	x0, x3 := butterfly(s0, t0)
	x1, x2 := butterfly(s1, t1)
	return [4]VecVirtual{x0, x1, x2, x3}
}

func cosine8(x [8]VecVirtual) [8]VecVirtual {
	var e, o [4]VecVirtual
	for i := range 4 {
		e[i], o[i] = butterfly(x[i], x[7-i])
		scale(o[i], secant(i, 8))
	}
	e, o = cosine4(e), cosine4(o)
	for i := range 3 {
		VADDPS(o[i+1], o[i], o[i])
	}
	return [8]VecVirtual{e[0], o[0], e[1], o[1], e[2], o[2], e[3], o[3]}
}

func cosine8T(y [8]VecVirtual) (x [8]VecVirtual) {
	for i := 7; i > 1; i -= 2 {
		VADDPS(y[i-2], y[i], y[i])
	}
	s, t := cosine4T([4]VecVirtual{y[0], y[2], y[4], y[6]}), cosine4T([4]VecVirtual{y[1], y[3], y[5], y[7]})
	for i := range 4 {
		scale(t[i], secant(i, 8))
		x[i], x[7-i] = butterfly(s[i], t[i])
	}
	return x
}

// cosine16 windows and transforms sixteen vectors of memory. spare is room for eight.
func cosine16(in, out, spare func(i int) Mem) {
	var x [8]VecVirtual
	for i := range x {
		x[i] = YMM()
		VMOVUPS(in(i), x[i])
		last, d := YMM(), YMM()
		VMOVUPS(in(15-i), last)
		VSUBPS(last, x[i], d)
		VADDPS(last, x[i], x[i])
		scale(x[i], window(i))
		scale(d, window(i)*secant(i, 16))
		VMOVUPS(d, spare(i))
	}
	x = cosine8(x)
	scale(x[0], math.Sqrt2/2)
	for i := range x {
		VMOVUPS(x[i], out(2*i))
	}
	for i := range x {
		x[i] = YMM()
		VMOVUPS(spare(i), x[i])
	}
	x = cosine8(x)
	for i := range x {
		if i < 7 {
			VADDPS(x[i+1], x[i], x[i])
		}
		VMOVUPS(x[i], out(2*i+1))
	}
}

// cosine16T transforms sixteen vectors of memory back, windows them and adds them to others. spare is room for eight.
func cosine16T(in, sum, spare func(i int) Mem) {
	var x [8]VecVirtual
	for i := range x {
		x[i] = YMM()
		VMOVUPS(in(2*i), x[i])
	}
	scale(x[0], math.Sqrt2/2)
	x = cosine8T(x)
	for i := range x {
		VMOVUPS(x[i], spare(i))
	}
	for i := range x {
		x[i] = YMM()
		VMOVUPS(in(2*i+1), x[i])
	}
	for i := 7; i > 0; i-- {
		VADDPS(x[i-1], x[i], x[i])
	}
	x = cosine8T(x)
	for i := range x {
		s := YMM()
		VMOVUPS(spare(i), s)
		scale(x[i], secant(i, 16))
		a, b := butterfly(s, x[i])
		w := YMM()
		VMOVUPS(all(window(i)), w)
		add(a, w, sum(i))
		add(b, w, sum(15-i))
	}
}

// add adds y, weighted, to memory.
func add(y, w VecVirtual, m Mem) {
	VFMADD213PS(m, w, y)
	VMOVUPS(y, m)
}

// transpose transposes eight vectors of eight.
func transpose(x [8]VecVirtual) (y [8]VecVirtual) {
	for i := 0; i < 8; i += 2 {
		a, b := YMM(), YMM()
		VUNPCKLPS(x[i+1], x[i], a)
		VUNPCKHPS(x[i+1], x[i], b)
		x[i], x[i+1] = a, b
	}
	var z [8]VecVirtual
	for i := 0; i < 8; i += 4 {
		for j := range 2 {
			z[i+2*j], z[i+2*j+1] = YMM(), YMM()
			VSHUFPS(U8(0x44), x[i+2+j], x[i+j], z[i+2*j])
			VSHUFPS(U8(0xee), x[i+2+j], x[i+j], z[i+2*j+1])
		}
	}
	for i := range 4 {
		y[i], y[i+4] = YMM(), YMM()
		VPERM2F128(U8(0x20), z[i+4], z[i], y[i])
		VPERM2F128(U8(0x31), z[i+4], z[i], y[i+4])
	}
	return y
}

// move transposes the eight vectors from in(0) on to those from out(0) on.
func move(in, out func(i int) Mem) {
	var x [8]VecVirtual
	for i := range x {
		x[i] = YMM()
		VMOVUPS(in(i), x[i])
	}
	for i, y := range transpose(x) {
		VMOVUPS(y, out(i))
	}
}

// cosines transforms columns, and the rows of tiles. Columns are transposed as they are transformed, once for all tiles that share
// them, so that the rows of tiles need not be.
func cosines() {
	for _, name := range []string{"down", "up"} {
		signature := "func(columns, rows []float32, width int)"
		if name == "up" {
			signature = "func(rows, columns []float32, width int)"
		}
		TEXT(name+"AVX2", 0, signature)
		Pragma("noescape")
		columns, rows, width := Load(Param("columns").Base(), GP64()), Load(Param("rows").Base(), GP64()), Load(Param("width"), GP64())
		// Sixteen rows need five registers: every fourth row, and one to three times the width.
		pitch, pitch3 := GP64(), GP64()
		MOVQ(width, pitch)
		SHLQ(U8(2), pitch)
		LEAQ(Mem{Base: pitch, Index: pitch, Scale: 2}, pitch3)
		var base [4]GPVirtual
		for i := range base {
			base[i] = GP64()
			if i == 0 {
				MOVQ(rows, base[0])
			} else {
				LEAQ(Mem{Base: base[i-1], Index: pitch, Scale: 4}, base[i])
			}
		}
		row := func(i int) Mem {
			m := Mem{Base: base[i/4]}
			switch i % 4 {
			case 1:
				m.Index, m.Scale = pitch, 1
			case 2:
				m.Index, m.Scale = pitch, 2
			case 3:
				m.Index, m.Scale = pitch3, 1
			}
			return m
		}
		spare := AllocLocal(32 * 8)
		work := AllocLocal(32 * tile)
		vector := func(m Mem, from, step int) func(i int) Mem {
			return func(i int) Mem { return m.Offset(from + step*i) }
		}
		column := Mem{Base: columns}
		counted(name, width, func() {
			if name == "down" {
				cosine16(row, vector(work, 0, 32), vector(spare, 0, 32))
				move(vector(work, 0, 32), vector(column, 0, 64))
				move(vector(work, 256, 32), vector(column, 32, 64))
			} else {
				move(vector(column, 0, 64), vector(work, 0, 32))
				move(vector(column, 32, 64), vector(work, 256, 32))
				cosine16T(vector(work, 0, 32), row, vector(spare, 0, 32))
			}
			ADDQ(U32(64*lanes), columns)
			for _, b := range base {
				ADDQ(U8(4*lanes), b)
			}
		})
		VZEROUPPER()
		RET()
	}

	TEXT("acrossAVX2", 0, "func(out *[256]float32, columns []float32)")
	Pragma("noescape")
	out, in := Load(Param("out"), GP64()), Load(Param("columns").Base(), GP64())
	spare := AllocLocal(32 * 8)
	for half := range 2 {
		cosine16(func(i int) Mem { return at(in, 64*i+32*half) }, func(i int) Mem { return at(out, 64*i+32*half) },
			func(i int) Mem { return spare.Offset(32 * i) })
	}
	VZEROUPPER()
	RET()

	TEXT("backAVX2", 0, "func(columns []float32, in *[256]float32)")
	Pragma("noescape")
	out, in = Load(Param("columns").Base(), GP64()), Load(Param("in"), GP64())
	spare = AllocLocal(32 * 8)
	for half := range 2 {
		cosine16T(func(i int) Mem { return at(in, 64*i+32*half) }, func(i int) Mem { return at(out, 64*i+32*half) },
			func(i int) Mem { return spare.Offset(32 * i) })
	}
	VZEROUPPER()
	RET()
}
