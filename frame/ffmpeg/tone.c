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

// Rows of samples that a picture is made of, one after the other. Those of chroma are there thrice: a row, the one before and the one behind. Each
// has room for one sample before it and two behind.
enum { LUMA, CB, CR = CB + 3, SPREAD_CB = CR + 3, SPREAD_CR, TMP, MORE, MEAN, RED, GREEN, BLUE, ROWS };

// Where a picture is made.
typedef struct {
	const ls_tone_job *job;
	const float *table;
	const ls_raw *src;
	float *rows[ROWS];
	ls_rgb at;
} ls_bench;

// make_whole makes a line of a picture whose planes are all of the same size.
static void make_whole(ls_bench *b, int line, uint8_t *y, uint8_t *cb, uint8_t *cr)
{
	const int w = b->src->width;
	int c;
	for (c = 0; c < 3; c++)
		load(b->job, b->src, c, line, w, b->rows[LUMA + c]);
	to_nodes(b->job, b->rows[LUMA], b->rows[LUMA + 1], b->rows[LUMA + 2], w, &b->at);
	map_all(b->job, b->table, &b->at, w, y, cb, cr);
}

// spread makes a row of chroma as wide as luma, of the two rows that it lies between, which may be the same. tmp is as wide as chroma.
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

// make_luma makes a line of luma of the rows of chroma that it lies between, and adds it to the mean. n is the width of chroma.
static void make_luma(ls_bench *b, int line, int near, int far, int n, uint8_t *out)
{
	float *cb = b->rows[SPREAD_CB], *cr = b->rows[SPREAD_CR], *luma = b->rows[LUMA], *mean = b->rows[MEAN];
	int w = b->src->width, i;
	load(b->job, b->src, 0, line, w, luma);
	luma[w] = luma[w - 1]; // of an odd width the last counts twice
	for (i = 0; i < n; i++)
		mean[i] += luma[2 * i] + luma[2 * i + 1];
	spread(b->rows[CB + near], b->rows[CB + far], n, b->rows[TMP], cb);
	spread(b->rows[CR + near], b->rows[CR + far], n, b->rows[TMP], cr);
	to_nodes(b->job, luma, cb, cr, w, &b->at);
	map_luma(b->job, b->table, &b->at, w, out);
}

// make_chroma makes a row of chroma, by the mean of luma of so many lines.
static void make_chroma(ls_bench *b, int row, int lines, int n, uint8_t *cb, uint8_t *cr)
{
	const float share = 0.5f / lines;
	float *mean = b->rows[MEAN];
	int i;
	for (i = 0; i < n; i++)
		mean[i] *= share;
	to_nodes(b->job, mean, b->rows[CB + row], b->rows[CR + row], n, &b->at);
	map_chroma(b->job, b->table, &b->at, n, cb, cr);
	memset(mean, 0, sizeof(*mean) * n);
}

// load_both loads row of both planes of chroma, of which there are so many rows and columns.
static void load_both(ls_bench *b, int row, int rows, int n)
{
	load_chroma(b->job, b->src, 1, row, rows, n, b->rows[CB + row % 3], b->rows[TMP], b->rows[MORE]);
	load_chroma(b->job, b->src, 2, row, rows, n, b->rows[CR + row % 3], b->rows[TMP], b->rows[MORE]);
}

int ls_tone(const ls_tone_job *job, const float *table, const ls_raw *src, uint8_t *y, int ystride, uint8_t *cb, uint8_t *cr, int cstride)
{
	const int sub_x = src->grey || src->sub_x, sub_y = src->grey || src->sub_y, w = src->width, h = src->height;
	const int n = (w + sub_x) >> sub_x, rows = (h + sub_y) >> sub_y;
	const int pitch = w + 1 + 4;
	float *mem = calloc((size_t)ROWS * pitch, sizeof(*mem));
	ls_bench b = {job, table, src};
	int i, row, line;
	if (!mem)
		return -1;
	for (i = 0; i < ROWS; i++)
		b.rows[i] = mem + (ptrdiff_t)i * pitch + 1;
	b.at = (ls_rgb){b.rows[RED], b.rows[GREEN], b.rows[BLUE]};
	for (line = 0; line < h && !sub_x; line++)
		make_whole(&b, line, y + (ptrdiff_t)line * ystride, cb + (ptrdiff_t)line * cstride, cr + (ptrdiff_t)line * cstride);
	if (sub_x)
		load_both(&b, 0, rows, n);
	for (row = 0; row < rows && sub_x; row++) {
		const int before = row > 0 ? row - 1 : 0, behind = row < rows - 1 ? row + 1 : row;
		if (behind > row)
			load_both(&b, behind, rows, n);
		for (line = row << sub_y; line < (row + 1) << sub_y && line < h; line++) {
			const int far = !sub_y ? row : line % 2 ? behind : before;
			make_luma(&b, line, row % 3, far % 3, n, y + (ptrdiff_t)line * ystride);
		}
		make_chroma(&b, row % 3, line - (row << sub_y), n, cb + (ptrdiff_t)row * cstride, cr + (ptrdiff_t)row * cstride);
	}
	free(mem);
	return 0;
}
