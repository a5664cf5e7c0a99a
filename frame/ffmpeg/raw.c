#include "raw.h"

#include "buffers.h"

#include <limits.h>
#include <string.h>

#include <libavutil/frame.h>
#include <libavutil/imgutils.h>
#include <libavutil/mastering_display_metadata.h>
#include <libavutil/pixdesc.h>
#include <libavutil/video_enc_params.h>

// layout tells which of our own loops can read a pixel format whose samples have so many bytes.
static int layout(const AVPixFmtDescriptor *d, int bytes)
{
	int i;
	if (d->flags & (AV_PIX_FMT_FLAG_HWACCEL | AV_PIX_FMT_FLAG_PAL | AV_PIX_FMT_FLAG_BITSTREAM | AV_PIX_FMT_FLAG_BE))
		return LS_OTHER;
	for (i = 0; i < d->nb_components; i++)
		if ((d->comp[i].depth + 7) / 8 != bytes || d->comp[i].step != bytes || d->comp[i].depth < 8 || d->comp[i].shift || d->comp[i].offset)
			return LS_OTHER;
	if (d->nb_components < 3)
		return LS_GRAY; // with or without alpha, which is left out
	if (d->flags & AV_PIX_FMT_FLAG_RGB)
		return LS_GBR;
	for (i = 0; i < 3; i++)
		if (d->comp[i].plane != i)
			return LS_OTHER;
	return LS_PLANAR;
}

static int is_yuvj(const AVPixFmtDescriptor *d)
{
	return !strncmp(d->name, "yuvj", 4);
}

// is_full tells the range. The yuvj formats say it by their name, RGB and what the stream leaves open by convention.
static int is_full(const AVFrame *f, const AVPixFmtDescriptor *d)
{
	if (f->color_range == AVCOL_RANGE_JPEG || is_yuvj(d))
		return 1;
	return f->color_range == AVCOL_RANGE_UNSPECIFIED && (d->flags & AV_PIX_FMT_FLAG_RGB);
}

static float mean_qp(const AVFrame *f)
{
	AVFrameSideData *sd = av_frame_get_side_data(f, AV_FRAME_DATA_VIDEO_ENC_PARAMS);
	AVVideoEncParams *p;
	unsigned i;
	unsigned n = 0;
	int64_t sum = 0;
	if (!sd)
		return 0;
	p = (AVVideoEncParams *)sd->data;
	for (i = 0; i < p->nb_blocks; i++) {
		const AVVideoBlockParams *b = av_video_enc_params_block(p, i);
		if (b->src_y < f->height) { // else it is cropped
			sum += b->delta_qp;
			n++;
		}
	}
	return p->qp + (n ? (float)sum / n : 0);
}

// is_whole tells whether all planes of a frame lie within its buffers.
static int is_whole(const AVFrame *f, const AVPixFmtDescriptor *d)
{
	int i, planes = av_pix_fmt_count_planes(f->format);
	if (planes <= 0 || d->flags & AV_PIX_FMT_FLAG_HWACCEL)
		return 0;
	for (i = 0; i < planes; i++) {
		int down = i == 1 || i == 2 ? d->log2_chroma_h : 0;
		if (!ls_inside(f, i, av_image_get_linesize(f->format, f->width, i), AV_CEIL_RSHIFT(f->height, down)))
			return 0;
	}
	return 1;
}

int ls_whole(const void *frame)
{
	const AVFrame *f = frame;
	const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(f->format);
	return d && is_whole(f, d);
}

// fields tells the order of fields. FFmpeg 8 knows it as flags only, 5.1 as fields only.
static int fields(const AVFrame *f)
{
#ifdef AV_FRAME_FLAG_INTERLACED
	int interlaced = f->flags & AV_FRAME_FLAG_INTERLACED, top = f->flags & AV_FRAME_FLAG_TOP_FIELD_FIRST;
#else
	int interlaced = f->interlaced_frame, top = f->top_field_first;
#endif
	return interlaced ? top ? 1 : 2 : 0;
}

