package ffmpeg

// #include "raw.h"
import "C"

import (
	"time"

	"github.com/asticode/go-astiav"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/ffmpeg/internal/reorder"
	"github.com/livestill/livestill/internal/bitstream"
)

// An output is a picture that is to be shown next.
type output = reorder.Output[*astiav.Frame]

// A lasting says since when the same pixels have been on show.
type lasting struct {
	hash  uint64
	since time.Time // zero before the first picture
}

// note takes note of the next picture, which was shown first at t.
func (l *lasting) note(f *astiav.Frame, t time.Time) {
	if hash := uint64(C.ls_hash(f.UnsafePointer())); hash != l.hash || l.since.IsZero() {
		l.hash, l.since = hash, t
	}
}

// interlacing is what is kept of pictures that show two instants, for the next one to be made of.
type interlacing struct {
	seen   bool             // there was a frame of two fields
	before shownFields      // that was shown last, undamaged
	half   *output          // of H.265: a field that waits for the other of its frame
	order  frame.FieldOrder // of the fields of H.265; Progressive before the first
	second lasting          // of second fields that have units of their own
}

// interlaced returns the order of fields in the picture of a unit, which FFmpeg tells; of H.265 it tells it of those pictures alone that are fields.
func interlaced(c frame.Codec, s bitstream.PicStruct, told frame.FieldOrder) frame.FieldOrder {
	switch {
	case c != frame.H265:
		return told
	case s.Interlaced():
		return orderOf(s)
	}
	return frame.Progressive
}

// orderOf returns the order of fields in a frame, or in one that begins with a field.
func orderOf(s bitstream.PicStruct) frame.FieldOrder {
	if s.Bottom() {
		return frame.BottomFirst
	}
	return frame.TopFirst
}

// oldest returns the first unit of which something is still to be told.
func (g *gopDecoder) oldest() int {
	first := g.reorder.First()
	if half := g.interlacing.half; half != nil {
		first = min(first, half.Unit)
	}
	return first
}

// present yields the next picture, or keeps it back until the other field of its frame is there.
func (g *gopDecoder) present(o output, yield func(frame.Latent, error) bool) bool {
	u := g.units.At(o.Unit)
	isField := u.status.PicStruct.Field()
	if (u.key || !isField) && !g.alone(yield) {
		g.leave(o.Picture)
		return false
	}
	if u.key { // a picture is the same wherever decoding began
		g.precede(shownFields{})
		g.interlacing.order = frame.Progressive
	}
	if isField {
		return g.field(o, yield)
	}
	g.lasting.note(o.Picture, u.time)
	var s *fields
	if u.fields != frame.Progressive {
		g.interlacing.seen = true
		s = &fields{kept: o.Picture, other: o.Picture, before: g.interlacing.before, order: u.fields, split: g.isSplit(o.Unit)}
		o.Corrupt = o.Corrupt || s.split && g.reorder.Corrupt(o.Unit+1)
	}
	more := g.latent(o, s, yield) && (s == nil || !s.split || g.later(o, *s, yield))
	if g.interlacing.seen {
		g.shown(shownFields{first: o.Picture, second: o.Picture}, o.Corrupt)
	} else {
		g.leave(o.Picture)
	}
	return more
}

// isSplit reports whether the second field of a frame of H.264 has a unit of its own, which is shown later than that of the first.
func (g *gopDecoder) isSplit(unit int) bool {
	first, second := g.units.At(unit), g.units.At(unit+1)
	return second != nil && second.status.SecondField && second.pts > first.pts
}

// later yields the second field of a frame that was just shown as the picture of its own unit. If it shows the same instant as the first, that unit
// has no picture of its own.
func (g *gopDecoder) later(o output, s fields, yield func(frame.Latent, error) bool) bool {
	first, second := g.units.At(o.Unit), g.units.At(o.Unit+1)
	if s.second = true; !second.wanted || !s.isCombed() {
		return true
	}
	second.offered, second.qp, second.status.Orientation = true, first.qp, first.status.Orientation
	g.interlacing.second.since = g.lasting.since.Add(second.time.Sub(first.time))
	o.Unit++
	return g.latent(o, &s, yield)
}

// field yields the next picture of H.265, which is a field: when the other field of its frame is there, both, each as the picture of its instant; or
// by itself, if that does not come. Fields that do not say what they belong to come in pairs, in the order in which the GOP begins.
func (g *gopDecoder) field(o output, yield func(frame.Latent, error) bool) bool {
	i, is := &g.interlacing, g.units.At(o.Unit).status.PicStruct
	if i.order == frame.Progressive {
		if i.order = orderOf(is); is.After() {
			i.order = frame.TopFirst + frame.BottomFirst - i.order
		}
	}
	first := is.Before() || !is.After() && is.Bottom() == (i.order == frame.BottomFirst)
	if half := i.half; half != nil && !first && g.units.At(half.Unit).status.PicStruct.Bottom() != is.Bottom() {
		i.half = nil
		return g.pair(*half, o, yield)
	}
	if !g.alone(yield) {
		g.leave(o.Picture)
		return false
	}
	i.half = &o
	if first {
		return true
	}
	return g.alone(yield)
}

// pair yields the pictures of both fields of a frame.
func (g *gopDecoder) pair(first, second output, yield func(frame.Latent, error) bool) bool {
	i := &g.interlacing
	g.lasting.note(first.Picture, g.units.At(first.Unit).time)
	i.second.note(second.Picture, g.units.At(second.Unit).time)
	first.Corrupt = first.Corrupt || second.Corrupt
	second.Corrupt = first.Corrupt
	order := orderOf(g.units.At(first.Unit).status.PicStruct)
	if i.before.order != order {
		g.precede(shownFields{})
	}
	more := g.latent(first, &fields{kept: first.Picture, other: second.Picture, before: i.before, apart: true, order: order}, yield) &&
		g.latent(second, &fields{kept: second.Picture, other: first.Picture, before: i.before, apart: true, second: true, order: order}, yield)
	g.shown(shownFields{first.Picture, second.Picture, order}, first.Corrupt)
	return more
}

// alone yields the field that waits for another, if there is one: that does not come.
func (g *gopDecoder) alone(yield func(frame.Latent, error) bool) bool {
	o := g.interlacing.half
	if o == nil {
		return true
	}
	g.interlacing.half = nil
	u := g.units.At(o.Unit)
	g.lasting.note(o.Picture, u.time)
	more := g.latent(*o, &fields{kept: o.Picture, apart: true, order: orderOf(u.status.PicStruct)}, yield)
	g.precede(shownFields{})
	g.leave(o.Picture)
	return more
}

// shown takes note of the picture that was shown last.
func (g *gopDecoder) shown(f shownFields, corrupt bool) {
	if !corrupt {
		g.precede(f)
		return
	}
	g.precede(shownFields{})
	g.leave(f.first)
	if f.second != f.first {
		g.leave(f.second)
	}
}

// precede puts what the next picture may be made of in place of what was.
func (g *gopDecoder) precede(f shownFields) {
	before := g.interlacing.before
	g.interlacing.before = f
	if before.first != nil {
		g.leave(before.first)
	}
	if before.second != before.first {
		g.leave(before.second)
	}
}

// leave frees a picture that is needed no more, when what it was offered with is over.
func (g *gopDecoder) leave(f *astiav.Frame) {
	if g.d.shared != nil {
		g.offered = append(g.offered, f)
	} else {
		f.Free()
	}
}
