// Package ffmpeg decodes GOPs to pictures, makes better pictures by FFmpeg's filters, and encodes pictures as JPEG, PNG, WebP and AVIF files. It
// is the only package of Livestill that uses cgo, and no C memory leaves it.
//
// One source serves FFmpeg 5.1 to 8: of go-astiav it uses only what has not changed between the versions that bind them. What
// more is needed of libav's structures is read in raw.c; picture buffers are checked and counted in buffers.c; filter graphs are made in
// filter.c.
//
// FFmpeg's log is global to the process. The first use of this package turns it off, since each error comes back as a value and
// damaged streams would fill the log. Who wants the log sets its level after that, by astiav.SetLogLevel.
package ffmpeg

// #cgo pkg-config: libavcodec libavutil
// #cgo CFLAGS: -O3
// #include <libavcodec/avcodec.h>
import "C"

import (
	"sync"

	"github.com/asticode/go-astiav"

	"github.com/livestill/livestill/frame"
)

// quiet turns FFmpeg's log off, once: it is a global because the log level is one.
var quiet = sync.OnceFunc(func() { astiav.SetLogLevel(astiav.LogLevelQuiet) })

// codecID returns FFmpeg's name for a codec, and whether it has one.
func codecID(c frame.Codec) (astiav.CodecID, bool) {
	ids := [...]astiav.CodecID{
		frame.H264:  C.AV_CODEC_ID_H264,
		frame.H265:  C.AV_CODEC_ID_HEVC,
		frame.AV1:   C.AV_CODEC_ID_AV1,
		frame.VP8:   C.AV_CODEC_ID_VP8,
		frame.VP9:   C.AV_CODEC_ID_VP9,
		frame.MJPEG: C.AV_CODEC_ID_MJPEG,
		frame.MPEG4: C.AV_CODEC_ID_MPEG4,
	}
	if c == 0 || int(c) >= len(ids) {
		return 0, false
	}
	return ids[c], true
}
