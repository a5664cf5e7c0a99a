#include "tone.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

// A node of the table. Go aligns it to four bytes.
typedef float node __attribute__((vector_size(16), aligned(4)));

static inline int clampi(int v, int lo, int hi)
{
	return v < lo ? lo : v > hi ? hi : v;
}

// A cubic spline a quarter of the way from its second point to its third, as in convert.c.
static const float T0 = -4 / 64.f, T1 = 54 / 64.f, T2 = 16 / 64.f, T3 = -2 / 64.f;

static inline const uint8_t *line_of(const ls_raw *src, int plane, int row)
{
	return src->data[plane] + (ptrdiff_t)row * src->stride[plane];
}

static void load(const ls_tone_job *job, const ls_raw *src, int plane, int row, int n, float *restrict out)
{
	const uint8_t *from = line_of(src, plane, row);
	int i;
	if (job->wide) {
		const uint16_t *wide = (const uint16_t *)from;
		for (i = 0; i < n; i++)
			out[i] = wide[i];
	} else {
		for (i = 0; i < n; i++)
			out[i] = from[i];
	}
}

// load_chroma brings one row of chroma to where JPEG has it. out has room for one sample before it and two behind; tmp is as long. more is
// where rows are put that are only needed to make this one.
static void load_chroma(const ls_tone_job *job, const ls_raw *src, int plane, int row, int rows, int n, float *restrict out,
	float *restrict tmp, float *restrict more)
{
	static const float tap[4] = {T0, T1, T2, T3};
	float *t = job->shift_x ? tmp : out;
	int i, k;
	if (src->grey) {
		for (i = -1; i < n + 2; i++)
			out[i] = job->neutral;
		return;
	}
	if (job->shift_y) {
		memset(t, 0, sizeof(*t) * n);
		for (k = 0; k < 4; k++) {
			load(job, src, plane, clampi(row + (k - 1) * job->shift_y, 0, rows - 1), n, more);
			for (i = 0; i < n; i++)
				t[i] += tap[k] * more[i];
		}
	} else {
		load(job, src, plane, row, n, t);
	}
	t[-1] = t[0];
	t[n] = t[n + 1] = t[n - 1];
	if (job->shift_x) {
		for (i = 0; i < n; i++)
			out[i] = T0 * t[i - 1] + T1 * t[i] + T2 * t[i + 1] + T3 * t[i + 2];
		out[-1] = out[0];
		out[n] = out[n - 1];
	}
}

// look_up returns the colour between nodes: the mean of four corners of a cube, which are those of the tetrahedron that it lies in.
static inline node look_up(const float *table, int nodes, float r, float g, float b)
{
	const int ri = r, gi = g, bi = b;
	const int dr = nodes * nodes * 4, dg = nodes * 4, db = 4;
	const float *at = table + ri * dr + gi * dg + bi * db;
	float hi, mid, lo;
	int first, second; // from the nearest corner to the next two
	r -= ri;
	g -= gi;
	b -= bi;
	if (r > g) {
		if (g > b)
			hi = r, mid = g, lo = b, first = dr, second = dr + dg;
		else if (r > b)
			hi = r, mid = b, lo = g, first = dr, second = dr + db;
		else
			hi = b, mid = r, lo = g, first = db, second = db + dr;
	} else {
		if (b > g)
			hi = b, mid = g, lo = r, first = db, second = db + dg;
		else if (b > r)
			hi = g, mid = b, lo = r, first = dg, second = dg + db;
		else
			hi = g, mid = r, lo = b, first = dg, second = dg + dr;
	}
	return (1 - hi) * *(const node *)at + (hi - mid) * *(const node *)(at + first) + (mid - lo) * *(const node *)(at + second) +
		lo * *(const node *)(at + dr + dg + db);
}

// Rows of samples on their way.
typedef struct {
	float *r, *g, *b;
} ls_rgb;

// to_nodes makes places in the table of samples.
static void to_nodes(const ls_tone_job *job, const float *restrict y, const float *restrict cb, const float *restrict cr, int n, ls_rgb *to)
{
	const float end = job->nodes - 1.001f; // the last has a node behind it
	float *restrict rows[3] = {to->r, to->g, to->b};
	int c, i;
	for (c = 0; c < 3; c++) {
		const float m0 = job->m[c][0], m1 = job->m[c][1], m2 = job->m[c][2], m3 = job->m[c][3];
		float *restrict out = rows[c];
		for (i = 0; i < n; i++) {
			float v = m0 * y[i] + m1 * cb[i] + m2 * cr[i] + m3;
			v = v > 0 ? v : 0;
			out[i] = v < end ? v : end;
		}
	}
}

static void map_luma(const ls_tone_job *job, const float *table, const ls_rgb *from, int n, uint8_t *restrict y)
{
	int i;
	for (i = 0; i < n; i++)
		y[i] = look_up(table, job->nodes, from->r[i], from->g[i], from->b[i])[0] + 0.5f;
}

static void map_chroma(const ls_tone_job *job, const float *table, const ls_rgb *from, int n, uint8_t *restrict cb, uint8_t *restrict cr)
{
	int i;
	for (i = 0; i < n; i++) {
		node v = look_up(table, job->nodes, from->r[i], from->g[i], from->b[i]);
		cb[i] = v[1] + 0.5f;
		cr[i] = v[2] + 0.5f;
	}
}

