#include "deinterlace.h"

#include "raw.h"

#include <stdint.h>
#include <string.h>

#include <libavutil/frame.h>
#include <libavutil/mem.h>
#include <libavutil/pixdesc.h>

#define BLOCK 16 // lines and columns of a block

// What tells a picture of two instants. The numbers are fitted on ten clips of 640 x 480, woven and not woven, raw and coded as interlaced by x264 and
// FFmpeg's MPEG-4, good and bad: faces, pans, letters that move, noise of 20 grey levels. Of 4,400 pictures that were not woven one is taken for
// combed; of those that were, all but those that hardly move or drown in noise.
enum {
	FLOOR = 6,          // grey levels that a sample may stick out of its neighbours, by noise
	TEXTURE = 5,        // halves of what texture does that combs have to do more than
	COMBED = 80,        // and that those of a block stick out further, in all, where it is combed
	CLEARLY = 480,      // the same if there is nothing to compare with
	FAINTLY = 120,      // the same if others are clearly combed
	FEW = 4,            // so many blocks may be so by chance, of those that are compared with nothing
	LIKELIER_BEFORE = 4 // so many times more blocks are combed with the picture before, where a picture is of one instant
};

// The lines of one plane of a field.
typedef struct {
	const uint8_t *data; // NULL if they are not there
	ptrdiff_t stride;
	int first, n; // the number of the first, as a line of the picture, which is 0 or 1; and how many there are
} lines;

// One plane of what ls_deinterlace is to do.
typedef struct {
	lines kept, other, kept_before, other_before;
	int width, height; // of the picture
	int sub_x, sub_y;  // log2 of its subsampling
	int depth;
	int late;
	uint8_t *mask; // a byte a block: lines are interpolated there; NULL for all
	int across;    // blocks in a row
} plane;

// line returns line y of the picture, or the nearest of those that the field has.
static const uint8_t *line(const lines *l, int y)
{
	int i = (y - l->first) / 2;
	return l->data + l->stride * (i < 0 ? 0 : i >= l->n ? l->n - 1 : i);
}

// The functions with an argument wide are inlined twice: for samples of one byte, and of two.
static inline int get(const uint8_t *row, int x, int wide)
{
	return wide ? ((const uint16_t *)row)[x] : row[x];
}

static inline void put(uint8_t *row, int x, int v, int wide)
{
	if (wide)
		((uint16_t *)row)[x] = v;
	else
		row[x] = v;
}

static inline int least(int a, int b) { return a < b ? a : b; }
static inline int most(int a, int b) { return a > b ? a : b; }
static inline int distance(int a, int b) { return a < b ? b - a : a - b; }
static inline int within(int v, int lo, int hi) { return v < lo ? lo : v > hi ? hi : v; }

// sticks_out tells how far v lies out of the range from a to b, beyond the floor.
static inline int sticks_out(int v, int a, int b)
{
	return most(most(least(a, b) - v, v - most(a, b)) - FLOOR, 0);
}

// What the samples of a block stick out, in all.
typedef struct {
	int now;     // those of other between the lines of kept, as far as something has changed
	int before;  // the same of what was half a picture away on the other side: those of other_before between the lines of kept, or if other is
	             // shown before kept, its own between the lines of kept_before
	int texture; // those of kept between other lines of it
} comb;

// comb_line adds what line y, which is one of other, has of the combs of a row of blocks.
static inline void comb_line(const plane *p, int y, comb *combs, int wide)
{
	const uint8_t *a = line(&p->kept, y - 1), *c = line(&p->kept, y + 1), *e = line(&p->kept, y + 3), *b = line(&p->other, y);
	const uint8_t *ka = a, *kc = c, *q = b;
	int x, i, shift = p->depth - 8, timed = p->other_before.data != NULL;
	if (timed) {
		ka = line(&p->kept_before, y - 1);
		kc = line(&p->kept_before, y + 1);
		q = line(&p->other_before, y);
	}
	for (x = 0; x < p->width; x += BLOCK, combs++) {
		int now = 0, before = 0, texture = 0, end = least(x + BLOCK, p->width);
		for (i = x; i < end; i++) {
			int va = get(a, i, wide) >> shift, vb = get(b, i, wide) >> shift, vc = get(c, i, wide) >> shift;
			int out = sticks_out(vb, va, vc);
			texture += sticks_out(vc, va, get(e, i, wide) >> shift);
			if (timed) {
				int vq = get(q, i, wide) >> shift, vka = get(ka, i, wide) >> shift, vkc = get(kc, i, wide) >> shift;
				int changed = most(distance(vb, vq), most(distance(va, vka), distance(vc, vkc)));
				before += least(p->late ? sticks_out(vb, vka, vkc) : sticks_out(vq, va, vc), changed);
				out = least(out, changed);
			}
			now += out;
		}
		combs->now += now;
		combs->before += before;
		combs->texture += texture;
	}
}

