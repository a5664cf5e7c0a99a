package bitstream

import (
	"math/bits"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"
	"github.com/livestill/livestill/internal/bitstream/bitio"
)

// A reference is one of a reference picture set: to a picture whose order count differs by delta.
type reference struct {
	delta int
	used  bool // by this picture, not only by later ones
}

// readReferences reads the short-term reference picture set of a slice (ITU-T H.265 section 7.3.7), or finds that of the SPS.
func readReferences(r *bitio.Reader, sps *h265.SPS) []reference {
	sets := sps.ShortTermRefPicSets
	switch {
	case r.Flag(): // short_term_ref_pic_set_sps_flag
		return indexedReferences(r, sets)
	case len(sets) > 0 && r.Flag(): // inter_ref_pic_set_prediction_flag
		return predictedReferences(r, sets)
	}
	return listedReferences(r)
}

// indexedReferences finds a set of the SPS by its index.
func indexedReferences(r *bitio.Reader, sets []*h265.SPS_ShortTermRefPicSet) []reference {
	i := 0
	if len(sets) > 1 {
		i = int(r.U(bits.Len(uint(len(sets) - 1))))
	}
	if i >= len(sets) {
		r.Failed = true
		return nil
	}
	return referencesOf(sets[i])
}

// predictedReferences reads a set that is told by one of the SPS: which of its references, and of the picture that it was of, stay.
//
//	delta_idx_minus1 ue  delta_rps_sign  abs_delta_rps_minus1 ue  n x (used_by_curr_pic_flag  use_delta_flag, if that is not set)
func predictedReferences(r *bitio.Reader, sets []*h265.SPS_ShortTermRefPicSet) (refs []reference) {
	back := int(r.UE()) + 1
	sign, delta := r.Flag(), int(r.UE())+1
	if r.Failed || back > len(sets) {
		r.Failed = true
		return nil
	}
	if sign {
		delta = -delta
	}
	for _, ref := range append(referencesOf(sets[len(sets)-back]), reference{}) {
		ref.delta += delta
		ref.used = r.Flag()
		if (ref.used || r.Flag()) && ref.delta != 0 {
			refs = append(refs, ref)
		}
	}
	return refs
}

// listedReferences reads a set that is told one by one: those that are shown before the picture, and those after it.
//
//	num_negative_pics ue  num_positive_pics ue  n x (delta_poc_minus1 ue  used_by_curr_pic_flag)
func listedReferences(r *bitio.Reader) (refs []reference) {
	before, after := r.UE(), r.UE()
	if before > maxRefPics || after > maxRefPics {
		r.Failed = true
		return nil
	}
	for i, n := range []uint32{before, after} {
		delta := 0
		for range n {
			step := int(r.UE()) + 1
			if i == 0 {
				step = -step
			}
			delta += step
			refs = append(refs, reference{delta, r.Flag()})
		}
	}
	return refs
}

// referencesOf returns the references of a set in the SPS, in the order that others are told by.
func referencesOf(set *h265.SPS_ShortTermRefPicSet) (refs []reference) {
	for i, d := range set.DeltaPocS0 {
		refs = append(refs, reference{int(d), set.UsedByCurrPicS0Flag[i]})
	}
	for i, d := range set.DeltaPocS1 {
		refs = append(refs, reference{int(d), set.UsedByCurrPicS1Flag[i]})
	}
	return refs
}
