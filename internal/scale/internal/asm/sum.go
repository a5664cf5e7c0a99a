package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// down sums pairs of rows, rounds, and puts those colours together that are of the same two pixels.
func down() {
	TEXT("downAVX2", NOSPLIT, "func(to *int16, rows [][]int16, weights [][2]int16, groups int)")
	to, groups := Load(Param("to"), GP64()), Load(Param("groups"), GP64())
	rows, weights, n := Load(Param("rows").Base(), GP64()), Load(Param("weights").Base(), GP64()), Load(Param("weights").Len(), GP64())
	x, half, none := GP64(), ones(1, weightBits-1), zero()
	XORQ(x, x)
	loop("columns", groups, func() {
		var sums [6]VecVirtual // two of each colour
		for i := range sums {
			sums[i] = YMM()
			VMOVDQA(half, sums[i])
		}
		k, row := GP64(), GP64()
		XORQ(k, k)
		MOVQ(rows, row)
		Label("pair")
		pixels, w := GP64(), YMM()
		MOVQ(at(row, 0), pixels)
		VPBROADCASTD(Mem{Base: weights, Index: k, Scale: 4}, w)
		for i, sum := range sums {
			t := YMM()
			VPMADDWD(Mem{Base: pixels, Index: x, Scale: 1, Disp: 32 * i}, w, t)
			VPADDD(t, sum, sum)
		}
		ADDQ(U8(24), row)
		INCQ(k)
		CMPQ(k, n)
		JLT(LabelRef("pair"))

		var colours [3]VecVirtual
		for i := range colours {
			low, high := sums[2*i], sums[2*i+1]
			VPSRAD(U8(weightBits), low, low)
			VPSRAD(U8(weightBits), high, high)
			VPACKSSDW(high, low, low)
			colours[i] = low
		}
		for i, unpack := range []func(...Op){VPUNPCKLDQ, VPUNPCKHDQ} {
			redGreen, blue := YMM(), YMM()
			unpack(colours[1], colours[0], redGreen)
			unpack(none, colours[2], blue)
			for k, unpack := range []func(...Op){VPUNPCKLQDQ, VPUNPCKHQDQ} {
				pixels := YMM()
				unpack(blue, redGreen, pixels)
				VMOVDQU(pixels.AsX(), at(to, 64*i+32*k))
				VEXTRACTI128(U8(1), pixels, at(to, 64*i+32*k+128))
			}
		}
		ADDQ(U32(192), x)
		ADDQ(U32(256), to)
	})
	end()
}

// add adds a pair of rows to a sum.
func add() {
	TEXT("addAVX2", NOSPLIT, "func(sum []int32, pair *int16, weights uint32)")
	sum, n, pair := Load(Param("sum").Base(), GP64()), Load(Param("sum").Len(), GP64()), Load(Param("pair"), GP64())
	w, both := YMM(), Load(Param("weights"), GP32())
	VMOVD(both, w.AsX())
	VPBROADCASTD(w.AsX(), w)
	SHRQ(U8(3), n)
	loop("add", n, func() {
		t := YMM()
		VPMADDWD(at(pair, 0), w, t)
		VPADDD(at(sum, 0), t, t)
		VMOVDQU(t, at(sum, 0))
		ADDQ(U8(32), pair)
		ADDQ(U8(32), sum)
	})
	end()
}

// across sums pairs of pixels of two rows, one in each half of a register.
func across() {
	TEXT("acrossAVX2", NOSPLIT, "func(to *int32, from *int16, first []int, weights *[2]int16, n int)")
	to, from, n := Load(Param("to"), GP64()), Load(Param("from"), GP64()), Load(Param("n"), GP64())
	first, count, weights := Load(Param("first").Base(), GP64()), Load(Param("first").Len(), GP64()), Load(Param("weights"), GP64())
	none, white, half := zero(), ones(whiteOnes, whiteShift), ones(1, weightBits-1)
	loop("pixel", count, func() {
		pixels, left, sum := GP64(), GP64(), YMM()
		weigh := func(pairs int) {
			for i := range pairs {
				w := YMM()
				VPBROADCASTD(at(weights, 4*i), w)
				VPMADDWD(at(pixels, 32*i), w, w)
				VPADDD(w, sum, sum)
			}
			ADDQ(U8(4*pairs), weights)
			ADDQ(U8(32*pairs), pixels)
		}
		MOVQ(at(first, 0), pixels)
		SHLQ(U8(5), pixels)
		ADDQ(from, pixels)
		VMOVDQA(half, sum)
		MOVQ(n, left)
		SHRQ(U8(1), left)
		JZ(LabelRef("last"))
		Label("two")
		weigh(2)
		DECQ(left)
		JNZ(LabelRef("two"))
		Label("last")
		TESTQ(U32(1), n)
		JZ(LabelRef("summed"))
		weigh(1)
		Label("summed")
		VPSRAD(U8(weightBits), sum, sum)
		VPMAXSD(none, sum, sum)
		VPMINSD(white, sum, sum)
		VMOVDQU(sum, at(to, 0))
		ADDQ(U8(32), to)
		ADDQ(U8(8), first)
	})
	end()
}