// How many blocks show a comb.
typedef struct {
	int now, before; // with the lines of other, and with those of other_before
	int clearly;
} tally;

// count finds the combs of a plane. It marks in the mask, if there is one, the blocks that are combed at least faintly, and those around them.
// combs has room for a row of blocks.
static inline tally count(const plane *p, comb *combs, int wide)
{
	int down = (p->height + BLOCK - 1) / BLOCK, x, y, i, k;
	tally t = {0};
	for (y = 0; y < down; y++) {
		int end = least((y + 1) * BLOCK, p->height - 1); // the last line has no neighbour below
		memset(combs, 0, p->across * sizeof(*combs));
		for (i = y * BLOCK + p->other.first; i < end; i += 2)
			if (i > 0)
				comb_line(p, i, combs, wide);
		for (x = 0; x < p->across; x++) {
			int texture = combs[x].texture * TEXTURE / 2, now = combs[x].now - texture, before = combs[x].before - texture;
			t.now += now > COMBED;
			t.before += before > COMBED;
			t.clearly += now > CLEARLY;
			if (!p->mask || now <= FAINTLY)
				continue;
			for (i = most(y - 1, 0); i <= least(y + 1, down - 1); i++)
				for (k = most(x - 1, 0); k <= least(x + 1, p->across - 1); k++)
					p->mask[i * p->across + k] = 1;
		}
	}
	return t;
}

// is_combed tells whether other shows another instant than kept. If it does, its lines fit between those of kept no better than lines do that are
// half a picture away on the other side. If it does not, what moves has combs with those alone. Of a new scene, and if there is no picture before,
// the combs alone have to tell.
static int is_combed(const plane *p, const tally *t)
{
	int blocks = p->across * ((p->height + BLOCK - 1) / BLOCK);
	if (!p->other_before.data || t->before > blocks / 2)
		if (t->clearly >= FEW)
			return 1;
	return p->other_before.data && LIKELIER_BEFORE * t->now > t->before + FEW;
}

// Weights of lines, times 8192: the filters of the BBC's R&D Department for interpolation by lines of three fields (Weston, 1988). FAR are the
// lines of other and of those two and four lines away, which give fine detail; NEAR are the lines of kept, one and three lines away; and ALONE
// are the same without the former.
enum { ONE = 8192, FAR0 = 5570, FAR2 = -3801, FAR4 = 1016, NEAR1 = 4309, NEAR3 = -213, ALONE1 = 5077, ALONE3 = -981 };

// alone interpolates n samples of line y from x on, by the lines of kept.
static inline void alone(const plane *p, int y, uint8_t *to, int x, int n, int wide)
{
	const uint8_t *a = line(&p->kept, y - 1), *c = line(&p->kept, y + 1), *a3 = line(&p->kept, y - 3), *c3 = line(&p->kept, y + 3);
	int i, top = (1 << p->depth) - 1;
	for (i = x; i < x + n; i++) {
		int v = ALONE1 * (get(a, i, wide) + get(c, i, wide)) + ALONE3 * (get(a3, i, wide) + get(c3, i, wide)) + ONE / 2;
		put(to, i, within(v >> 13, 0, top), wide);
	}
}

