package ffmpeg

// #include "raw.h"
import "C"

import (
	"bytes"
	"reflect"
	"unsafe"

	"github.com/asticode/go-astiav"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"

	"github.com/livestill/livestill/internal/nal"
)

const (
	floorPPS = 255  // the largest pps_id (7.4.2.2), which no encoder was seen to use
	macro    = 16   // lines of a macroblock
	mostRows = 1055 // of macroblocks, or columns: the square root of eight times what level 6.2 has room for (A.3.1)
)

// A floor lies below each picture of a GOP: one row of macroblocks more, which is a slice of our own. It makes FFmpeg find damage.
//
// After damage the entropy decoder reads nonsense, which most often is valid. In a slice that others follow FFmpeg finds that it
// does not end where the next begins, but at the last macroblock of a picture it stops without asking whether the slice ends there.
// With the floor it goes on, into a row that has a slice.
//
// Pictures refer to lines below the one before, which are its last line again and again. So the floor must look like that by
// the time it is referred to: see ls_floor in floor.c.
//
// Numbers of sections are those of ITU-T H.264. Interlaced pictures, and formats that no live stream has, go without.
type floor struct {
	old, sets []byte // the sequence parameter set as it is, and what stands in for it: with a row more, and with floorPPS
	sps       h264.SPS
	coding    coding
	nals      [][]byte
}

// What FFmpeg wants to be the same in all slices of a picture.
type coding struct {
	cabac bool
	fine  bool // 8x8 transforms are allowed
}

// newFloor returns the floor for a GOP that begins with a unit; nil if it must do without. What comes later is taken to have the same
// parameter sets.
func newFloor(first []byte) *floor {
	f, known := &floor{}, false
	f.nals = nal.SplitAnnexB(f.nals, first)
	for _, n := range f.nals {
		switch h264.NALUType(n[0] & 0x1f) {
		case h264.NALUTypeSPS:
			if f.old != nil && !bytes.Equal(f.old, n) {
				return nil
			}
			f.old = n
		case h264.NALUTypePPS:
			c, ok := readCoding(n)
			if !ok || known && c != f.coding {
				return nil
			}
			f.coding, known = c, true
		case h264.NALUTypeDataPartitionA:
			return nil
		default:
		}
	}
	if f.old == nil || f.sps.Unmarshal(f.old) != nil {
		return nil
	}
	s := &f.sps
	format := s.ChromaFormatIdc == 1 || s.ChromaFormatIdc == 2
	sane := s.PicWidthInMbsMinus1 < mostRows && s.PicHeightInMapUnitsMinus1 < mostRows
	if !s.FrameMbsOnlyFlag || !format || !sane || s.Log2MaxFrameNumMinus4 > 12 || s.Log2MaxPicOrderCntLsbMinus4 > 12 {
		return nil
	}
	set := f.heighten()
	if set == nil {
		return nil
	}
	f.sets = annexB(annexB(nil, set), f.pps())
	return f
}

// pixels returns how many the floor has.
func (f *floor) pixels() int { return macro * macro * (int(f.sps.PicWidthInMbsMinus1) + 1) }

// unit appends to b an access unit with a floor.
func (f *floor) unit(b, data []byte) []byte {
	f.nals = nal.SplitAnnexB(f.nals[:0], data)
	var slice []byte
	for _, n := range f.nals {
		switch h264.NALUType(n[0] & 0x1f) {
		case h264.NALUTypeSPS:
			b = append(b, f.sets...)
			continue
		case h264.NALUTypeNonIDR, h264.NALUTypeIDR:
			if slice == nil {
				slice = f.slice(n)
			}
		default:
		}
		b = annexB(b, n)
	}
	if slice != nil {
		b = annexB(b, slice)
	}
	return b
}

// heighten returns the sequence parameter set (7.3.2.1.1) with a row of macroblocks more, and that cropped. The fields
//
//	pic_width_in_mbs_minus1 ue | pic_height_in_map_units_minus1 ue | frame_mbs_only_flag | direct_8x8_inference_flag |
//	frame_cropping_flag | left, right, top, bottom ue, if that is set
//
// are found by their values: the right place is where the set that comes out is the one that was wanted. The level becomes one
// that holds as many pictures as before, since FFmpeg goes by that to put pictures in order.
func (f *floor) heighten() []byte {
	want := f.sps
	want.PicHeightInMapUnitsMinus1++
	want.LevelIdc = higher(want.LevelIdc)
	crop := h264.SPS_FrameCropping{}
	if want.FrameCropping != nil {
		crop = *want.FrameCropping
	}
	crop.BottomOffset += macro / (3 - f.sps.ChromaFormatIdc) // in lines of chroma
	want.FrameCropping = &crop

	old := h264.EmulationPreventionRemove(f.old)
	old[3] = want.LevelIdc
	for at := 32; at < 8*len(old); at++ {
		r := bitReader{bytes: old, pos: at, end: 8 * len(old)}
		if r.ue() != want.PicWidthInMbsMinus1 || r.failed {
			continue
		}
		var b bitWriter
		b.copy(old, 0, r.pos)
		b.ue(want.PicHeightInMapUnitsMinus1)
		if r.ue() != f.sps.PicHeightInMapUnitsMinus1 {
			continue
		}
		b.put(r.u(2), 2)
		if r.u(1) == 1 {
			for range 4 {
				r.ue()
			}
		}
		b.put(1, 1)
		for _, v := range []uint32{crop.LeftOffset, crop.RightOffset, crop.TopOffset, crop.BottomOffset} {
			b.ue(v)
		}
		b.copy(old, r.pos, r.end)
		set := escape(bytes.TrimRight(b.bytes, "\x00"))
		var got h264.SPS
		if !r.failed && got.Unmarshal(set) == nil && reflect.DeepEqual(got, want) {
			return set
		}
	}
	return nil
}

