#include "textflag.h"

// func doubleAVX2(to, from *byte, blocks int)
TEXT ·doubleAVX2(SB), NOSPLIT, $0-24
	MOVQ to+0(FP), DI
	MOVQ from+8(FP), SI
	MOVQ blocks+16(FP), CX

block:
	VMOVDQU    (SI), X0
	VPUNPCKHBW X0, X0, X1
	VPUNPCKLBW X0, X0, X0
	VMOVDQU    X0, (DI)
	VMOVDQU    X1, 16(DI)
	ADDQ       $16, SI
	ADDQ       $32, DI
	DECQ       CX
	JNZ        block
	RET

// LIGHT makes light of 16 values: of luma in Y0 and what chroma adds to it. R8 has the constants, sixteen of each.
#define LIGHT(tint, to) \
	VPADDSW   tint, Y0, Y8;     \
	VPMAXSW   Y15, Y8, Y8;      \
	VPMULHRSW 192(R8), Y8, Y9;  \
	VMOVDQU   (R8), Y10;        \
	VPADDW    160(R8), Y9, Y9;  \
	VPMULHRSW Y8, Y9, Y9;       \
	VPSUBUSW  Y8, Y10, Y10;     \
	VPADDW    128(R8), Y9, Y9;  \
	VPMULHRSW Y8, Y9, Y9;       \
	VPADDW    96(R8), Y9, Y9;   \
	VPMULHRSW Y8, Y9, Y9;       \
	VPADDW    64(R8), Y9, Y9;   \
	VPMULHRSW Y8, Y9, Y9;       \
	VPMULHRSW 224(R8), Y8, Y8;  \
	VPADDW    32(R8), Y9, Y9;   \
	VPSUBW    Y10, Y9, Y9;      \
	VPMAXSW   Y8, Y9, to

// TINT makes of chroma what it adds to red, green and blue.
#define TINT(cb, cr) \
	VPMOVZXBW (cb)(BX*1), Y1;    \
	VPMOVZXBW (cr)(BX*1), Y2;    \
	VPSUBW    256(R8), Y1, Y1;   \
	VPSUBW    256(R8), Y2, Y2;   \
	VPSLLW    $8, Y1, Y1;        \
	VPSLLW    $8, Y2, Y2;        \
	VPMULHRSW 288(R8), Y2, Y11;  \
	VPMULHRSW 320(R8), Y1, Y12;  \
	VPMULHRSW 352(R8), Y2, Y13;  \
	VPADDW    Y13, Y12, Y12;     \
	VPMULHRSW 384(R8), Y1, Y13

// ROW makes light of 16 pixels.
#define ROW(luma, red, green, blue) \
	VPMOVZXBW (luma)(BX*1), Y0;  \
	VPSLLW    $8, Y0, Y0;        \
	VPMULHUW  416(R8), Y0, Y0;   \
	LIGHT(Y11, red)              \
	LIGHT(Y12, green)            \
	LIGHT(Y13, blue)

// STORE stores a component of both rows, in pairs: those of four pixels of each half.
#define STORE(above, below, at) \
	VPUNPCKLWD below, above, Y8;   \
	VPUNPCKHWD below, above, Y9;   \
	VMOVDQU    Y8, at(DI);         \
	VMOVDQU    Y9, at+32(DI)

// func lightAVX2(to *int16, above, below *[3][]byte, constants *[14][16]int16, groups int)
TEXT ·lightAVX2(SB), NOSPLIT, $0-40
	MOVQ  to+0(FP), DI
	MOVQ  above+8(FP), AX
	MOVQ  below+16(FP), CX
	MOVQ  constants+24(FP), R8
	MOVQ  groups+32(FP), DX
	MOVQ  (AX), R9
	MOVQ  24(AX), R10
	MOVQ  48(AX), R11
	MOVQ  (CX), R12
	MOVQ  24(CX), R13
	MOVQ  48(CX), SI
	XORQ  BX, BX
	VPXOR Y15, Y15, Y15

group:
	TINT(R10, R11)
	ROW(R9, Y3, Y4, Y5)
	CMPQ R10, R13
	JEQ  shared
	TINT(R13, SI)

shared:
	ROW(R12, Y6, Y7, Y14)
	STORE(Y3, Y6, 0)
	STORE(Y4, Y7, 64)
	STORE(Y5, Y14, 128)
	ADDQ $192, DI
	ADDQ $16, BX
	DECQ DX
	JNZ  group
	VZEROUPPER
	RET

// WEIGH adds a pair of each component of 16 pixels.
#define WEIGH(at, sum) \
	VPMADDWD at(AX), Y6, Y7; \
	VPADDD   Y7, sum, sum