// in_time interpolates line y. Where nothing has moved it comes of the same line at other times; what is interpolated by the lines around it
// may differ from that as far as something has moved. It follows Martin Weston's filters, and the checks of yadif and bwdif for what moves.
static inline void in_time(const plane *p, int y, uint8_t *to, int wide)
{
	const uint8_t *a = line(&p->kept, y - 1), *c = line(&p->kept, y + 1), *a3 = line(&p->kept, y - 3), *c3 = line(&p->kept, y + 3);
	const uint8_t *ka = line(&p->kept_before, y - 1), *kc = line(&p->kept_before, y + 1);
	const uint8_t *b[5], *q[5];
	int i, top = (1 << p->depth) - 1;
	for (i = 0; i < 5; i++) {
		b[i] = line(&p->other, y + 2 * i - 4);
		q[i] = line(&p->other_before, y + 2 * i - 4);
	}
	for (i = 0; i < p->width; i++) {
		int va = get(a, i, wide), vc = get(c, i, wide), vb = get(b[2], i, wide), vq = get(q[2], i, wide);
		int two = get(b[1], i, wide) + get(q[1], i, wide), down = get(b[3], i, wide) + get(q[3], i, wide);
		int still = p->late ? vb : (vb + vq + 1) >> 1, changed = distance(vb, vq);
		int may = most(changed >> 1, (distance(get(ka, i, wide), va) + distance(get(kc, i, wide), vc)) >> 1);
		// How the lines above and below differ from those two lines away, and from this one: a bow the same way is detail, not motion.
		int above = (two >> 1) - va, below = (down >> 1) - vc, high = still - va, low = still - vc;
		int hi = most(most(low, high), least(above, below)), lo = least(least(low, high), most(above, below)), v;
		may = most(may, most(lo, -hi));
		if (distance(va, vc) > changed) {
			v = FAR0 * (vb + vq) + FAR2 * (two + down) +
			    FAR4 * (get(b[0], i, wide) + get(q[0], i, wide) + get(b[4], i, wide) + get(q[4], i, wide));
			v = (v >> 2) + NEAR1 * (va + vc) + NEAR3 * (get(a3, i, wide) + get(c3, i, wide));
		} else {
			v = ALONE1 * (va + vc) + ALONE3 * (get(a3, i, wide) + get(c3, i, wide));
		}
		v = within((v + ONE / 2) >> 13, still - may, still + may);
		put(to, i, within(v, 0, top), wide);
	}
}

// fill writes the lines of a plane. Between those of kept they are those of other, unless interpolate is set.
static inline void fill(const plane *p, uint8_t *to, ptrdiff_t stride, int interpolate, int wide)
{
	int x, y, columns = BLOCK >> p->sub_x, bytes = p->width << wide;
	for (y = 0; y < p->height; y++, to += stride) {
		const uint8_t *mask = p->mask ? p->mask + ((y << p->sub_y) / BLOCK) * p->across : NULL;
		if ((y & 1) == p->kept.first)
			memcpy(to, line(&p->kept, y), bytes);
		else if (interpolate && p->other_before.data)
			in_time(p, y, to, wide);
		else if (!p->other.data)
			alone(p, y, to, 0, p->width, wide);
		else {
			memcpy(to, line(&p->other, y), bytes);
			for (x = 0; interpolate && x < p->width; x += columns)
				if (mask[x / columns])
					alone(p, y, to, x, least(columns, p->width - x), wide);
		}
	}
}

// height_of returns the height of a picture of fields.
static int height_of(const ls_fields *f)
{
	return ((const AVFrame *)f->kept.frame)->height * (3 - f->kept.step);
}

static lines lines_of(const ls_field *f, int i, int height, int first)
{
	const AVFrame *p = f->frame;
	lines l = {.first = first, .n = (height + 1 - first) / 2};
	if (p) {
		l.data = p->data[i] + f->first * (ptrdiff_t)p->linesize[i];
		l.stride = f->step * (ptrdiff_t)p->linesize[i];
	}
	return l;
}

// plane_of returns plane i of a picture of fields; all but its mask.
static plane plane_of(const ls_fields *f, const AVPixFmtDescriptor *d, int i)
{
	const AVFrame *like = f->kept.frame;
	int chroma = i == 1 || i == 2;
	plane p = {.sub_x = chroma ? d->log2_chroma_w : 0, .sub_y = chroma ? d->log2_chroma_h : 0, .depth = d->comp[0].depth, .late = f->late};
	p.width = AV_CEIL_RSHIFT(like->width, p.sub_x);
	p.height = AV_CEIL_RSHIFT(height_of(f), p.sub_y);
	p.across = (like->width + BLOCK - 1) / BLOCK;
	p.kept = lines_of(&f->kept, i, p.height, f->bottom);
	p.other = lines_of(&f->other, i, p.height, !f->bottom);
	p.kept_before = lines_of(&f->kept_before, i, p.height, f->bottom);
	p.other_before = lines_of(&f->other_before, i, p.height, !f->bottom);
	return p;
}

