#include "filter.h"

#include <string.h>

#include <libavfilter/avfilter.h>
#include <libavfilter/buffersink.h>
#include <libavfilter/buffersrc.h>
#include <libavutil/avstring.h>
#include <libavutil/frame.h>
#include <libavutil/mem.h>
#include <libavutil/version.h>

// What convert.c reads without swscale.
#define READABLE "pix_fmts=yuvj420p|yuvj422p|yuvj444p|yuv420p|yuv422p|yuv444p|gray|gbrp"

// How filters that are put between others scale and convert.
#define SCALER "flags=bicubic+accurate_rnd+full_chroma_int+full_chroma_inp"

// add adds a filter to a graph. A NULL init leaves it to be initialised.
static int add(AVFilterGraph *graph, const char *name, const char *init, AVFilterContext **out)
{
	*out = avfilter_graph_alloc_filter(graph, avfilter_get_by_name(name), NULL);
	if (!*out)
		return AVERROR(ENOMEM);
	return init ? avfilter_init_str(*out, init) : 0;
}

// add_source adds the filter that the pictures come from.
static int add_source(AVFilterGraph *graph, const ls_source *from, AVFilterContext **out)
{
	AVBufferSrcParameters *p;
	int err = add(graph, "buffer", NULL, out);
	if (err < 0)
		return err;
	p = av_buffersrc_parameters_alloc();
	if (!p)
		return AVERROR(ENOMEM);
	p->format = from->format;
	p->width = from->width;
	p->height = from->height;
	p->time_base = (AVRational){1, 1000000000};
	p->sample_aspect_ratio = (AVRational){1, 1};
	if (from->rate_num > 0 && from->rate_den > 0)
		p->frame_rate = (AVRational){from->rate_num, from->rate_den};
#if LIBAVFILTER_VERSION_MAJOR >= 10 // before FFmpeg 7 only frames tell their colours
	p->color_space = AVCOL_SPC_BT470BG;
	p->color_range = AVCOL_RANGE_JPEG;
#endif
	err = av_buffersrc_parameters_set(*out, p);
	av_free(p);
	return err < 0 ? err : avfilter_init_str(*out, NULL);
}

// open_pads counts the pads that a text leaves open.
static int open_pads(const AVFilterInOut *list, int output, int *sound)
{
	int n = 0;
	for (; list; list = list->next, n++) {
		const AVFilterPad *pads = output ? list->filter_ctx->output_pads : list->filter_ctx->input_pads;
		if (avfilter_pad_get_type(pads, list->pad_idx) != AVMEDIA_TYPE_VIDEO)
			*sound = 1;
	}
	return n;
}

// link_ends puts a source and a sink to the open pads.
static int link_ends(ls_graph *g, const ls_source *from, const AVFilterInOut *in, const AVFilterInOut *out)
{
	AVFilterContext *source, *format, *sink;
	int err;
	if ((err = add_source(g->graph, from, &source)) < 0 || (err = add(g->graph, "format", READABLE, &format)) < 0 ||
	    (err = add(g->graph, "buffersink", "", &sink)) < 0)
		return err;
	if ((err = avfilter_link(source, 0, in->filter_ctx, in->pad_idx)) < 0 ||
	    (err = avfilter_link(out->filter_ctx, out->pad_idx, format, 0)) < 0)
		return err;
	g->source = source;
	g->sink = sink;
	return avfilter_link(format, 0, sink, 0);
}

static int64_t most_pixels(const AVFilterGraph *graph)
{
	int64_t most = 0;
	unsigned i, j;
	for (i = 0; i < graph->nb_filters; i++)
		for (j = 0; j < graph->filters[i]->nb_outputs; j++) {
			const AVFilterLink *l = graph->filters[i]->outputs[j];
			if (l && l->type == AVMEDIA_TYPE_VIDEO)
				most = FFMAX(most, (int64_t)l->w * l->h);
		}
	return most;
}

