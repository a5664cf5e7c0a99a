#include "convert.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define ONE (1 << 14) // 1.0 in the matrix

static inline uint8_t clamp8(int32_t v)
{
	return v < 0 ? 0 : v > 255 ? 255 : v;
}

static inline int clampi(int v, int lo, int hi)
{
	return v < lo ? lo : v > hi ? hi : v;
}

// The Catmull-Rom spline a quarter of the way from its second point to its third, times 128: chroma samples of 4:2:0 are two
// luma samples apart, so half a luma sample is a quarter of theirs.
static const int16_t taps[4] = {-9, 111, 29, -3};

// load_row brings one row of chroma to where JPEG has it, as Q6: a sample's value times 64. tmp has room for n + 3.
static void load_row(const ls_job *job, const uint8_t *plane, int stride, int row, int rows, int n, int16_t *out, int16_t *tmp)
{
	const uint8_t *s = plane + (ptrdiff_t)row * stride;
	int16_t *t = job->shift_x ? tmp + 1 : out;
	int i;
	if (!job->shift_y) {
		for (i = 0; i < n; i++)
			t[i] = s[i] << 6;
	} else {
		const uint8_t *r[4];
		for (i = 0; i < 4; i++)
			r[i] = plane + (ptrdiff_t)clampi(row + (i - 1) * job->shift_y, 0, rows - 1) * stride;
		for (i = 0; i < n; i++)
			t[i] = (taps[0] * r[0][i] + taps[1] * r[1][i] + taps[2] * r[2][i] + taps[3] * r[3][i]) / 2;
	}
	if (!job->shift_x)
		return;
	t[-1] = t[0];
	t[n] = t[n + 1] = t[n - 1];
	for (i = 0; i < n; i++)
		out[i] = (taps[0] * t[i - 1] + taps[1] * t[i] + taps[2] * t[i + 1] + taps[3] * t[i + 2] + 64) >> 7;
}

// matrix_row makes one row of output chroma, and d, what that chroma adds to luma, in Q7. d[-1] and d[n] repeat the edges.
static void matrix_row(const ls_job *job, const int16_t *restrict b, const int16_t *restrict r, int n, uint8_t *restrict cb,
	uint8_t *restrict cr, int16_t *restrict d)
{
	const int16_t bb = job->m[1][1], br = job->m[1][2], rb = job->m[2][1], rr = job->m[2][2];
	const int16_t yb = job->m[0][1], yr = job->m[0][2];
	const int32_t b0 = job->m[1][3] * 64 + (1 << 19), r0 = job->m[2][3] * 64 + (1 << 19), y0 = job->m[0][3] * 64 + (1 << 12);
	int i;
	for (i = 0; i < n; i++)
		cb[i] = clamp8(((int32_t)b[i] * bb + (int32_t)r[i] * br + b0) >> 20);
	for (i = 0; i < n; i++)
		cr[i] = clamp8(((int32_t)b[i] * rb + (int32_t)r[i] * rr + r0) >> 20);
	for (i = 0; i < n; i++)
		d[i] = ((int32_t)b[i] * yb + (int32_t)r[i] * yr + y0) >> 13;
	d[-1] = d[0];
	d[n] = d[n - 1];
}

// luma_row makes one row of output luma. d is what chroma adds to this row, at chroma's width, with its edges repeated.
static void luma_row(const ls_job *job, const uint8_t *restrict s, const int16_t *restrict d, int16_t *restrict e,
	uint8_t *restrict out)
{
	const int w = job->width, n = (w + job->sub_x) >> job->sub_x;
	const int16_t yy = job->m[0][0];
	int i;
	if (job->sub_x) {
		for (i = 0; i < n; i++) {
			e[2 * i] = (3 * d[i] + d[i - 1] + 2) >> 2;
			e[2 * i + 1] = (3 * d[i] + d[i + 1] + 2) >> 2;
		}
		d = e;
	}
	for (i = 0; i < w; i++)
		out[i] = clamp8(((int32_t)s[i] * yy + ((int32_t)d[i] << 7) + (1 << 13)) >> 14);
}

int ls_convert(const ls_job *job, const uint8_t *const src[3], const int sstride[3], uint8_t *y, int ystride, uint8_t *cb,
	uint8_t *cr, int cstride)
{
	const int w = job->width, h = job->height;
	const int n = (w + job->sub_x) >> job->sub_x, rows = (h + job->sub_y) >> job->sub_y;
	const int pitch = n + 4; // one before and up to two after a row
	int row, i, line;
	int16_t *mem = malloc(sizeof(*mem) * (7 * (size_t)pitch + 2 * (size_t)n));
	int16_t *b, *r, *tmp, *v, *e, *d[3];
	if (!mem)
		return -1;
	b = mem;
	r = b + pitch;
	tmp = r + pitch;
	v = tmp + pitch + 1;
	for (i = 0; i < 3; i++)
		d[i] = mem + (4 + i) * pitch + 1;
	e = mem + 7 * pitch;

	for (row = 0; row <= rows; row++) {
		int16_t *now = d[row % 3];
		if (row < rows) {
			load_row(job, src[1], sstride[1], row, rows, n, b, tmp);
			load_row(job, src[2], sstride[2], row, rows, n, r, tmp);
			matrix_row(job, b, r, n, cb + (ptrdiff_t)row * cstride, cr + (ptrdiff_t)row * cstride, now);
		} else {
			memcpy(now - 1, d[(row + 2) % 3] - 1, sizeof(*now) * (n + 2));
		}
		if (row == 0) {
			memcpy(d[2] - 1, now - 1, sizeof(*now) * (n + 2));
			continue;
		}
		// Row row-1 of chroma now has both its neighbours: the luma rows it covers can be made.
		for (i = 0; i <= job->sub_y; i++) {
			const int16_t *near = d[(row + 2) % 3], *far = d[(i ? row : row + 1) % 3];
			line = ((row - 1) << job->sub_y) + i;
			if (line >= h)
				break;
			if (job->sub_y) {
				int k;
				for (k = -1; k <= n; k++)
					v[k] = (3 * near[k] + far[k] + 2) >> 2;
				near = v;
			}
			luma_row(job, src[0] + (ptrdiff_t)line * sstride[0], near, e, y + (ptrdiff_t)line * ystride);
		}
	}
	free(mem);
	return 0;
}

void ls_convert_full(const ls_job *job, const uint8_t *const src[3], const int sstride[3], uint8_t *y, int ystride,
	uint8_t *cb, uint8_t *cr, int cstride)
{
	int line, i, c;
	for (line = 0; line < job->height; line++) {
		const uint8_t *p = src[0] + (ptrdiff_t)line * sstride[0], *q = src[1] + (ptrdiff_t)line * sstride[1];
		const uint8_t *s = src[2] + (ptrdiff_t)line * sstride[2];
		uint8_t *out[3] = {y + (ptrdiff_t)line * ystride, cb + (ptrdiff_t)line * cstride, cr + (ptrdiff_t)line * cstride};
		for (c = 0; c < 3; c++) {
			const int32_t *m = job->m[c];
			uint8_t *o = out[c];
			for (i = 0; i < job->width; i++)
				o[i] = clamp8((m[0] * p[i] + m[1] * q[i] + m[2] * s[i] + m[3] + ONE / 2) >> 14);
		}
	}
}
