package ffmpeg

// #include "buffers.h"
import "C"

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"unsafe"

	"github.com/asticode/go-astiav"
)

// errAstiav is the error of a go-astiav that hides its AVCodecContext elsewhere than those that we know. Without it picture buffers would
// not be checked, so nothing is decoded.
var errAstiav = fmt.Errorf("%w: this version of go-astiav; known are v0.16.0, v0.19.0, v0.39.0 and v0.42.0", ErrUnsupported)

// buffers makes c, which is not open yet, get its picture buffers as buffers.c has it.
func buffers(c *astiav.CodecContext, e *C.ls_expect) (*C.ls_buffers, error) {
	p := raw(c)
	if p == nil {
		return nil, errAstiav
	}
	b := C.ls_buffers_new(p, e)
	if b == nil {
		return nil, errors.New("out of memory")
	}
	return b, nil
}

// raw returns the AVCodecContext of an *astiav.CodecContext, which no version of go-astiav hands out; nil if it is not found.
func raw(c any) unsafe.Pointer {
	p := reflect.ValueOf(c).Elem().FieldByName("c")
	if p.Kind() != reflect.Pointer || !strings.HasSuffix(p.Type().Elem().Name(), "AVCodecContext") {
		return nil
	}
	return p.UnsafePointer()
}