static void map_all(const ls_tone_job *job, const float *table, const ls_rgb *from, int n, uint8_t *restrict y, uint8_t *restrict cb,
	uint8_t *restrict cr)
{
	int i;
	for (i = 0; i < n; i++) {
		node v = look_up(table, job->nodes, from->r[i], from->g[i], from->b[i]);
		y[i] = v[0] + 0.5f;
		cb[i] = v[1] + 0.5f;
		cr[i] = v[2] + 0.5f;
	}
}

static void whole(const ls_tone_job *job, const float *table, const ls_raw *src, float *mem, int pitch, uint8_t *y, int ystride, uint8_t *cb,
	uint8_t *cr, int cstride)
{
	ls_rgb at = {mem + 3 * pitch, mem + 4 * pitch, mem + 5 * pitch};
	int line, c;
	for (line = 0; line < src->height; line++) {
		for (c = 0; c < 3; c++)
			load(job, src, c, line, src->width, mem + c * pitch);
		to_nodes(job, mem, mem + pitch, mem + 2 * pitch, src->width, &at);
		map_all(job, table, &at, src->width, y + (ptrdiff_t)line * ystride, cb + (ptrdiff_t)line * cstride,
			cr + (ptrdiff_t)line * cstride);
	}
}

// spread makes a row of chroma as wide as luma of the two rows that it lies between, which may be the same. tmp is as wide as chroma.
static void spread(const float *restrict near, const float *restrict far, int n, float *restrict tmp, float *restrict out)
{
	int i;
	for (i = -1; i <= n; i++)
		tmp[i] = 0.75f * near[i] + 0.25f * far[i];
	for (i = 0; i < n; i++) {
		out[2 * i] = 0.75f * tmp[i] + 0.25f * tmp[i - 1];
		out[2 * i + 1] = 0.75f * tmp[i] + 0.25f * tmp[i + 1];
	}
}

// mean adds the luma that a row of chroma is for; it is the mean in the end.
static void mean(const float *restrict y, int w, float share, float *restrict sum)
{
	int i;
	for (i = 0; i < w / 2; i++)
		sum[i] += share * (y[2 * i] + y[2 * i + 1]);
	if (w % 2)
		sum[i] += 2 * share * y[w - 1];
}

int ls_tone(const ls_tone_job *job, const float *table, const ls_raw *src, uint8_t *y, int ystride, uint8_t *cb, uint8_t *cr, int cstride)
{
	const int sub_x = src->grey || src->sub_x, sub_y = src->grey || src->sub_y, w = src->width, h = src->height;
	const int n = (w + sub_x) >> sub_x, rows = (h + sub_y) >> sub_y;
	const int pitch = 2 * ((w + 1) / 2) + 4; // one before and up to two after a row
	enum { LUMA, CB, CR = CB + 3, NEAR = CR + 3, FAR, TMP, MORE, SUM, RED, GREEN, BLUE, ROWS };
	float *mem = malloc(sizeof(*mem) * ROWS * (size_t)pitch), *row_of[ROWS];
	ls_rgb at;
	int i, k, row, line;
	if (!mem)
		return -1;
	for (i = 0; i < ROWS; i++)
		row_of[i] = mem + (ptrdiff_t)i * pitch + 1;
	at = (ls_rgb){row_of[RED], row_of[GREEN], row_of[BLUE]};
	if (!sub_x) {
		whole(job, table, src, mem, pitch, y, ystride, cb, cr, cstride);
		free(mem);
		return 0;
	}
	for (row = 0; row <= rows; row++) {
		float *sum = row_of[SUM];
		// The row, and its neighbours: those at the edges are their own.
		const int next = clampi(row, 0, rows - 1);
		load_chroma(job, src, 1, next, rows, n, row_of[CB + row % 3], row_of[TMP], row_of[MORE]);
		load_chroma(job, src, 2, next, rows, n, row_of[CR + row % 3], row_of[TMP], row_of[MORE]);
		if (row == 0) {
			memcpy(row_of[CB + 2] - 1, row_of[CB] - 1, sizeof(*mem) * (n + 2));
			memcpy(row_of[CR + 2] - 1, row_of[CR] - 1, sizeof(*mem) * (n + 2));
			continue;
		}
		const float *b = row_of[CB + (row + 2) % 3], *r = row_of[CR + (row + 2) % 3];
		memset(sum, 0, sizeof(*sum) * n);
		for (i = 0; i <= sub_y; i++) {
			const int beside = !sub_y ? (row + 2) % 3 : i ? row % 3 : (row + 1) % 3;
			k = ((row - 1) << sub_y) + i;
			line = k < h ? k : h - 1; // of an odd height the last counts twice
			load(job, src, 0, line, w, row_of[LUMA]);
			mean(row_of[LUMA], w, sub_y ? 0.25f : 0.5f, sum);
			if (k >= h)
				continue;
			spread(b, row_of[CB + beside], n, row_of[TMP], row_of[NEAR]);
			spread(r, row_of[CR + beside], n, row_of[TMP], row_of[FAR]);
			to_nodes(job, row_of[LUMA], row_of[NEAR], row_of[FAR], w, &at);
			map_luma(job, table, &at, w, y + (ptrdiff_t)line * ystride);
		}
		to_nodes(job, sum, b, r, n, &at);
		map_chroma(job, table, &at, n, cb + (ptrdiff_t)(row - 1) * cstride, cr + (ptrdiff_t)(row - 1) * cstride);
	}
	free(mem);
	return 0;
}