// ROUND makes 16-bit numbers of two sums.
#define ROUND(low, high, to) \
	VPADDD    Y14, low, low;    \
	VPADDD    Y14, high, high;  \
	VPSRAD    $14, low, low;    \
	VPSRAD    $14, high, high;  \
	VPACKSSDW high, low, to


// func downAVX2(to *int16, rows [][]int16, weights [][2]int16, groups int)
TEXT ·downAVX2(SB), NOSPLIT, $0-64
	MOVQ     to+0(FP), DI
	MOVQ     rows_base+8(FP), SI
	MOVQ     weights_base+32(FP), DX
	MOVQ     weights_len+40(FP), R8
	MOVQ     groups+56(FP), CX
	XORQ     BX, BX                 // where in the rows
	VPCMPEQD Y14, Y14, Y14
	VPSRLD   $31, Y14, Y14
	VPSLLD   $13, Y14, Y14          // half of what is shifted away
	VPXOR    Y15, Y15, Y15

group:
	VPXOR Y0, Y0, Y0
	VPXOR Y1, Y1, Y1
	VPXOR Y2, Y2, Y2
	VPXOR Y3, Y3, Y3
	VPXOR Y4, Y4, Y4
	VPXOR Y5, Y5, Y5
	XORQ  R9, R9
	MOVQ  SI, R10

pair:
	MOVQ         (R10), AX
	ADDQ         BX, AX
	VPBROADCASTD (DX)(R9*4), Y6
	WEIGH(0, Y0)
	WEIGH(32, Y1)
	WEIGH(64, Y2)
	WEIGH(96, Y3)
	WEIGH(128, Y4)
	WEIGH(160, Y5)
	ADDQ         $24, R10
	INCQ         R9
	CMPQ         R9, R8
	JLT          pair

	ROUND(Y0, Y1, Y0)
	ROUND(Y2, Y3, Y2)
	ROUND(Y4, Y5, Y4)
	VPUNPCKLDQ  Y2, Y0, Y1  // red and green of the first two pairs of each half
	VPUNPCKHDQ  Y2, Y0, Y3
	VPUNPCKLDQ  Y15, Y4, Y5 // blue
	VPUNPCKHDQ  Y15, Y4, Y6
	VPUNPCKLQDQ Y5, Y1, Y8
	VPUNPCKHQDQ Y5, Y1, Y9
	VPUNPCKLQDQ Y6, Y3, Y10
	VPUNPCKHQDQ Y6, Y3, Y11
	VMOVDQU      X8, (DI)
	VMOVDQU      X9, 32(DI)
	VMOVDQU      X10, 64(DI)
	VMOVDQU      X11, 96(DI)
	VEXTRACTI128 $1, Y8, 128(DI)
	VEXTRACTI128 $1, Y9, 160(DI)
	VEXTRACTI128 $1, Y10, 192(DI)
	VEXTRACTI128 $1, Y11, 224(DI)
	ADDQ         $192, BX
	ADDQ         $256, DI
	DECQ         CX
	JNZ          group
	VZEROUPPER
	RET

// func acrossAVX2(to []lights, from *int16, first []int, weights *[2]int16, n int)
TEXT ·acrossAVX2(SB), NOSPLIT, $0-72
	MOVQ     to_base+0(FP), DI
	MOVQ     to_len+8(FP), CX
	MOVQ     from+24(FP), SI
	MOVQ     first_base+32(FP), BX
	MOVQ     weights+56(FP), DX
	MOVQ     n+64(FP), R8
	VPXOR    Y15, Y15, Y15
	VPCMPEQD Y14, Y14, Y14
	VPSRLD   $31, Y14, Y14
	VPSLLD   $12, Y14, Y13
	VPSLLD   $14, Y14, Y12
	VPADDD   Y12, Y13, Y13
	VPSLLD   $13, Y14, Y12
	VPADDD   Y12, Y13, Y13 // white: 28672
	VPSLLD   $13, Y14, Y14 // half of what is shifted away

pixel:
	MOVQ  (BX), AX
	SHLQ  $5, AX
	ADDQ  SI, AX
	MOVQ  R8, R9
	VMOVDQA Y14, Y0
	TESTQ $1, R9
	JZ    two
	VPBROADCASTD (DX), Y4
	VPMADDWD     (AX), Y4, Y4
	VPADDD       Y4, Y0, Y0
	ADDQ         $4, DX
	ADDQ         $32, AX
	DECQ         R9
	JZ           done

two:
	VPBROADCASTD (DX), Y4
	VPBROADCASTD 4(DX), Y5
	VPMADDWD     (AX), Y4, Y4
	VPMADDWD     32(AX), Y5, Y5
	VPADDD       Y4, Y5, Y5
	VPADDD       Y5, Y0, Y0
	ADDQ         $8, DX
	ADDQ         $64, AX
	SUBQ         $2, R9
	JNZ          two

