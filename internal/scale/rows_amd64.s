#include "textflag.h"

// What light is multiplied with, and the bounds between which it is.
DATA white<>+0(SB)/4, $0x46800000 // 16384
GLOBL white<>(SB), RODATA, $4
DATA one<>+0(SB)/4, $0x3f800000
GLOBL one<>(SB), RODATA, $4

// func acrossAVX2(to, from []pixel, first []int, weights []float32, n int)
// A pixel is 16 bytes. Four of them are weighed at a time, into a sum each, since a sum waits four cycles for the one before.
TEXT ·acrossAVX2(SB), NOSPLIT, $0-104
	MOVQ to_base+0(FP), DI
	MOVQ to_len+8(FP), CX
	MOVQ from_base+24(FP), SI
	MOVQ first_base+48(FP), BX
	MOVQ weights_base+72(FP), DX
	MOVQ n+96(FP), R8

pixel:
	MOVQ   (BX), AX
	SHLQ   $4, AX
	ADDQ   SI, AX
	MOVQ   R8, R9
	VXORPS X0, X0, X0
	VXORPS X1, X1, X1
	VXORPS X2, X2, X2
	VXORPS X3, X3, X3
	SUBQ   $4, R9
	JLT    few

four:
	VBROADCASTSS (DX), X4
	VBROADCASTSS 4(DX), X5
	VBROADCASTSS 8(DX), X6
	VBROADCASTSS 12(DX), X7
	VFMADD231PS  (AX), X4, X0
	VFMADD231PS  16(AX), X5, X1
	VFMADD231PS  32(AX), X6, X2
	VFMADD231PS  48(AX), X7, X3
	ADDQ         $16, DX
	ADDQ         $64, AX
	SUBQ         $4, R9
	JGE          four

few:
	ADDQ $4, R9
	JZ   done

last:
	VBROADCASTSS (DX), X4
	VFMADD231PS  (AX), X4, X0
	ADDQ         $4, DX
	ADDQ         $16, AX
	DECQ         R9
	JNZ          last

done:
	VADDPS  X1, X0, X0
	VADDPS  X3, X2, X2
	VADDPS  X2, X0, X0
	VMOVUPS X0, (DI)
	ADDQ    $16, DI
	ADDQ    $8, BX
	DECQ    CX
	JNZ     pixel
	VZEROUPPER
	RET

// func downAVX2(to []lights, rows [][]pixel, weights []float32)
// Eight pixels of all rows are summed at a time, then one.
TEXT ·downAVX2(SB), NOSPLIT, $0-72
	MOVQ         to_base+0(FP), DI
	MOVQ         to_len+8(FP), CX
	MOVQ         rows_base+24(FP), SI
	MOVQ         weights_base+48(FP), DX
	MOVQ         weights_len+56(FP), R8
	VBROADCASTSS white<>(SB), Y13
	VBROADCASTSS one<>(SB), Y14
	VXORPS       Y15, Y15, Y15
	XORQ         BX, BX                   // where in the rows
	SUBQ         $8, CX
	JLT          rest

eight:
	VXORPS Y0, Y0, Y0
	VXORPS Y1, Y1, Y1
	VXORPS Y2, Y2, Y2
	VXORPS Y3, Y3, Y3
	XORQ   R9, R9
	MOVQ   SI, R10

row:
	MOVQ         (R10), AX
	ADDQ         BX, AX
	VBROADCASTSS (DX)(R9*4), Y4
	VFMADD231PS  (AX), Y4, Y0
	VFMADD231PS  32(AX), Y4, Y1
	VFMADD231PS  64(AX), Y4, Y2
	VFMADD231PS  96(AX), Y4, Y3
	ADDQ         $24, R10
	INCQ         R9
	CMPQ         R9, R8
	JLT          row

	VMAXPS     Y15, Y0, Y0
	VMAXPS     Y15, Y1, Y1
	VMAXPS     Y15, Y2, Y2
	VMAXPS     Y15, Y3, Y3
	VMINPS     Y14, Y0, Y0
	VMINPS     Y14, Y1, Y1
	VMINPS     Y14, Y2, Y2
	VMINPS     Y14, Y3, Y3
	VMULPS     Y13, Y0, Y0
	VMULPS     Y13, Y1, Y1
	VMULPS     Y13, Y2, Y2
	VMULPS     Y13, Y3, Y3
	VCVTPS2DQ  Y0, Y0
	VCVTPS2DQ  Y1, Y1
	VCVTPS2DQ  Y2, Y2
	VCVTPS2DQ  Y3, Y3
	VMOVDQU    Y0, (DI)(BX*1)
	VMOVDQU    Y1, 32(DI)(BX*1)
	VMOVDQU    Y2, 64(DI)(BX*1)
	VMOVDQU    Y3, 96(DI)(BX*1)
	ADDQ       $128, BX
	SUBQ       $8, CX
	JGE        eight

rest:
	ADDQ $8, CX
	JZ   end

one:
	VXORPS X0, X0, X0
	XORQ   R9, R9
	MOVQ   SI, R10

rowOfOne:
	MOVQ         (R10), AX
	VBROADCASTSS (DX)(R9*4), X4
	VFMADD231PS  (AX)(BX*1), X4, X0
	ADDQ         $24, R10
	INCQ         R9
	CMPQ         R9, R8
	JLT          rowOfOne

	VMAXPS    X15, X0, X0
	VMINPS    X14, X0, X0
	VMULPS    X13, X0, X0
	VCVTPS2DQ X0, X0
	VMOVDQU   X0, (DI)(BX*1)
	ADDQ      $16, BX
	DECQ      CX
	JNZ       one

end:
	VZEROUPPER
	RET
