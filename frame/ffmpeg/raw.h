// What Livestill needs of libav's structures beyond what go-astiav binds in every version, as plain C types.
#ifndef LIVESTILL_RAW_H
#define LIVESTILL_RAW_H

#include <stddef.h>
#include <stdint.h>

// How the samples of a frame lie in memory.
enum {
	LS_OTHER,  // only swscale can read it
	LS_PLANAR, // 8-bit Y, Cb, Cr
	LS_GRAY,   // 8-bit Y alone
	LS_GBR,    // 8-bit G, B, R
};

// One decoded frame. The planes belong to the AVFrame and live as long as it.
typedef struct {
	const uint8_t *data[3];
	int stride[3];
	int width, height;
	int whole;        // the planes are as large as that says; else nothing may be read
	int layout;       // LS_OTHER...
	int wide;         // the same of a frame whose samples have 9 to 16 bits, each in two bytes: LS_OTHER if it is none
	int sub_x, sub_y; // log2 of the chroma subsampling
	int rgb, grey;    // what the samples are, if not Y, Cb, Cr
	int yuvj;         // one of the formats that say by their name that they are of full range
	int full;         // range: 1 full, 0 limited
	int ranged;       // the stream tells the range, or the format; of H.265 FFmpeg does not say if it did
	int space;        // enum AVColorSpace, its numbers are those of ISO/IEC 23091-4 (H.273)
	int siting;       // enum AVChromaLocation
	int sar_num, sar_den;
	int depth;     // bits of a sample of luma
	int primaries; // enum AVColorPrimaries, its numbers are those of H.273 as well
	int transfer;  // enum AVColorTransferCharacteristic, likewise
	int max_content, max_mastering, max_average; // light levels in cd/m2, 0 where they are not told
	int fields;    // 0 progressive, 1 interlaced with the top field first, 2 with the bottom field first
	int64_t pts;
	int corrupt;    // AV_FRAME_FLAG_CORRUPT
	int errors;     // decode_error_flags
	int intra, bi;  // coded as I or B picture
	float qp;       // mean over the blocks, 0 if the decoder does not export it
} ls_raw;

// ls_read fills out from an AVFrame.
void ls_read(const void *frame, ls_raw *out);

// ls_whole tells whether all planes of an AVFrame lie within its buffers.
int ls_whole(const void *frame);

// ls_hash returns a number that is the same for pictures of the same luma, and most likely another for others. It reads one line in seven,
// so that each macroblock has two of them.
uint64_t ls_hash(const void *frame);

// ls_like gives frame the colour properties of another, so that swscale converts samples and leaves colours alone.
void ls_like(void *frame, const void *other);

// ls_plane copies h rows of w bytes from src into plane i of frame, which must be that large.
void ls_plane(void *frame, int i, const uint8_t *src, int stride, int w, int h);

// ls_line copies n bytes into line y of the first plane of frame, which must be that large.
void ls_line(void *frame, int y, const uint8_t *src, int n);

// ls_still makes frame a picture of full or limited range that an encoder codes as an intra picture. lambda is its quantiser in units of
// FF_QP2LAMBDA, for encoders that go by it.
void ls_still(void *frame, int full, int lambda);

#endif
