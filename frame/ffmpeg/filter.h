// Filter graphs of libavfilter with one video input and one video output.
#ifndef LIVESTILL_FILTER_H
#define LIVESTILL_FILTER_H

#include <stddef.h>
#include <stdint.h>

// What goes in: pictures that JPEG could have, of one size, with their times in nanoseconds.
typedef struct {
	int format; // enum AVPixelFormat, one of the yuvj
	int width, height;
	int rate_num, rate_den; // pictures per second; 0 if unknown
	int threads;
} ls_source;

// How far opening a graph came.
enum {
	LS_PARSE,     // the text
	LS_LINK,      // its one input and its one output
	LS_CONFIGURE, // sizes and formats of what goes from filter to filter
	LS_OPEN,
};

typedef struct {
	void *graph, *source, *sink; // all belong to the graph
	int step;                    // LS_PARSE...
	int inputs, outputs, sound;  // pads that are open; whether one of them is for sound
	int64_t pixels;              // of the largest picture that goes from filter to filter
	int tb_num, tb_den;          // seconds that one step of time is in what comes out
} ls_graph;

// ls_graph_open makes a graph of a text. It returns an AVERROR if that fails; the graph is to be closed either way.
int ls_graph_open(ls_graph *g, const char *text, const ls_source *from);
void ls_graph_close(ls_graph *g);

// ls_graph_send moves what is in a frame into the graph, ls_graph_end ends it at a time, and ls_graph_receive moves what comes out into
// a frame. They return an AVERROR or 0.
int ls_graph_send(ls_graph *g, void *frame);
int ls_graph_end(ls_graph *g, int64_t pts);
int ls_graph_receive(ls_graph *g, void *frame);

// ls_graph_blame finds the first filter of a text that does not work on its own, as far as that can be told, and writes it, cut to
// n bytes, to out. It returns an AVERROR: AVERROR_FILTER_NOT_FOUND, or what the filter says to its options; 0 if all work.
int ls_graph_blame(const char *text, char *out, size_t n);

// ls_full makes a frame a full-range BT.601 picture with square pixels, as JPEG has it.
void ls_full(void *frame, int64_t pts);

#endif
