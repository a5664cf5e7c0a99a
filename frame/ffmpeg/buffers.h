// The picture buffers of one decoder: what they must be like, and how much memory they take.
#ifndef LIVESTILL_BUFFERS_H
#define LIVESTILL_BUFFERS_H

#include <stddef.h>
#include <stdint.h>

typedef struct ls_buffers ls_buffers;

// What is expected of the pictures of a decoder. If libavcodec is about to decode another picture, it gets no buffer.
typedef struct {
	int64_t bytes;  // the most that all which are alive may take
	int64_t pixels; // the most that one may have; 0 for any number
	int each;       // the most that may begin with one packet
	int row;        // each has a guard row, and all of the following must be so
	int width, height;             // coded, with the row
	int shown_width, shown_height; // what is left of that when it is cropped
	int chroma, depth;             // chroma_format_idc, 1 or 2, and bits of a sample
	int canaries;                  // blocks get canaries, to tell those that nothing was decoded to
} ls_expect;

// Why a decoder got no buffer.
enum {
	LS_DIFFERS = 1, // the picture is not the one that was expected
	LS_LARGER = 2,  // it has more pixels
	LS_COSTLY = 4,  // there are too many bytes already
	LS_MANY = 8,    // there were too many pictures in one packet
};

// ls_buffers_new makes a codec that is not open yet get its buffers here. It returns NULL if there is no memory. What it returns is to be
// closed after the codec is freed; it lives on until the pictures are too.
ls_buffers *ls_buffers_new(void *codec, const ls_expect *e);
void ls_buffers_close(ls_buffers *b);

// ls_buffers_begin is called before each packet, and ls_buffers_refused returns why there was no buffer since then, as a set. ls_buffers_in_use
// returns the bytes that are alive.
void ls_buffers_begin(ls_buffers *b);
int ls_buffers_refused(ls_buffers *b);
int64_t ls_buffers_in_use(ls_buffers *b);

// ls_buffers_allow changes how many pixels a picture may have.
void ls_buffers_allow(ls_buffers *b, int64_t pixels);

// ls_inside tells whether h lines of n bytes of plane i of an AVFrame lie within its buffers.
int ls_inside(const void *frame, int i, int64_t n, int h);

// ls_canaries_write puts a canary into each block of a picture, and ls_canaries_left returns how many are still there.
void ls_canaries_write(void *frame);
int ls_canaries_left(const void *frame);

// ls_guard_pages moves the planes of a frame that a codec was given to memory between guard pages. It returns an AVERROR or 0. Only tests have
// it, which are built with LS_GUARD_PAGES.
int ls_guard_pages(void *codec, void *frame);

#endif