done:
	VPSRAD  $14, Y0, Y0
	VPMAXSD Y15, Y0, Y0
	VPMINSD Y13, Y0, Y0
	VMOVDQU Y0, (DI)
	ADDQ    $32, DI
	ADDQ    $8, BX
	DECQ    CX
	JNZ     pixel
	VZEROUPPER
	RET

// LOOKUP replaces the light of two pixels, one below the other.
#define LOOKUP(at, to) \
	VPCMPEQD   Y9, Y9, Y9;             \
	VMOVDQU    at(SI), Y8;             \
	VPXOR      to, to, to;             \
	VPGATHERDD Y9, (R8)(Y8*2), to;     \
	VPAND      Y15, to, to

// func writeAVX2(luma *[2][]byte, cb, cr *byte, from *lights, levels *[1 << 15]uint16, shares *[3][16]int16, blocks int)
// Eight pixels of both rows at a time. Two that are beside each other, as 16-bit numbers, are a register: those of one row a half.
TEXT ·writeAVX2(SB), NOSPLIT, $0-56
	MOVQ     luma+0(FP), AX
	MOVQ     cb+8(FP), R9
	MOVQ     cr+16(FP), R10
	MOVQ     from+24(FP), SI
	MOVQ     levels+32(FP), R8
	MOVQ     shares+40(FP), BX
	MOVQ     blocks+48(FP), CX
	MOVQ     (AX), DI
	MOVQ     24(AX), DX
	VPCMPEQD Y15, Y15, Y15
	VPSRLD   $16, Y15, Y15
	VPCMPEQD Y13, Y13, Y13
	VPSRLD   $31, Y13, Y13
	VPSLLD   $21, Y13, Y10
	VPSLLD   $29, Y13, Y11
	VPADDD   Y11, Y10, Y10 // 128, and half of what is shifted away
	VPSLLD   $19, Y13, Y13 // half of what is shifted away
	VMOVDQU  (BX), Y14
	VMOVDQU  32(BX), Y12
	VMOVDQU  64(BX), Y11

eight:
	LOOKUP(0, Y0)
	LOOKUP(32, Y1)
	VPACKSSDW Y1, Y0, Y0
	LOOKUP(64, Y1)
	LOOKUP(96, Y2)
	VPACKSSDW Y2, Y1, Y1
	LOOKUP(128, Y2)
	LOOKUP(160, Y3)
	VPACKSSDW Y3, Y2, Y2
	LOOKUP(192, Y3)
	LOOKUP(224, Y4)
	VPACKSSDW Y4, Y3, Y3

	VPMADDWD     Y14, Y0, Y4
	VPMADDWD     Y14, Y1, Y5
	VPHADDD      Y5, Y4, Y4
	VPMADDWD     Y14, Y2, Y5
	VPMADDWD     Y14, Y3, Y6
	VPHADDD      Y6, Y5, Y5
	VPADDD       Y13, Y4, Y4
	VPADDD       Y13, Y5, Y5
	VPSRAD       $20, Y4, Y4
	VPSRAD       $20, Y5, Y5
	VPACKSSDW    Y5, Y4, Y4
	VPACKUSWB    Y4, Y4, Y4
	VMOVQ        X4, (DI)
	VEXTRACTI128 $1, Y4, X4
	VMOVQ        X4, (DX)

	VPUNPCKLQDQ  Y1, Y0, Y4
	VPUNPCKHQDQ  Y1, Y0, Y5
	VPADDW       Y5, Y4, Y4
	VPUNPCKLQDQ  Y3, Y2, Y6
	VPUNPCKHQDQ  Y3, Y2, Y7
	VPADDW       Y7, Y6, Y6
	VEXTRACTI128 $1, Y4, X5
	VEXTRACTI128 $1, Y6, X7
	VPADDW       X5, X4, X4 // sums of four pixels
	VPADDW       X7, X6, X6
	VPMADDWD     X12, X4, X0
	VPMADDWD     X12, X6, X1
	VPHADDD      X1, X0, X0
	VPMADDWD     X11, X4, X1
	VPMADDWD     X11, X6, X2
	VPHADDD      X2, X1, X1
	VPADDD       X10, X0, X0
	VPADDD       X10, X1, X1
	VPSRAD       $22, X0, X0
	VPSRAD       $22, X1, X1
	VPACKSSDW    X1, X0, X0
	VPACKUSWB    X0, X0, X0
	VMOVD        X0, (R9)
	VPEXTRD      $1, X0, (R10)
	ADDQ         $256, SI
	ADDQ         $8, DI
	ADDQ         $8, DX
	ADDQ         $4, R9
	ADDQ         $4, R10
	DECQ         CX
	JNZ          eight
	VZEROUPPER
	RET
