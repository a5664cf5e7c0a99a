// For tests, built only with LS_GUARD_PAGES: pictures lie between pages that cannot be touched. What reads or writes far beyond a plane then
// ends the process, where it would leap over the red zones of AddressSanitizer.
#ifdef LS_GUARD_PAGES

#include "buffers.h"

#include <sys/mman.h>
#include <unistd.h>

#include <libavcodec/avcodec.h>
#include <libavutil/imgutils.h>
#include <sanitizer/asan_interface.h>

#define ALIGN 64  // the most that libavcodec aligns planes to
#define BEHIND 16 // bytes that its SIMD may touch behind a plane: what its own buffers have more

// release unmaps memory of a size. Its first page that may be touched is the one that data lies in.
static void release(void *size, uint8_t *data)
{
	size_t page = sysconf(_SC_PAGESIZE);
	uint8_t *map = data - (uintptr_t)data % page - page;
	ASAN_UNPOISON_MEMORY_REGION(map, (uintptr_t)size);
	munmap(map, (uintptr_t)size);
}

// between returns a buffer right before a page that cannot be touched, and less than a page behind another. Of its bytes only the first are
// for us; AddressSanitizer guards what lies around them.
static AVBufferRef *between(size_t bytes, size_t first)
{
	size_t page = sysconf(_SC_PAGESIZE), taken = FFALIGN(bytes, ALIGN), room = FFALIGN(taken, page), size = page + room + page;
	uint8_t *map = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *data;
	AVBufferRef *buf;
	if (map == MAP_FAILED)
		return NULL;
	data = map + page + room - taken;
	if (mprotect(map + page, room, PROT_READ | PROT_WRITE) || !(buf = av_buffer_create(data, bytes, release, (void *)size, 0))) {
		munmap(map, size);
		return NULL;
	}
	ASAN_POISON_MEMORY_REGION(map + page, room - taken);
	ASAN_POISON_MEMORY_REGION(data + first, taken - first);
	return buf;
}

int ls_guard_pages(void *codec, void *frame)
{
	AVFrame *f = frame;
	int i, w = f->width, h = f->height, align[AV_NUM_DATA_POINTERS];
	ptrdiff_t strides[4];
	size_t whole[4], shown[4];
	avcodec_align_dimensions2(codec, &w, &h, align); // libavcodec needs lines that the picture does not have
	for (i = 0; i < 4; i++)
		strides[i] = f->linesize[i];
	if (av_image_fill_plane_sizes(whole, f->format, h, strides) < 0 || av_image_fill_plane_sizes(shown, f->format, f->height, strides) < 0)
		return AVERROR(EINVAL);
	for (i = 0; i < 4 && f->buf[i]; i++) {
		AVBufferRef *buf = between(whole[i] + BEHIND, shown[i]);
		if (!buf)
			return AVERROR(ENOMEM);
		av_buffer_unref(&f->buf[i]);
		f->buf[i] = buf;
		f->data[i] = buf->data;
	}
	return 0;
}

#endif
