package bitstream

import "github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"

// A trackerH264 follows the pictures of an H.264 stream.
//
// The count of pictures may begin anew without a key unit by memory management control operation 5. No known live encoder does that; a GOP
// that does is taken to have a gap there.
type trackerH264 struct {
	sps      *spsH264 // the newest; nil before the first
	disabled bool     // pictures are not counted: the stream allows gaps, or has several sequences at once
	numbers  frameNumbers
	orders   pictureOrders
	pairs    fieldPairs
	recovery recovery
}

// A pictureH264 is what the slice headers of an access unit say of its picture.
type pictureH264 struct {
	sliceHeaderH264        // the first one
	reference       bool   // others may refer to it, by any of its slices
	fields          fields // those that it has slices of; none of a frame
}

// next reads the NAL units of an access unit.
func (t *trackerH264) next(h *Headers) {
	h.Size = t.sets(h)
	h.sps = t.sps
	if t.sps != nil {
		h.Macroblocks = macroblocks(t.sps.Width(), t.sps.Height())
	}
	p := t.picture(h.NALs)
	if p == nil {
		t.pairs.waiting = 0
		return
	}
	h.slice = &p.sliceHeaderH264
	h.NonReference = !p.reference
	if t.disabled || !p.counted {
		t.pairs.waiting = 0
	} else {
		h.MissingReference = t.numbers.gap(p, t.sps.maxFrameNum())
		if p.whole && t.sps.PicOrderCntType == 0 {
			h.MissingReference = t.orders.repeated(p, t.sps.maxPicOrderCntLsb()) || h.MissingReference
		}
		h.SecondField = t.pairs.second(p)
	}
	t.recovery.count(h.NALs, &h.Status)
	h.Droppable = h.NonReference && !h.MissingReference && t.sps != nil && t.sps.FrameMbsOnlyFlag
}

// sets takes note of the sequence parameter sets of a unit. It returns the size of the largest, if all can be read.
func (t *trackerH264) sets(h *Headers) (s Size) {
	known := true
	for i, n := range h.NALs {
		if !IsSPS(n) || forbidden(n) {
			continue
		}
		sps, ok := parseSPS(n)
		if known = known && ok && sps.agreed; known {
			s = larger(s, sps.size())
		}
		if !ok {
			continue
		}
		t.disabled = t.disabled || sps.GapsInFrameNumValueAllowedFlag || t.sps != nil && sps.ID != t.sps.ID
		t.sps = sps
		if better := withoutAbsurdSample(n, sps); better != nil {
			h.NALs[i], h.Changed = better, true
		}
	}
	if !known {
		return Size{}
	}
	return s
}

// picture reads the slice headers of a unit: of frames, as most streams have them, only the first. It returns nil if there is no slice.
func (t *trackerH264) picture(nals [][]byte) (p *pictureH264) {
	for _, n := range nals {
		switch typeH264(n) {
		case h264.NALUTypeNonIDR, h264.NALUTypeDataPartitionA, h264.NALUTypeIDR:
		default:
			continue
		}
		if forbidden(n) {
			continue
		}
		var h sliceHeaderH264
		if t.sps != nil && (p == nil || !t.sps.FrameMbsOnlyFlag) {
			h = readSliceH264(n, &t.sps.SPS)
		}
		if p == nil {
			p = &pictureH264{sliceHeaderH264: h}
		}
		p.reference = p.reference || nalRefIDC(n) != 0
		p.fields |= h.field
	}
	return p
}

func (s *spsH264) maxFrameNum() uint64 { return 1 << (s.Log2MaxFrameNumMinus4 + 4) }

func (s *spsH264) maxPicOrderCntLsb() int { return 1 << (s.Log2MaxPicOrderCntLsbMinus4 + 4) }

// A fieldPairs finds the second fields of pictures that are coded as two.
type fieldPairs struct {
	waiting  fields // which field the unit before is, if it is a single one that waits for the other
	frameNum uint64 // its frame_num
}

// second reports whether p is the other field of the picture before.
func (f *fieldPairs) second(p *pictureH264) bool {
	second := !p.idr() && p.frameNum == f.frameNum && f.waiting|p.fields == bothFields && p.fields != bothFields
	f.frameNum, f.waiting = p.frameNum, p.fields
	if second || p.fields == bothFields {
		f.waiting = 0
	}
	return second
}
