#include "raw.h"

#include <string.h>

#include <libavcodec/avcodec.h>
#include <libavutil/pixdesc.h>

#define FLOOR 16 // lines of luma

// lay repeats the last line above the floor of a picture.
static void lay(AVFrame *f)
{
	const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(f->format);
	int i;
	for (i = 0; d && i < 3 && f->data[i]; i++) {
		int down = i ? d->log2_chroma_h : 0, lines = FLOOR >> down, y;
		uint8_t *line = f->data[i] + ((f->height >> down) - lines) * (ptrdiff_t)f->linesize[i];
		for (y = 0; y < lines; y++, line += f->linesize[i])
			memcpy(line, line - f->linesize[i], f->linesize[i]);
	}
}

// get_buffer is called when decoding of a picture begins, which is when the one before it is done.
static int get_buffer(AVCodecContext *c, AVFrame *f, int flags)
{
	AVFrame *last = c->opaque;
	int err = avcodec_default_get_buffer2(c, f, flags);
	if (last->data[0])
		lay(last);
	av_frame_unref(last);
	return err < 0 ? err : av_frame_ref(last, f);
}

void *ls_floor(void *codec)
{
	AVCodecContext *c = codec;
	c->opaque = av_frame_alloc();
	if (c->opaque)
		c->get_buffer2 = get_buffer;
	return c->opaque;
}

void ls_floor_free(void *last)
{
	AVFrame *f = last;
	av_frame_free(&f);
}
