package ffmpeg

import (
	"math/bits"
	"slices"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"

	"github.com/livestill/livestill/internal/bitstream"
)

// NAL unit types of H.265, table 7-1.
const (
	trailingN = 0 // up to 14 the even ones are not referred to in their own temporal layer
	leading   = 6 // 6 to 9: shown before the key picture that is decoded before them
	skipped   = 8 // 8 and 9: and may refer to what came before that
	reserved  = 15
	random    = 16 // 16 to 23: decoding can begin here
	idr       = 19 // 19 and 20
	clean     = 21 // CRA: the count of pictures goes on, unless the stream begins here
)

// How many pictures are kept in mind where long-term references are allowed, which are not read here: four times as many as a decoder
// holds (A.4.2).
const mostKept = 64

// An order follows the pictures of an H.265 stream by their picture order count. Each tells the counts of all that it and those after
// it may refer to (ITU-T H.265, 8.3.2), so one that is missing is known; FFmpeg makes a grey one for it, and says nothing.
type order struct {
	sps  map[uint32]*h265.SPS
	pps  map[uint32]*h265.PPS
	have []int // the pictures that are there, the newest last; nil before the first
	last int   // the count that others are counted from (8.3.1)
}

// A reference is to a picture whose count differs by delta.
type reference struct {
	delta int
	used  bool // by this picture, not only by later ones
}

// unit reads the NAL units of an access unit.
func (o *order) unit(nals [][]byte) (p place) {
	if o.sps == nil {
		o.sps, o.pps = map[uint32]*h265.SPS{}, map[uint32]*h265.PPS{}
	}
	for _, n := range nals {
		if len(n) < 3 || n[0]&1 != 0 || n[1]>>3 != 0 { // of a layer above the base
			continue
		}
		switch kind := h265.NALUType(n[0] >> 1 & 0x3f); {
		case kind == h265.NALUType_SPS_NUT:
			var s h265.SPS
			if len(n) <= bitstream.MaxSet && s.Unmarshal(n) == nil && s.ID < 16 { // 7.4.3.2.1
				o.sps[uint32(s.ID)] = &s
			}
		case kind == h265.NALUType_PPS_NUT:
			var s h265.PPS
			if len(n) <= bitstream.MaxSet && s.Unmarshal(n) == nil && s.ID < 64 { // 7.4.3.3.1
				o.pps[s.ID] = &s
			}
		case kind < random+8:
			p.gap = !o.picture(n, int(kind), int(n[1]&7)-1)
			return p
		}
	}
	return p
}

// picture reads the first slice of a picture; ok is false if it is not its first, or something that it refers to is not there.
//
//	slice segment header (7.3.6.1): first_in_pic | no_output_of_prior, of random access | pps_id ue | extra bits | slice_type ue |
//	pic_output, if the PPS says so | colour_plane (2), if planes are separate | pic_order_cnt_lsb | sps_flag | set or its index
func (o *order) picture(n []byte, kind, layer int) (ok bool) {
	const most = 200 // bytes: sixteen references of 32 bits each, and what comes before them
	head := h264.EmulationPreventionRemove(n[:min(len(n), most)])
	r := bitReader{bytes: head, pos: 16, end: 8 * len(head)}
	if r.u(1) == 0 {
		return false
	}
	if kind >= random {
		r.u(1)
	}
	pps := o.pps[r.ue()]
	if pps == nil || o.sps[pps.SPSID] == nil {
		return true // the decoder has more to say about it
	}
	sps := o.sps[pps.SPSID]
	if kind == idr || kind == idr+1 {
		o.have, o.last = []int{0}, 0
		return true
	}
	r.u(int(pps.NumExtraSliceHeaderBits))
	r.ue()
	if pps.OutputFlagPresentFlag {
		r.u(1)
	}
	if sps.SeparateColourPlaneFlag {
		r.u(2)
	}
	size := int(sps.Log2MaxPicOrderCntLsbMinus4) + 4
	if size > 16 {
		return true
	}
	lsb := int(r.u(size))
	refs := o.references(&r, sps)
	if r.failed {
		return true
	}
	count, begins := lsb, kind >= random && (kind != clean || o.have == nil)
	if !begins {
		count = nearest(lsb, o.last, 1<<size)
	}
	ok = true
	var have []int
	for _, ref := range refs {
		there := slices.Contains(o.have, count+ref.delta)
		ok = ok && (there || !ref.used || kind >= random || kind == skipped || kind == skipped+1)
		if there && !begins {
			have = append(have, count+ref.delta)
		}
	}
	if sps.LongTermRefPicsPresentFlag {
		have = o.have[max(0, len(o.have)-mostKept):]
	}
	have = append(have, count)
	o.have = have
	if layer == 0 && (kind < leading || kind >= reserved) && (kind >= reserved || kind%2 != trailingN) {
		o.last = count
	}
	return ok
}

// nearest returns the number that ends in lsb, modulo a power of two, and is nearest to last (8-1).
func nearest(lsb, last, modulus int) int {
	n := last - last&(modulus-1) + lsb
	switch {
	case n < last && last-n >= modulus/2:
		return n + modulus
	case n > last && n-last > modulus/2:
		return n - modulus
	default:
		return n
	}
}

// references reads the reference picture set of a slice (7.3.7), or finds that of the SPS.
func (o *order) references(r *bitReader, sps *h265.SPS) (refs []reference) {
	sets := sps.ShortTermRefPicSets
	if r.u(1) == 1 {
		i := 0
		if len(sets) > 1 {
			i = int(r.u(bits.Len(uint(len(sets) - 1))))
		}
		if i >= len(sets) {
			r.failed = true
			return nil
		}
		return listed(sets[i])
	}
	if len(sets) > 0 && r.u(1) == 1 { // it is told by another's
		back := int(r.ue()) + 1
		sign, delta := r.u(1), int(r.ue())+1
		if r.failed || back > len(sets) {
			r.failed = true
			return nil
		}
		if sign == 1 {
			delta = -delta
		}
		for _, ref := range append(listed(sets[len(sets)-back]), reference{}) {
			ref.delta += delta
			ref.used = r.u(1) == 1
			if (ref.used || r.u(1) == 1) && ref.delta != 0 {
				refs = append(refs, ref)
			}
		}
		return refs
	}
	const most = 16 // pictures that are remembered (A.4.2)
	before, after := r.ue(), r.ue()
	if before > most || after > most {
		r.failed = true
		return nil
	}
	for i, n := range []uint32{before, after} {
		delta := 0
		for range n {
			step := int(r.ue()) + 1
			if i == 0 {
				step = -step
			}
			delta += step
			refs = append(refs, reference{delta, r.u(1) == 1})
		}
	}
	return refs
}

// listed returns the references of a set in the SPS, in the order that others are told by.
func listed(set *h265.SPS_ShortTermRefPicSet) (refs []reference) {
	for i, d := range set.DeltaPocS0 {
		refs = append(refs, reference{int(d), set.UsedByCurrPicS0Flag[i]})
	}
	for i, d := range set.DeltaPocS1 {
		refs = append(refs, reference{int(d), set.UsedByCurrPicS1Flag[i]})
	}
	return refs
}
