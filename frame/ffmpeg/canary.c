#include "buffers.h"

#include <string.h>

#include <libavutil/frame.h>
#include <libavutil/pixdesc.h>

#define CELL 16 // lines and columns: the smallest coding tree block (H.265, 7.4.3.2.1)

// Samples that no picture has side by side: eight jumps between nearly the least and the most.
static const uint8_t canary[8] = {0xff, 0x00, 0xfe, 0x01, 0xfd, 0x02, 0xfc, 0x03};

// each_canary goes over the canaries in the middle of each cell of luma: it writes them, or counts those that are still there. Every other row
// of cells has them one line further down, in the other field.
static int each_canary(const AVFrame *f, int write)
{
	const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(f->format);
	int64_t x, width;
	int y, n = 0, step = d && !(d->flags & AV_PIX_FMT_FLAG_BITSTREAM) ? d->comp[0].step : 0;
	width = (int64_t)f->width * step;
	if (!ls_inside(f, 0, width, f->height))
		return 0;
	for (y = CELL / 2; y + 1 < f->height; y += CELL) {
		uint8_t *line = f->data[0] + (y + (y / CELL & 1)) * (ptrdiff_t)f->linesize[0];
		for (x = CELL / 2 * step; x + (int)sizeof(canary) <= width; x += CELL * step) {
			if (write)
				memcpy(line + x, canary, sizeof(canary));
			else
				n += !memcmp(line + x, canary, sizeof(canary));
		}
	}
	return n;
}

void ls_canaries_write(void *frame)
{
	each_canary(frame, 1);
}

int ls_canaries_left(const void *frame)
{
	return each_canary(frame, 0);
}