// light_levels reads what HDR10 tells of a stream. MaxCLL and MaxFALL are CTA-861.3's, the other SMPTE ST 2086's.
static void light_levels(const AVFrame *f, ls_raw *out)
{
	const AVFrameSideData *sd = av_frame_get_side_data(f, AV_FRAME_DATA_CONTENT_LIGHT_LEVEL);
	if (sd) {
		const AVContentLightMetadata *light = (const AVContentLightMetadata *)sd->data;
		out->max_content = light->MaxCLL > INT_MAX ? 0 : light->MaxCLL;
		out->max_average = light->MaxFALL > INT_MAX ? 0 : light->MaxFALL;
	}
	sd = av_frame_get_side_data(f, AV_FRAME_DATA_MASTERING_DISPLAY_METADATA);
	if (sd) {
		const AVMasteringDisplayMetadata *display = (const AVMasteringDisplayMetadata *)sd->data;
		const AVRational most = display->max_luminance;
		if (display->has_luminance && most.num > 0 && most.den > 0)
			out->max_mastering = (most.num + (int64_t)most.den / 2) / most.den;
	}
}

void ls_read(const void *frame, ls_raw *out)
{
	const AVFrame *f = frame;
	const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(f->format);
	int i;

	memset(out, 0, sizeof(*out));
	out->width = f->width;
	out->height = f->height;
	out->pts = f->pts;
	out->corrupt = (f->flags & AV_FRAME_FLAG_CORRUPT) != 0;
	out->errors = f->decode_error_flags;
	out->space = f->colorspace;
	out->siting = f->chroma_location;
	out->primaries = f->color_primaries;
	out->transfer = f->color_trc;
	out->fields = fields(f);
	light_levels(f, out);
	out->sar_num = f->sample_aspect_ratio.num;
	out->sar_den = f->sample_aspect_ratio.den;
	out->intra = f->pict_type == AV_PICTURE_TYPE_I;
	out->bi = f->pict_type == AV_PICTURE_TYPE_B;
	out->qp = mean_qp(f);
	if (!d)
		return;
	out->depth = d->comp[0].depth;
	out->whole = is_whole(f, d);
	out->layout = layout(d, 1);
	out->wide = layout(d, 2);
	out->rgb = (d->flags & (AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_PAL)) != 0;
	out->grey = d->nb_components < 3 && !out->rgb;
	out->yuvj = is_yuvj(d);
	out->full = is_full(f, d);
	out->ranged = f->color_range != AVCOL_RANGE_UNSPECIFIED || out->rgb || out->yuvj;
	out->sub_x = d->log2_chroma_w;
	out->sub_y = d->log2_chroma_h;
	for (i = 0; i < 3 && i < d->nb_components; i++) {
		out->data[i] = f->data[i];
		out->stride[i] = f->linesize[i];
	}
}

// The hash is FNV-1a of 64 bits (its offset basis and its prime), which takes eight bytes at a time instead of one. A multiplication carries
// bits up only, so the shift brings the upper ones down again; 29 is any odd number near half of the bits.
#define FNV_BASIS 14695981039346656037u
#define FNV_PRIME 1099511628211u

uint64_t ls_hash(const void *frame)
{
	const AVFrame *f = frame;
	const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(f->format);
	uint64_t sum = FNV_BASIS, v;
	int width, x, y;
	if (!d || d->flags & AV_PIX_FMT_FLAG_BITSTREAM || !is_whole(f, d))
		return 0;
	width = f->width * d->comp[0].step;
	for (y = 0; y < f->height; y += 7)
		for (x = 0; x + 8 <= width; x += 8) {
			memcpy(&v, f->data[0] + y * (ptrdiff_t)f->linesize[0] + x, 8);
			sum = (sum ^ v) * FNV_PRIME;
			sum ^= sum >> 29;
		}
	return sum;
}

void ls_like(void *frame, const void *other)
{
	AVFrame *f = frame;
	const AVFrame *o = other;
	f->color_range = o->color_range;
	f->color_primaries = o->color_primaries;
	f->color_trc = o->color_trc;
	f->colorspace = o->colorspace;
	f->chroma_location = o->chroma_location;
}

void ls_plane(void *frame, int i, const uint8_t *src, int stride, int w, int h)
{
	AVFrame *f = frame;
	uint8_t *dst = f->data[i];
	for (; h > 0; h--, src += stride, dst += f->linesize[i])
		memcpy(dst, src, w);
}

void ls_line(void *frame, int y, const uint8_t *src, int n)
{
	AVFrame *f = frame;
	memcpy(f->data[0] + y * (ptrdiff_t)f->linesize[0], src, n);
}

void ls_still(void *frame, int full, int lambda)
{
	AVFrame *f = frame;
	f->color_range = full ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG;
	f->pict_type = AV_PICTURE_TYPE_I;
	f->quality = lambda;
	f->pts = 0;
}
