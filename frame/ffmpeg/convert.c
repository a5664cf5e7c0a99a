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

// high is the upper half of a product: with 14 fractional bits in b it takes two from those of a. Compilers know it as one
// instruction for eight samples, which is why samples and coefficients stay within 16 bits here.
static inline int16_t high(int16_t a, int16_t b)
{
	return ((int32_t)a * b) >> 16;
}

// A cubic spline a quarter of the way from its second point to its third, times 64: chroma samples of 4:2:0 are two luma samples
// apart, so half a luma sample is a quarter of theirs.
enum { T0 = -4, T1 = 54, T2 = 16, T3 = -2 };

// load_row brings one row of chroma to where JPEG has it, as Q6: a sample's value times 64. tmp has room for n + 3.
static void load_row(const ls_job *job, const uint8_t *plane, int stride, int row, int rows, int n, int16_t *restrict out,
	uint8_t *restrict tmp)
{
	uint8_t *t = tmp + 1;
	int i;
	if (job->shift_y) {
		const uint8_t *r[4];
		for (i = 0; i < 4; i++)
			r[i] = plane + (ptrdiff_t)clampi(row + (i - 1) * job->shift_y, 0, rows - 1) * stride;
		for (i = 0; i < n; i++)
			t[i] = clamp8((T0 * r[0][i] + T1 * r[1][i] + T2 * r[2][i] + T3 * r[3][i] + 32) >> 6);
	} else {
		memcpy(t, plane + (ptrdiff_t)row * stride, n);
	}
	if (job->shift_x) {
		t[-1] = t[0];
		t[n] = t[n + 1] = t[n - 1];
		for (i = 0; i < n; i++)
			out[i] = T0 * t[i - 1] + T1 * t[i] + T2 * t[i + 1] + T3 * t[i + 2];
	} else {
		for (i = 0; i < n; i++)
			out[i] = t[i] << 6;
	}
}

// matrix_row makes one row of output chroma, and d, what that chroma adds to luma, in Q5. d[-1] and d[n] repeat the edges.
static void matrix_row(const ls_job *job, const int16_t *restrict b, const int16_t *restrict r, int n, uint8_t *restrict cb,
	uint8_t *restrict cr, int16_t *restrict d)
{
	const int16_t bb = job->m[1][1], br = job->m[1][2], rb = job->m[2][1], rr = job->m[2][2];
	const int16_t yb = 2 * job->m[0][1], yr = 2 * job->m[0][2]; // both small
	// The constants in Q4 and Q5, with the half that rounds and what high cuts off in the mean.
	const int16_t b0 = (job->m[1][3] + (br ? 1 << 10 : 0)) / (1 << 10) + 8;
	const int16_t r0 = (job->m[2][3] + (rb ? 1 << 10 : 0)) / (1 << 10) + 8;
	const int16_t y0 = (job->m[0][3] + (1 << 8)) >> 9;
	int i;
	for (i = 0; i < n; i++) {
		int16_t v = (int16_t)(high(b[i], bb) + high(r[i], br) + b0) >> 4;
		cb[i] = v < 0 ? 0 : v > 255 ? 255 : v;
	}
	for (i = 0; i < n; i++) {
		int16_t v = (int16_t)(high(b[i], rb) + high(r[i], rr) + r0) >> 4;
		cr[i] = v < 0 ? 0 : v > 255 ? 255 : v;
	}
	for (i = 0; i < n; i++)
		d[i] = high(b[i], yb) + high(r[i], yr) + y0;
	d[-1] = d[0];
	d[n] = d[n - 1];
}

// luma_row makes one row of output luma. d is what chroma adds to this row, at chroma's width, with its edges repeated.
static void luma_row(const ls_job *job, const uint8_t *restrict s, int w, int sub_x, const int16_t *restrict d,
	int16_t *restrict e, uint8_t *restrict out)
{
	const int16_t yy = job->m[0][0];
	int i;
	if (sub_x) {
		for (i = 0; i < (w + 1) / 2; i++) {
			e[2 * i] = (3 * d[i] + d[i - 1] + 2) >> 2;
			e[2 * i + 1] = (3 * d[i] + d[i + 1] + 2) >> 2;
		}
		d = e;
	}
	for (i = 0; i < w; i++) {
		int16_t v = (int16_t)(high(s[i] << 7, yy) + d[i] + 16) >> 5;
		out[i] = v < 0 ? 0 : v > 255 ? 255 : v;
	}
}

