// The fused colour conversion: one pass over the planes, fixed point with 14 fractional bits.
#ifndef LIVESTILL_CONVERT_H
#define LIVESTILL_CONVERT_H

#include <stdint.h>

#include "raw.h"

// What to do with the samples. Row r of m makes output component r of Y', Cb', Cr' from the source's first, second and third
// component (columns 0 to 2, Q14) and a constant (column 3, Q14).
typedef struct {
	int32_t m[3][4];
	int shift_x; // chroma lies 0: where JPEG has it, 1: half a luma sample to the left
	int shift_y; // the same upwards; -1: downwards
} ls_job;

// ls_convert makes JPEG's YCbCr of planar Y, Cb, Cr, subsampled by two at most. m[1][0] and m[2][0] must be zero: grey stays grey. Returns 0, or -1 if
// there is no memory for its row buffers.
int ls_convert(const ls_job *job, const ls_raw *src, uint8_t *y, int ystride, uint8_t *cb, uint8_t *cr, int cstride);

// ls_convert_full makes JPEG's YCbCr of three planes of full size, by the whole matrix.
void ls_convert_full(const ls_job *job, const ls_raw *src, uint8_t *y, int ystride, uint8_t *cb, uint8_t *cr, int cstride);

#endif