// is_like tells whether a field is there, and like another.
static int is_like(const ls_field *f, const ls_field *other)
{
	const AVFrame *a = f->frame, *b = other->frame;
	return a && a->format == b->format && a->width == b->width && a->height == b->height && f->step == other->step && ls_whole(a);
}

// is_planar tells whether each component has a plane of its own, of samples of one or two bytes.
static int is_planar(const AVPixFmtDescriptor *d)
{
	int i;
	if (!d || d->flags & (AV_PIX_FMT_FLAG_HWACCEL | AV_PIX_FMT_FLAG_PAL | AV_PIX_FMT_FLAG_BITSTREAM | AV_PIX_FMT_FLAG_FLOAT | AV_PIX_FMT_FLAG_BE))
		return 0;
	for (i = 0; i < d->nb_components; i++)
		if (d->comp[i].plane != i || d->comp[i].shift || d->comp[i].offset || d->comp[i].depth != d->comp[0].depth ||
		    d->comp[i].step != 1 + (d->comp[0].depth > 8))
			return 0;
	return d->comp[0].depth >= 8 && d->comp[0].depth <= 16 && d->log2_chroma_w <= 2 && d->log2_chroma_h <= 2;
}

// search tells whether there are combs, or an AVERROR. Without a picture before, *mask says where.
static int search(const ls_fields *f, const AVPixFmtDescriptor *d, uint8_t **mask)
{
	plane p = plane_of(f, d, 0);
	comb *combs = av_calloc(p.across, sizeof(*combs));
	tally t;
	if (!p.other_before.data)
		p.mask = *mask = av_calloc((size_t)p.across * ((p.height + BLOCK - 1) / BLOCK), 1);
	if (!combs || (!p.other_before.data && !p.mask)) {
		av_free(combs);
		return AVERROR(ENOMEM);
	}
	t = p.depth > 8 ? count(&p, combs, 1) : count(&p, combs, 0);
	av_free(combs);
	return is_combed(&p, &t);
}

// examine takes the fields away that are not like kept, and tells what is to be done as ls_deinterlace does. Without a picture before, *mask says where.
static int examine(ls_fields *f, const AVPixFmtDescriptor *d, uint8_t **mask)
{
	int combed = 1;
	if (!is_planar(d) || !ls_whole(f->kept.frame) || (height_of(f) >> d->log2_chroma_h) < 2)
		return LS_UNREADABLE;
	if (!is_like(&f->other, &f->kept))
		f->other.frame = NULL;
	if (!f->other.frame || !is_like(&f->kept_before, &f->kept) || !is_like(&f->other_before, &f->kept))
		f->kept_before.frame = f->other_before.frame = NULL;
	if (f->other.frame)
		combed = search(f, d, mask);
	if (combed < 0)
		return combed;
	return combed ? LS_DEINTERLACED : LS_UNCOMBED;
}

static const AVPixFmtDescriptor *format_of(const ls_fields *f)
{
	return av_pix_fmt_desc_get(((const AVFrame *)f->kept.frame)->format);
}

int ls_is_combed(const ls_fields *given)
{
	ls_fields f = *given;
	uint8_t *mask = NULL;
	int does = examine(&f, format_of(&f), &mask);
	av_free(mask);
	return does == LS_DEINTERLACED;
}

int ls_deinterlace(const ls_fields *given, void *out, int weave)
{
	ls_fields f = *given;
	const AVPixFmtDescriptor *d = format_of(&f);
	AVFrame *picture = out;
	uint8_t *mask = NULL;
	int does = examine(&f, d, &mask), err = 0, i;
	picture->format = ((const AVFrame *)f.kept.frame)->format;
	picture->width = ((const AVFrame *)f.kept.frame)->width;
	picture->height = height_of(&f);
	if (does == LS_DEINTERLACED || (does == LS_UNCOMBED && weave))
		err = av_frame_get_buffer(picture, 0);
	for (i = 0; !err && picture->buf[0] && i < d->nb_components; i++) {
		plane p = plane_of(&f, d, i);
		p.mask = mask;
		if (p.depth > 8)
			fill(&p, picture->data[i], picture->linesize[i], does == LS_DEINTERLACED, 1);
		else
			fill(&p, picture->data[i], picture->linesize[i], does == LS_DEINTERLACED, 0);
	}
	av_free(mask);
	return err < 0 ? err : does;
}
