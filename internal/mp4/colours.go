package mp4

import (
	"math"

	"github.com/livestill/livestill/frame"
)

// readColours reads a box of a sample entry into c, if it is one of those that tell of colours: colr, mdcv and clli (ISO/IEC 14496-12 sections 12.1.5
// to 12.1.7), and those that VP9 had before (VP Codec ISO Media File Format Binding 1.0). QuickTime's nclc has no range. Numbers too large for a field are
// left out.
//
//	colr: nclx or nclc (32)  primaries, transfer, matrix (16 each)  full range (1)
//	mdcv: x, y of three primaries and of white (16 each)  max luminance (32, a unit is 0.0001 cd/m²)  min luminance (32)
//	clli: max content, max average (16 each)
//	SmDm: version, flags (32)  as mdcv (a unit of max luminance is 1/256 cd/m²)        CoLL: version, flags (32)  as clli
func readColours(c *frame.Colours, x box) {
	const chromaticities = 8 * 2 // bytes
	r := reader{b: x.content}
	light := func(unit float64) int32 {
		r.skip(chromaticities)
		return int32(min(math.Round(float64(r.u32())/unit), math.MaxInt32))
	}
	read := *c
	switch x.kind {
	case "colr":
		kind := r.u32()
		if kind != 'n'<<24|'c'<<16|'l'<<8|'x' && kind != 'n'<<24|'c'<<16|'l'<<8|'c' {
			return // a profile
		}
		read.Primaries, read.Transfer, read.Matrix = r.number(), r.number(), r.number()
		read.FullRange = kind&0xff == 'x' && len(r.b) > 0 && r.b[0]&0x80 != 0
	case "mdcv":
		read.MaxMastering = light(10000)
	case "SmDm":
		r.full()
		read.MaxMastering = light(256)
	case "clli":
		read.MaxContent, read.MaxAverage = int32(r.u16()), int32(r.u16())
	case "CoLL":
		r.full()
		read.MaxContent, read.MaxAverage = int32(r.u16()), int32(r.u16())
	}
	if !r.ended {
		*c = read
	}
}

// number reads a number of ITU-T H.273; it is zero if it is larger than those are.
func (r *reader) number() uint8 {
	if v := r.u16(); v <= math.MaxUint8 {
		return uint8(v)
	}
	return 0
}
