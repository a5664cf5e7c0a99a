package ffmpeg

// #include "deinterlace.h"
// #include "raw.h"
import "C"

import (
	"errors"
	"fmt"
	"image"

	"github.com/asticode/go-astiav"

	"github.com/livestill/livestill/frame"
)

// Fields are what a picture is made of that may show two instants: the lines of one field, which stay, and what is near them in time.
type fields struct {
	kept, other *astiav.Frame // both fields, which may be in one frame; other is nil if it did not come
	before      shownFields   // the picture before; none if that is not known, or damaged
	apart       bool          // each field is a frame of its own
	split       bool          // each field has a unit of its own, though both are in one frame
	second      bool          // kept is the field that is shown second
	order       frame.FieldOrder
}

// ShownFields are the fields of a picture that was shown; both may be in one frame.
type shownFields struct {
	first, second *astiav.Frame
	order         frame.FieldOrder // of frames of their own
}

// field returns the lines of the first or the second field of a picture. They are in f.
func (s *fields) field(f *astiav.Frame, second bool) (l C.ls_field) {
	if f == nil {
		return l
	}
	l.frame, l.step = f.UnsafePointer(), 1
	if !s.apart {
		l.step = 2
		if second != (s.order == frame.BottomFirst) {
			l.first = 1
		}
	}
	return l
}

// lines returns the same as deinterlace.c has it.
func (s *fields) lines() *C.ls_fields {
	l := &C.ls_fields{kept: s.field(s.kept, s.second), other: s.field(s.other, !s.second)}
	l.kept_before, l.other_before = s.field(s.before.first, false), s.field(s.before.second, true)
	if s.second {
		l.kept_before, l.other_before, l.late = l.other_before, l.kept_before, 1
	}
	if s.second != (s.order == frame.BottomFirst) {
		l.bottom = 1
	}
	return l
}

// deinterlace makes the picture of the instant of the kept field. It returns nil if that is the frame as it came: both of its fields show the same
// instant, or its samples cannot be read here.
func (g *gopDecoder) deinterlace(s *fields) (picture *astiav.Frame, changes frame.Changes, err error) {
	if s.apart && 2*s.kept.Width()*s.kept.Height() > g.d.maxPixels() {
		return nil, 0, fmt.Errorf("%w: a picture of two fields of %d x %d", frame.ErrTooCostly, s.kept.Width(), s.kept.Height())
	}
	weave := C.int(0)
	if s.apart {
		weave = 1
	}
	picture = astiav.AllocFrame()
	did := C.ls_deinterlace(s.lines(), picture.UnsafePointer(), weave)
	switch {
	case did < 0:
		err = errors.New("out of memory")
	case did == C.LS_DEINTERLACED || did == C.LS_UNCOMBED && s.apart:
		return picture, s.changes(did == C.LS_DEINTERLACED), nil
	case s.apart:
		err = fmt.Errorf("%w: fields of pixel format %v", ErrUnsupported, s.kept.PixelFormat())
	}
	picture.Free()
	return nil, 0, err
}

// isCombed reports whether the fields show two instants.
func (s *fields) isCombed() bool { return C.ls_is_combed(s.lines()) != 0 }

// changes returns what was done to a picture.
func (s *fields) changes(deinterlaced bool) (c frame.Changes) {
	if s.apart && s.other != nil {
		c |= frame.Woven
	}
	if deinterlaced {
		c |= frame.Deinterlaced
	}
	if deinterlaced && s.second && !s.apart && !s.split {
		c |= frame.SecondField
	}
	return c
}

// develop makes the image of the picture of u; s is nil for one that is progressive.
func (g *gopDecoder) develop(f *astiav.Frame, raw *C.ls_raw, u *unit, s *fields) (img *image.YCbCr, changes frame.Changes, err error) {
	if s == nil {
		return g.convert(f, raw, u)
	}
	picture, did, err := g.deinterlace(s)
	if err != nil {
		return nil, 0, err
	}
	if picture != nil {
		defer picture.Free()
		C.ls_like(picture.UnsafePointer(), f.UnsafePointer())
		made, whole := new(C.ls_raw), *raw
		C.ls_read(picture.UnsafePointer(), made)
		whole.data, whole.stride, whole.height, whole.whole = made.data, made.stride, made.height, made.whole
		f, raw = picture, &whole
	}
	img, changes, err = g.convert(f, raw, u)
	return img, changes | did, err
}
