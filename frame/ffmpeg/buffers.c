#include "buffers.h"

#include <stdatomic.h>
#include <string.h>

#include <libavcodec/avcodec.h>
#include <libavutil/mem.h>
#include <libavutil/pixdesc.h>

#define ROW 16 // lines of luma in a guard row

struct ls_buffers {
	ls_expect expect;
	AVFrame *last; // the newest picture that others may refer to, if it has a guard row
	int begun, refused; // since the packet began
	atomic_int refs;
	atomic_llong in_use;
};

// A counted buffer stands for one of libavcodec's, so that it is known when that is free again.
typedef struct {
	ls_buffers *owner;
	AVBufferRef *real;
} counted;

static int get_buffer(AVCodecContext *c, AVFrame *f, int flags);

ls_buffers *ls_buffers_new(void *codec, const ls_expect *e)
{
	AVCodecContext *c = codec;
	ls_buffers *b = av_mallocz(sizeof(*b));
	if (!b)
		return NULL;
	b->expect = *e;
	atomic_init(&b->refs, 1);
	if (e->row && !(b->last = av_frame_alloc())) {
		av_free(b);
		return NULL;
	}
	c->opaque = b;
	c->get_buffer2 = get_buffer;
	return b;
}

static void release(ls_buffers *b)
{
	if (atomic_fetch_sub(&b->refs, 1) == 1)
		av_free(b);
}

void ls_buffers_close(ls_buffers *b)
{
	av_frame_free(&b->last);
	release(b);
}

void ls_buffers_begin(ls_buffers *b)
{
	b->begun = b->refused = 0;
}

int ls_buffers_refused(ls_buffers *b)
{
	return b->refused;
}

int64_t ls_buffers_in_use(ls_buffers *b)
{
	return atomic_load(&b->in_use);
}

void ls_buffers_allow(ls_buffers *b, int64_t pixels)
{
	b->expect.pixels = pixels;
}

static void uncount(void *opaque, uint8_t *data)
{
	counted *c = opaque;
	atomic_fetch_sub(&c->owner->in_use, c->real->size);
	av_buffer_unref(&c->real);
	release(c->owner);
	av_free(c);
}

// count puts a counted buffer in place of each buffer of a frame.
static int count(ls_buffers *b, AVFrame *f)
{
	int i;
	for (i = 0; i < AV_NUM_DATA_POINTERS && f->buf[i]; i++) {
		AVBufferRef *real = f->buf[i], *ours;
		counted *c = av_malloc(sizeof(*c));
		long long in_use;
		if (!c)
			return AVERROR(ENOMEM);
		*c = (counted){b, real};
		ours = av_buffer_create(real->data, real->size, uncount, c, 0);
		if (!ours) {
			av_free(c);
			return AVERROR(ENOMEM);
		}
		atomic_fetch_add(&b->refs, 1);
		f->buf[i] = ours;
		in_use = atomic_fetch_add(&b->in_use, real->size) + real->size;
		if (in_use > b->expect.bytes) {
			b->refused |= LS_COSTLY;
			return AVERROR(ENOMEM);
		}
	}
	return 0;
}

int ls_inside(const void *frame, int i, int64_t n, int h)
{
	const AVFrame *f = frame;
	int64_t stride = f->linesize[i], span = (h - 1) * stride;
	intptr_t first, last;
	int k;
	if (!f->data[i] || n <= 0 || h <= 0 || (h > 1 && n > FFABS(stride)))
		return 0;
	first = (intptr_t)f->data[i] + FFMIN(span, 0);
	last = (intptr_t)f->data[i] + FFMAX(span, 0) + n;
	for (k = 0; k < AV_NUM_DATA_POINTERS && f->buf[k]; k++)
		if (first >= (intptr_t)f->buf[k]->data && last <= (intptr_t)f->buf[k]->data + (int64_t)f->buf[k]->size)
			return 1;
	return 0;
}

// is_expected tells whether libavcodec is about to decode the picture that was expected.
static int is_expected(const ls_expect *e, const AVCodecContext *c, const AVFrame *f)
{
	const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(f->format);
	if (!d || d->nb_components != 3 || !(d->flags & AV_PIX_FMT_FLAG_PLANAR) ||
	    d->flags & (AV_PIX_FMT_FLAG_HWACCEL | AV_PIX_FMT_FLAG_RGB) || d->comp[0].depth != e->depth ||
	    d->log2_chroma_w != 1 || d->log2_chroma_h != (e->chroma == 1))
		return 0;
	return c->coded_width == e->width && c->coded_height == e->height && f->width == e->width && f->height == e->height &&
	       c->width == e->shown_width && c->height == e->shown_height;
}

// has_row tells whether the planes of a picture have room for it and its guard row.
static int has_row(const ls_expect *e, const AVFrame *f)
{
	const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(f->format);
	int i;
	for (i = 0; i < 3; i++) {
		int right = i ? 1 : 0, down = i && e->chroma == 1;
		if (f->linesize[i] <= 0 || !ls_inside(f, i, (int64_t)(e->width >> right) * d->comp[i].step, e->height >> down))
			return 0;
	}
	return 1;
}

// fill_row repeats the last line of a picture in its guard row, since pictures that refer to lines below it mean that one.
static void fill_row(const ls_expect *e, AVFrame *f)
{
	const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(f->format);
	int i, y;
	for (i = 0; i < 3; i++) {
		int right = i ? 1 : 0, down = i && e->chroma == 1, lines = ROW >> down;
		uint8_t *line = f->data[i] + ((e->height >> down) - lines) * (ptrdiff_t)f->linesize[i];
		for (y = 0; y < lines; y++, line += f->linesize[i])
			memcpy(line, line - f->linesize[i], (size_t)(e->width >> right) * d->comp[i].step);
	}
}

// get_buffer is called when decoding of a picture begins, which is when the one before it is done.
static int get_buffer(AVCodecContext *c, AVFrame *f, int flags)
{
	ls_buffers *b = c->opaque;
	const ls_expect *e = &b->expect;
	int err;
	if (b->last && b->last->data[0])
		fill_row(e, b->last);
	if (b->last)
		av_frame_unref(b->last);
	if (++b->begun > e->each) {
		b->refused |= LS_MANY;
		return AVERROR(EINVAL);
	}
	if (e->row && !is_expected(e, c, f)) {
		b->refused |= LS_DIFFERS;
		return AVERROR(EINVAL);
	}
	if (e->pixels && (int64_t)f->width * f->height > e->pixels) {
		b->refused |= LS_LARGER;
		return AVERROR(EINVAL);
	}
	err = avcodec_default_get_buffer2(c, f, flags);
#ifdef LS_GUARD_PAGES
	if (err >= 0)
		err = ls_guard_pages(c, f);
#endif
	if (err >= 0)
		err = count(b, f);
	if (err >= 0 && e->row && !has_row(e, f)) {
		b->refused |= LS_DIFFERS;
		err = AVERROR(EINVAL);
	}
	if (err >= 0 && e->canaries)
		ls_canaries_write(f);
	if (err >= 0 && e->row && flags & AV_GET_BUFFER_FLAG_REF) // others are not referred to
		err = av_frame_ref(b->last, f);
	if (err < 0)
		av_frame_unref(f);
	return err;
}