// higher returns the next level for which the buffer of decoded pictures is larger (table A-1).
func higher(level uint8) uint8 {
	for _, l := range []uint8{10, 11, 20, 21, 30, 31, 32, 41, 42, 50} { // the highest of those with the same buffer
		if level <= l {
			return map[uint8]uint8{10: 11, 11: 12, 20: 21, 21: 22, 30: 31, 31: 32, 32: 40, 41: 42, 42: 50, 50: 51}[l]
		}
	}
	return 60
}

// readCoding reads a picture parameter set; ok is false if it is not one to put a floor to.
func readCoding(n []byte) (c coding, ok bool) {
	b := bytes.TrimRight(h264.EmulationPreventionRemove(n), "\x00")
	end := 8*len(b) - 1 // where the stop bit is
	for end > 8 && b[end/8]>>(7-end%8)&1 == 0 {
		end--
	}
	r := bitReader{bytes: b, pos: 8, end: end}
	id := r.ue()
	r.ue()
	c.cabac = r.u(1) == 1
	r.u(1)
	groups := r.ue()
	r.ue()
	r.ue()
	r.u(3)
	for range 3 {
		r.ue()
	}
	r.u(3)
	ok = !r.failed && id != floorPPS && groups == 0
	c.fine = r.u(1) == 1
	return c, ok
}

// pps returns the picture parameter set (7.3.2.2) of the floor: plain, with control over the deblocking filter.
func (f *floor) pps() []byte {
	b := bitWriter{bytes: []byte{0x60 | byte(h264.NALUTypePPS)}, size: 8}
	b.ue(floorPPS)
	b.ue(f.sps.ID)
	if f.coding.cabac {
		b.put(1, 1)
	} else {
		b.put(0, 1)
	}
	b.put(0, 1)     // no difference between the fields
	b.put(7, 3)     // one slice group, one picture in each list
	b.put(0, 3)     // no weighted prediction
	b.put(7, 3)     // quantisers: 26, 26, no offset for chroma
	b.put(0b100, 3) // deblocking control; free intra prediction, no redundant pictures
	if f.coding.fine {
		b.put(0b101, 3) // 8x8 transforms; no matrices, no other offset for chroma
	}
	b.end()
	return escape(b.bytes)
}

// slice returns the floor's slice (7.3.3) for the picture that slice n is of; nil if n cannot be read.
func (f *floor) slice(n []byte) []byte {
	const typeI, most = 2, 60
	head := h264.EmulationPreventionRemove(n[:min(len(n), most)])
	r := bitReader{bytes: head, pos: 8, end: 8 * len(head)}
	idr := h264.NALUType(n[0]&0x1f) == h264.NALUTypeIDR
	b := bitWriter{bytes: []byte{n[0]}, size: 8}
	b.ue((f.sps.PicWidthInMbsMinus1 + 1) * (f.sps.PicHeightInMapUnitsMinus1 + 1))
	b.ue(typeI)
	b.ue(floorPPS)
	for range 3 {
		r.ue()
	}
	size := int(f.sps.Log2MaxFrameNumMinus4) + 4
	b.put(r.u(size), size)
	if idr {
		b.ue(r.ue())
	}
	switch {
	case f.sps.PicOrderCntType == 0:
		size := int(f.sps.Log2MaxPicOrderCntLsbMinus4) + 4
		b.put(r.u(size), size)
	case f.sps.PicOrderCntType == 1 && !f.sps.DeltaPicOrderAlwaysZeroFlag:
		b.ue(r.ue())
	}
	switch refers := n[0]&0x60 != 0; { // dec_ref_pic_marking, which counts in the first slice only
	case refers && idr:
		b.put(0, 2)
	case refers:
		b.put(0, 1)
	}
	b.put(0b1_010, 4) // slice_qp_delta 0, deblocking off
	if r.failed {
		return nil
	}
	f.row(&b)
	return escape(b.bytes)
}

// row writes the macroblocks (7.3.5). In CAVLC each is
//
//	mb_type ue: intra 16x16 from the mean, 00100 | intra_chroma_pred_mode ue: 1 | mb_qp_delta se: 1 | coeff_token: none, 1
func (f *floor) row(b *bitWriter) {
	width := int(f.sps.PicWidthInMbsMinus1) + 1
	if f.coding.cabac {
		for b.size%8 != 0 {
			b.put(1, 1)
		}
		plainRow(b, width)
		return
	}
	for range width {
		b.put(0b00100_1_1_1, 8)
	}
	b.end()
}

// lay makes c, which is not open yet, lay the floor under each picture. What it returns is to be freed after c; nil if it failed.
func lay(c *astiav.CodecContext) unsafe.Pointer {
	if p := raw(c); p != nil {
		return C.ls_floor(p)
	}
	return nil
}

func annexB(b, n []byte) []byte { return append(append(b, 0, 0, 1), n...) }
