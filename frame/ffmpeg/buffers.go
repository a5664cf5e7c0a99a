package ffmpeg

// #include "buffers.h"
import "C"

import (
	"reflect"
	"unsafe"

	"github.com/asticode/go-astiav"
)

// buffers makes c, which is not open yet, get its picture buffers as buffers.c has it; nil if it cannot be made to.
func buffers(c *astiav.CodecContext, e *C.ls_expect) *C.ls_buffers {
	p := raw(c)
	if p == nil {
		return nil
	}
	return C.ls_buffers_new(p, e)
}

// raw returns the AVCodecContext of c, which no version of go-astiav hands out; nil if it cannot be found.
func raw(c *astiav.CodecContext) unsafe.Pointer {
	p := reflect.ValueOf(c).Elem().FieldByName("c")
	if p.Kind() != reflect.Pointer {
		return nil
	}
	return p.UnsafePointer()
}
