package bitstream

import (
	"slices"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"
)

// How many pictures are kept in mind where long-term references are allowed, which are not read here: four times as many as a decoder
// keeps (ITU-T H.265 section A.4.2).
const maxLongTerm = 64

// A trackerH265 follows the pictures of an H.265 stream by their picture order count. Each tells the counts of all that it and those after
// it may refer to (ITU-T H.265 section 8.3.2), so one that is missing is known. For that FFmpeg makes a grey one, and says nothing.
type trackerH265 struct {
	sps  map[uint32]*h265.SPS
	pps  map[uint32]*h265.PPS
	have []int // the order counts of pictures that are there, the newest last; nil before the first
	last int   // the count that others are counted from: prevTid0Pic (8.3.1)

	governs *h265.SPS // the newest picture; nil if that is not known
}

// next reads the NAL units of an access unit: parameter sets, and of its slices the first. A picture that leads a random access picture, and
// may refer to what came before that, is hidden if decoding began there (8.3.1). Nothing but its like refers to it.
func (t *trackerH265) next(h *Headers) {
	h.Hidden = slices.ContainsFunc(h.NALs, func(n []byte) bool { return isRASL(typeH265(n)) && !forbidden(n) })
	slice := t.sets(h)
	width, height := 0, 0
	for _, sps := range t.sps {
		width, height = max(width, int(sps.PicWidthInLumaSamples)), max(height, int(sps.PicHeightInLumaSamples))
	}
	h.Macroblocks = macroblocks(width, height)
	if slice != nil {
		h.MissingReference = !t.picture(slice)
		h.PicStruct = readPicStruct(h.NALs, t.governs)
	}
}

// sets reads the parameter sets of a unit, and remembers those before its first slice, which it returns.
func (t *trackerH265) sets(h *Headers) (slice []byte) {
	known := true
	for _, n := range h.NALs {
		if len(n) < 3 || forbidden(n) || layerH265(n) > 0 {
			continue
		}
		switch kind := typeH265(n); {
		case kind == h265.NALUType_SPS_NUT:
			h.Declared = max(h.Declared, pixelsH265(n))
			size, ok := t.learnSPS(n, slice == nil)
			known = known && ok
			h.Size = larger(h.Size, size)
		case slice != nil:
		case kind == h265.NALUType_PPS_NUT:
			t.learnPPS(n)
		case kind <= h265.NALUType_RSV_IRAP_VCL23:
			slice = n
		}
	}
	if !known {
		h.Size = Size{}
	}
	return slice
}

// learnSPS returns the size of the pictures of a sequence, and remembers its parameter set if that is wanted. ok is false if the size is
// not to be trusted.
func (t *trackerH265) learnSPS(n []byte, wanted bool) (size Size, ok bool) {
	var s h265.SPS
	if len(n) > MaxSet || s.Unmarshal(n) != nil {
		return Size{}, false
	}
	if wanted && s.ID < maxSPSH265 {
		if t.sps == nil {
			t.sps = map[uint32]*h265.SPS{}
		}
		t.sps[uint32(s.ID)] = &s
	}
	return sizeH265(&s), !malformed(n)
}

func (t *trackerH265) learnPPS(n []byte) {
	var p h265.PPS
	if len(n) > MaxSet || p.Unmarshal(n) != nil || p.ID >= maxPPSH265 {
		return
	}
	if t.pps == nil {
		t.pps = map[uint32]*h265.PPS{}
	}
	t.pps[p.ID] = &p
}

// picture takes the next picture by its first slice. ok is false if it begins in its midst, or something that it refers to is not there.
func (t *trackerH265) picture(slice []byte) (ok bool) {
	h, first := t.readSliceH265(slice)
	switch {
	case !first:
		return false
	case h == nil: // it cannot be read: the decoder has more to say about it
		return true
	}
	t.governs = h.sps
	if isIDR(h.kind) {
		t.have, t.last = []int{0}, 0
		return true
	}
	count, begins := h.lsb, isIRAP(h.kind) && (h.kind != h265.NALUType_CRA_NUT || t.have == nil)
	if !begins {
		count = orderCount(h.lsb, t.last, h.maxLSB)
	}
	ok = isIRAP(h.kind) || isRASL(h.kind) || t.hasAll(h.references, count)
	t.remember(h, count, begins)
	return ok
}

// hasAll reports whether all pictures are there that the one of an order count refers to itself.
func (t *trackerH265) hasAll(refs []reference, count int) bool {
	return !slices.ContainsFunc(refs, func(r reference) bool { return r.used && !slices.Contains(t.have, count+r.delta) })
}

// remember notes that the picture of an order count is there, and which of those before it still are. Where a sequence begins there are none.
func (t *trackerH265) remember(h *sliceHeaderH265, count int, begins bool) {
	switch {
	case h.sps.LongTermRefPicsPresentFlag:
		t.have = t.have[max(0, len(t.have)-maxLongTerm):]
	case begins:
		t.have = nil
	default:
		var have []int
		for _, r := range h.references {
			if slices.Contains(t.have, count+r.delta) {
				have = append(have, count+r.delta)
			}
		}
		t.have = have
	}
	t.have = append(t.have, count)
	if h.countsOn() {
		t.last = count
	}
}