// luma_alone makes one row of output luma to which chroma adds nothing.
static void luma_alone(const ls_job *job, const uint8_t *restrict s, int w, uint8_t *restrict out)
{
	const int16_t yy = job->m[0][0], y0 = ((job->m[0][3] + (1 << 8)) >> 9) + 16;
	int i;
	if (yy == ONE && !job->m[0][3]) {
		memcpy(out, s, w);
		return;
	}
	for (i = 0; i < w; i++) {
		int16_t v = (int16_t)(high(s[i] << 7, yy) + y0) >> 5;
		out[i] = v < 0 ? 0 : v > 255 ? 255 : v;
	}
}

int ls_convert(const ls_job *job, const ls_raw *src, uint8_t *y, int ystride, uint8_t *cb, uint8_t *cr, int cstride)
{
	const int w = src->width, h = src->height, sub_x = src->sub_x, sub_y = src->sub_y;
	const int n = (w + sub_x) >> sub_x, rows = (h + sub_y) >> sub_y;
	const int alone = !job->m[0][1] && !job->m[0][2];
	const int pitch = n + 4; // one before and up to two after a row
	int row, i, line;
	int16_t *mem = malloc(sizeof(*mem) * (7 * (size_t)pitch + 2 * (size_t)n));
	int16_t *b, *r, *v, *e, *d[3];
	uint8_t *tmp;
	if (!mem)
		return -1;
	b = mem;
	r = b + pitch;
	tmp = (uint8_t *)(r + pitch);
	v = r + 2 * pitch + 1;
	for (i = 0; i < 3; i++)
		d[i] = mem + (4 + i) * pitch + 1;
	e = mem + 7 * pitch;

	for (row = 0; row <= rows; row++) {
		int16_t *now = d[row % 3];
		if (row < rows) {
			load_row(job, src->data[1], src->stride[1], row, rows, n, b, tmp);
			load_row(job, src->data[2], src->stride[2], row, rows, n, r, tmp);
			matrix_row(job, b, r, n, cb + (ptrdiff_t)row * cstride, cr + (ptrdiff_t)row * cstride, now);
		} else {
			memcpy(now - 1, d[(row + 2) % 3] - 1, sizeof(*now) * (n + 2));
		}
		if (row == 0) {
			memcpy(d[2] - 1, now - 1, sizeof(*now) * (n + 2));
			continue;
		}
		// Row row-1 of chroma now has both its neighbours: the luma rows it covers can be made.
		for (i = 0; i <= sub_y; i++) {
			const int16_t *near = d[(row + 2) % 3], *far = d[(i ? row : row + 1) % 3];
			const uint8_t *from;
			uint8_t *to;
			line = ((row - 1) << sub_y) + i;
			if (line >= h)
				break;
			from = src->data[0] + (ptrdiff_t)line * src->stride[0];
			to = y + (ptrdiff_t)line * ystride;
			if (alone) {
				luma_alone(job, from, w, to);
				continue;
			}
			if (sub_y) {
				int k;
				for (k = -1; k <= n; k++)
					v[k] = (3 * near[k] + far[k] + 2) >> 2;
				near = v;
			}
			luma_row(job, from, w, sub_x, near, e, to);
		}
	}
	free(mem);
	return 0;
}

void ls_convert_full(const ls_job *job, const ls_raw *src, uint8_t *y, int ystride, uint8_t *cb, uint8_t *cr, int cstride)
{
	int line, i, c;
	for (line = 0; line < src->height; line++) {
		const uint8_t *p = src->data[0] + (ptrdiff_t)line * src->stride[0], *q = src->data[1] + (ptrdiff_t)line * src->stride[1];
		const uint8_t *s = src->data[2] + (ptrdiff_t)line * src->stride[2];
		uint8_t *out[3] = {y + (ptrdiff_t)line * ystride, cb + (ptrdiff_t)line * cstride, cr + (ptrdiff_t)line * cstride};
		for (c = 0; c < 3; c++) {
			const int32_t *m = job->m[c];
			uint8_t *o = out[c];
			for (i = 0; i < src->width; i++)
				o[i] = clamp8((m[0] * p[i] + m[1] * q[i] + m[2] * s[i] + m[3] + ONE / 2) >> 14);
		}
	}
}
