package ffmpeg

// #include "buffers.h"
import "C"

import (
	"bytes"
	"reflect"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"

	"github.com/livestill/livestill/internal/bitstream"
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
// the time it is referred to: see lay in buffers.c. There too FFmpeg's own reading of the parameter sets is held against ours before
// each picture; where they differ, decoding goes on without a floor.
//
// Numbers of sections are those of ITU-T H.264. Interlaced pictures, and formats that no live stream has, go without.
type floor struct {
	old, new []byte // the sequence parameter set as it is, and with a row more
	sps      h264.SPS
	codings  map[uint32]coding // by pps_id
	pps      *coding           // what the decoder knows floorPPS to be; nil if it does not know it
}

// What FFmpeg wants to be the same in all slices of a picture.
type coding struct {
	cabac bool
	fine  bool // 8x8 transforms are allowed
}

// newFloor returns the floor for a GOP that begins with a unit; nil if it must do without.
func newFloor(first []byte) *floor {
	f := &floor{codings: map[uint32]coding{}}
	nals := bitstream.SplitAnnexB(nil, first)
	for _, n := range nals {
		if kindH264(n) == h264.NALUTypeSPS && f.old == nil {
			f.old = n
		}
	}
	if f.old == nil || !f.fits(nals) || len(f.codings) == 0 {
		return nil
	}
	at, ok := heightAt(f.old)
	if !ok || f.sps.Unmarshal(f.old) != nil {
		return nil
	}
	if f.new = f.heighten(at); f.new == nil {
		return nil
	}
	return f
}

// fits tells whether the unit that consists of nals can have a floor, as far as its parameter sets tell, and takes note of them.
func (f *floor) fits(nals [][]byte) bool {
	for _, n := range nals {
		switch kindH264(n) {
		case h264.NALUTypeSPS:
			if !bytes.Equal(f.old, n) {
				return false
			}
		case h264.NALUTypePPS:
			id, c, ok := readCoding(n)
			if !ok {
				return false
			}
			f.codings[id] = c
		case h264.NALUTypeDataPartitionA:
			return false
		default:
		}
	}
	return true
}

// kindH264 returns the type of a NAL unit; zero, which is none, if its forbidden bit is set (7.3.1).
func kindH264(n []byte) h264.NALUType {
	if n[0]&0x80 != 0 {
		return 0
	}
	return h264.NALUType(n[0] & 0x1f)
}

// expect says what FFmpeg's pictures must be like if it reads the parameter sets as we do.
func (f *floor) expect(e *C.ls_expect) {
	s := &f.sps
	e.row = 1
	e.width = C.int(macro * (s.PicWidthInMbsMinus1 + 1))
	e.height = C.int(macro * (s.PicHeightInMapUnitsMinus1 + 2))
	e.shown_width, e.shown_height = C.int(s.Width()), C.int(s.Height())
	e.chroma, e.depth = C.int(s.ChromaFormatIdc), C.int(8+s.BitDepthLumaMinus8)
}

// pixels returns how many the floor has.
func (f *floor) pixels() int { return macro * macro * (int(f.sps.PicWidthInMbsMinus1) + 1) }

// unit appends to b the access unit that consists of nals, which fit, with a floor.
func (f *floor) unit(b []byte, nals [][]byte) []byte {
	var slice []byte
	for _, n := range nals {
		switch kindH264(n) {
		case h264.NALUTypeSPS:
			b = annexB(b, f.new)
			f.pps = nil // the decoder may forget what refers to a set that comes anew
			continue
		case h264.NALUTypeNonIDR, h264.NALUTypeIDR:
			if slice == nil {
				var c coding
				if slice, c = f.slice(n); slice != nil && (f.pps == nil || *f.pps != c) {
					b = annexB(b, f.set(c))
					f.pps = &c
				}
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

// heighten returns the sequence parameter set (7.3.2.1.1) with a row of macroblocks more, and that cropped; nil if that cannot be. What is
// written is
//
//	pic_height_in_map_units_minus1 ue | frame_mbs_only_flag | direct_8x8_inference_flag | frame_cropping_flag |
//	left, right, top, bottom ue
//
// in place of what begins at a bit. The level becomes one that holds as many pictures as before, since FFmpeg goes by that to put
// pictures in order. Of levels above 5.2 it does not know that and holds sixteen, so it is told, if the set tells nothing else.
func (f *floor) heighten(at int) []byte {
	s := &f.sps
	format := s.ChromaFormatIdc == 1 || s.ChromaFormatIdc == 2
	if !s.FrameMbsOnlyFlag || !format || s.PicWidthInMbsMinus1 >= mostRows || s.PicHeightInMapUnitsMinus1 >= mostRows {
		return nil
	}
	want := *s
	want.PicHeightInMapUnitsMinus1++
	want.LevelIdc = higher(want.LevelIdc)
	crop := h264.SPS_FrameCropping{}
	if want.FrameCropping != nil {
		crop = *want.FrameCropping
	}
	for _, v := range []uint32{crop.LeftOffset, crop.RightOffset, crop.TopOffset, crop.BottomOffset} {
		if v > mostCode {
			return nil
		}
	}
	if s.Width() <= 0 || s.Height() <= 0 {
		return nil
	}
	crop.BottomOffset += macro / (3 - s.ChromaFormatIdc) // in lines of chroma
	want.FrameCropping = &crop

	old := h264.EmulationPreventionRemove(f.old)
	old[3] = want.LevelIdc
	var b bitWriter
	b.copy(old, 0, at)
	r := bitReader{bytes: old, pos: at, end: 8 * len(old)}
	b.ue(r.ue() + 1)
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
	if depth := uint32(depthH264(s)); want.LevelIdc > knownLevel && want.VUI == nil && depth < mostRefs && r.u(1) == 0 {
		want.VUI = &h264.SPS_VUI{BitstreamRestriction: &h264.SPS_BitstreamRestriction{
			MotionVectorsOverPicBoundariesFlag: true, MaxBytesPerPicDenom: 2, MaxBitsPerMbDenom: 1, Log2MaxMvLengthHorizontal: 16,
			Log2MaxMvLengthVertical: 16, MaxNumReorderFrames: depth, MaxDecFrameBuffering: max(depth, s.MaxNumRefFrames),
		}}
		b.put(0b1_0000_0000_1_1, 11) // nothing else is there
		for _, v := range []uint32{2, 1, 16, 16, depth, max(depth, s.MaxNumRefFrames)} {
			b.ue(v)
		}
		b.end()
	} else {
		b.copy(old, r.pos, r.end)
	}
	set := escape(bytes.TrimRight(b.bytes, "\x00"))
	var got h264.SPS
	if r.failed || got.Unmarshal(set) != nil || !reflect.DeepEqual(got, want) {
		return nil
	}
	return set
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
func readCoding(n []byte) (id uint32, c coding, ok bool) {
	if len(n) > bitstream.MaxSet || impossible(n) {
		return 0, c, false
	}
	b := bytes.TrimRight(h264.EmulationPreventionRemove(n), "\x00")
	end := 8*len(b) - 1 // where the stop bit is
	for end > 8 && b[end/8]>>(7-end%8)&1 == 0 {
		end--
	}
	r := bitReader{bytes: b, pos: 8, end: end}
	id = r.ue()
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
	ok = !r.failed && id < floorPPS && groups == 0
	c.fine = r.u(1) == 1
	return id, c, ok
}

// set returns the picture parameter set (7.3.2.2) of the floor: plain, with control over the deblocking filter.
func (f *floor) set(c coding) []byte {
	b := bitWriter{bytes: []byte{0x60 | byte(h264.NALUTypePPS)}, size: 8}
	b.ue(floorPPS)
	b.ue(f.sps.ID)
	if c.cabac {
		b.put(1, 1)
	} else {
		b.put(0, 1)
	}
	b.put(0, 1)     // no difference between the fields
	b.put(7, 3)     // one slice group, one picture in each list
	b.put(0, 3)     // no weighted prediction
	b.put(7, 3)     // quantisers: 26, 26, no offset for chroma
	b.put(0b100, 3) // deblocking control; free intra prediction, no redundant pictures
	if c.fine {
		b.put(0b101, 3) // 8x8 transforms; no matrices, no other offset for chroma
	}
	b.end()
	return escape(b.bytes)
}

// slice returns the floor's slice (7.3.3) for the picture that slice n is of, and how that is coded; nil if n cannot be read.
func (f *floor) slice(n []byte) ([]byte, coding) {
	const typeI, most = 2, 60
	head := h264.EmulationPreventionRemove(n[:min(len(n), most)])
	r := bitReader{bytes: head, pos: 8, end: 8 * len(head)}
	idr := kindH264(n) == h264.NALUTypeIDR
	b := bitWriter{bytes: []byte{n[0]}, size: 8}
	b.ue((f.sps.PicWidthInMbsMinus1 + 1) * (f.sps.PicHeightInMapUnitsMinus1 + 1))
	b.ue(typeI)
	b.ue(floorPPS)
	r.ue()
	r.ue()
	c, known := f.codings[r.ue()]
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
	if r.failed || !known {
		return nil, c
	}
	f.row(&b, c)
	return escape(b.bytes), c
}

// row writes the macroblocks (7.3.5). In CAVLC each is
//
//	mb_type ue: intra 16x16 from the mean, 00100 | intra_chroma_pred_mode ue: 1 | mb_qp_delta se: 1 | coeff_token: none, 1
func (f *floor) row(b *bitWriter, c coding) {
	width := int(f.sps.PicWidthInMbsMinus1) + 1
	if c.cabac {
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

func annexB(b, n []byte) []byte { return append(append(b, 0, 0, 1), n...) }