int ls_graph_open(ls_graph *g, const char *text, const ls_source *from)
{
	AVFilterGraph *graph = avfilter_graph_alloc();
	AVFilterInOut *in = NULL, *out = NULL;
	AVRational tb;
	int err;
	memset(g, 0, sizeof(*g));
	g->graph = graph;
	if (!graph)
		return AVERROR(ENOMEM);
	graph->nb_threads = from->threads;
	graph->scale_sws_opts = av_strdup(SCALER);

	g->step = LS_PARSE;
	err = avfilter_graph_parse2(graph, text, &in, &out);
	if (err < 0)
		return err; // it has freed the lists
	g->step = LS_LINK;
	g->inputs = open_pads(in, 0, &g->sound);
	g->outputs = open_pads(out, 1, &g->sound);
	err = AVERROR(EINVAL);
	if (g->inputs == 1 && g->outputs == 1 && !g->sound)
		err = link_ends(g, from, in, out);
	avfilter_inout_free(&in);
	avfilter_inout_free(&out);
	if (err < 0)
		return err;

	g->step = LS_CONFIGURE;
	err = avfilter_graph_config(graph, NULL);
	if (err < 0)
		return err;
	g->pixels = most_pixels(graph);
	tb = av_buffersink_get_time_base(g->sink);
	g->tb_num = tb.num;
	g->tb_den = tb.den;
	g->step = LS_OPEN;
	return 0;
}

void ls_graph_close(ls_graph *g)
{
	AVFilterGraph *graph = g->graph;
	avfilter_graph_free(&graph);
	memset(g, 0, sizeof(*g));
}

int ls_graph_send(ls_graph *g, void *frame)
{
	return av_buffersrc_add_frame(g->source, frame);
}

int ls_graph_end(ls_graph *g, int64_t pts)
{
	return av_buffersrc_close(g->source, pts, 0);
}

int ls_graph_receive(ls_graph *g, void *frame)
{
	return av_buffersink_get_frame(g->sink, frame);
}

// try makes a filter on its own, given as name=options or name@instance=options.
static int try(const char *filter)
{
	size_t n = strcspn(filter, "=");
	char *name = av_strndup(filter, strcspn(filter, "=@"));
	const AVFilter *known = name ? avfilter_get_by_name(name) : NULL;
	AVFilterGraph *graph = avfilter_graph_alloc();
	AVFilterContext *made = NULL;
	int err = AVERROR(ENOMEM);
	if (!known)
		err = AVERROR_FILTER_NOT_FOUND;
	else if (graph && (made = avfilter_graph_alloc_filter(graph, known, NULL)))
		err = avfilter_init_str(made, filter[n] ? filter + n + 1 : NULL);
	avfilter_graph_free(&graph);
	av_free(name);
	return err;
}

int ls_graph_blame(const char *text, char *out, size_t n)
{
	int err = 0;
	if (av_strstart(text, "sws_flags=", NULL)) {
		text += strcspn(text, ";");
		text += *text == ';';
	}
	for (;;) {
		char *filter;
		text += strspn(text, " \n\t\r");
		while (*text == '[') {
			text += strcspn(text, "]");
			text += *text == ']';
			text += strspn(text, " \n\t\r");
		}
		filter = av_get_token(&text, "[],;");
		if (!filter)
			return AVERROR(ENOMEM);
		err = try(filter);
		if (err < 0)
			av_strlcpy(out, filter, n);
		av_free(filter);
		if (err < 0)
			return err;
		text += strcspn(text, ",;");
		if (!*text++)
			return 0;
	}
}

void ls_full(void *frame, int64_t pts)
{
	AVFrame *f = frame;
	f->color_range = AVCOL_RANGE_JPEG;
	f->colorspace = AVCOL_SPC_BT470BG;
	f->chroma_location = AVCHROMA_LOC_CENTER;
	f->sample_aspect_ratio = (AVRational){1, 1};
	f->pts = pts;
}
