package ffmpeg

// #include "raw.h"
import "C"

import (
	"reflect"
	"unsafe"

	"github.com/asticode/go-astiav"
)

// markBlocks makes c, which is not open yet, mark each picture before it decodes it, to see afterwards what it left out: in H.265
// FFmpeg does not ask whether the slices of a picture cover it. After damage in a slice, what it reads may end anywhere.
func markBlocks(c *astiav.CodecContext) (marked bool) {
	p := raw(c)
	if p != nil {
		C.ls_marks(p)
	}
	return p != nil
}

// unmarked reports whether all of a picture was decoded.
func unmarked(f *astiav.Frame) bool { return C.ls_marks_left(f.UnsafePointer()) == 0 }

// raw returns the AVCodecContext of c, which no version of go-astiav hands out; nil if it cannot be found.
func raw(c *astiav.CodecContext) unsafe.Pointer {
	p := reflect.ValueOf(c).Elem().FieldByName("c")
	if p.Kind() != reflect.Pointer {
		return nil
	}
	return p.UnsafePointer()
}
