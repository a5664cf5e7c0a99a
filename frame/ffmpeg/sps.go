package ffmpeg

import (
	"slices"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"

	"github.com/livestill/livestill/internal/bitstream"
)

// The largest Exp-Golomb code that is read of a sequence parameter set. FFmpeg's fast readers know codes of up to 25 bits, and read
// something else of longer ones, each version in its own way.
const mostCode = 4095

// Profiles (A.2) whose sequence parameter sets all readers read alike: those without and with a format of chroma. FFmpeg and mediacommon
// differ in 134 to 144.
var (
	plainProfiles = []uint64{66, 77}
	highProfiles  = []uint64{100, 110, 122, 244}
)

// A setReader reads the codes of a sequence parameter set, and fails at those that readers differ in.
type setReader struct{ bitReader }

func (r *setReader) ue(most uint32) uint32 {
	v := r.bitReader.ue()
	if r.failed = r.failed || v > most; r.failed {
		return 0
	}
	return v
}

// heightAt returns the bit, without emulation prevention, at which pic_height_in_map_units_minus1 begins in a sequence parameter set
// (7.3.2.1.1); ok is false if it is one that readers may differ in.
func heightAt(n []byte) (at int, ok bool) {
	if len(n) > bitstream.MaxSet || impossible(n) {
		return 0, false
	}
	b := h264.EmulationPreventionRemove(n)
	r := setReader{bitReader{bytes: b, pos: 8, end: 8 * len(b)}}
	profile := r.u(8)
	r.u(16)  // constraints, level
	r.ue(31) // id
	switch {
	case slices.Contains(highProfiles, profile):
		r.format()
	case !slices.Contains(plainProfiles, profile):
		return 0, false
	}
	r.ue(12) // frame_num
	r.order()
	r.ue(16) // references
	r.u(1)
	r.ue(mostRows - 1) // width
	return r.pos, !r.failed
}

// format reads on in the set of a high profile: chroma_format_idc up to the scaling lists.
func (r *setReader) format() {
	if chroma := r.ue(2); chroma == 0 {
		r.failed = true
	}
	if depth := r.ue(6); r.ue(6) != depth {
		r.failed = true
	}
	r.u(1)
	if r.u(1) == 0 {
		return
	}
	const small, large = 6, 2 // lists, of 16 and of 64
	for i := range small + large {
		size := 16
		if i >= small {
			size = 64
		}
		if r.u(1) == 1 {
			r.list(size)
		}
	}
}

// list reads a scaling list (7.3.2.1.1.1), which ends where the scale becomes zero.
func (r *setReader) list(size int) {
	last := 8
	for range size {
		code := int(r.ue(2 * 128))
		if code > 0 {
			code = (code + 1) / 2 * (2*(code%2) - 1) // se (9.1.1)
		}
		next := (last + code) & 255
		if next == 0 || r.failed {
			return
		}
		last = next
	}
}

// order reads on: how the order of pictures is told.
func (r *setReader) order() {
	switch r.ue(2) {
	case 0:
		r.ue(12)
	case 1:
		r.u(1)
		r.ue(mostCode)
		r.ue(mostCode)
		for range r.ue(255) {
			r.ue(mostCode)
		}
	}
}
