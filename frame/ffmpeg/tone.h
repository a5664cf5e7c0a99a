// Tone and gamut mapping by a table of three dimensions: the colours of 8 to 16 bits that come become those of a still.
#ifndef LIVESTILL_TONE_H
#define LIVESTILL_TONE_H

#include <stdint.h>

#include "raw.h"

// What to do with the samples.
typedef struct {
	// Row r makes R', G' and B' of the source's first, second and third component (columns 0 to 2, in code values) and a constant. They are
	// counted in nodes of the table.
	float m[3][4];
	int nodes;        // of the table along each edge
	int wide;         // samples have 16 bits
	float neutral;    // the code value of chroma without colour
	int shift_x;      // chroma lies 0: where JPEG has it, 1: half a luma sample to the left
	int shift_y;      // the same upwards; -1: downwards
} ls_tone_job;

// ls_tone makes JPEG's YCbCr of three planes, or of luma alone, subsampled by two at most; luma alone makes 4:2:0. A node of the table has four
// floats: Y', Cb and Cr from 0 to 255, and one that is not read. Returns 0, or -1 if there is no memory for its row buffers.
int ls_tone(const ls_tone_job *job, const float *table, const ls_raw *src, uint8_t *y, int ystride, uint8_t *cb, uint8_t *cr, int cstride);

#endif
