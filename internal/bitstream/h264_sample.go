package bitstream

import (
	"reflect"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"

	"github.com/livestill/livestill/internal/bitstream/bitio"
)

// hasAbsurdSample reports whether a sequence has samples of a shape in which no picture can be shown.
func hasAbsurdSample(sps *spsH264) bool {
	if sps.VUI == nil || sps.VUI.AspectRatioIdc != extendedSAR || sps.VUI.SarWidth == 0 || sps.VUI.SarHeight == 0 {
		return false
	}
	w, h := int(sps.VUI.SarWidth), int(sps.VUI.SarHeight)
	return w > h*min(MaxAspect, sps.Height()) || h > w*min(MaxAspect, sps.Width())
}

// withoutAbsurdSample returns a sequence parameter set of H.264 that says that the shape of a sample is unspecified (0:1, ITU-T H.264 section
// E.2.1), if it is absurd; else nil. FFmpeg takes such a shape for a change of the sequence at each picture, and forgets those that others refer
// to. The set is read again, as that of a guard row is.
//
// What follows pic_height_in_map_units_minus1 in a set is (sections 7.3.2.1.1 and E.1.1)
//
//	frame_mbs_only_flag  if not: mb_adaptive_frame_field_flag  direct_8x8_inference_flag  frame_cropping_flag  if so: four offsets ue
//	vui_parameters_present_flag  aspect_ratio_info_present_flag  aspect_ratio_idc (8)  if 255: sar_width (16)  sar_height (16)
func withoutAbsurdSample(set []byte, sps *spsH264) []byte {
	if !sps.agreed || !hasAbsurdSample(sps) {
		return nil
	}
	b := bitio.RBSP(make([]byte, 0, len(set)), set)
	r := bitio.NewReader(b, sps.heightAt)
	r.UE()
	if frames := r.Flag(); !frames {
		r.Skip(1)
	}
	r.Skip(1)
	if r.Flag() {
		for range 4 {
			r.UE()
		}
	}
	r.Skip(1 + 1 + 8)
	const fields = 16 + 16
	var out bitio.Writer
	out.Copy(b, 0, r.Pos)
	out.Put(1, fields)
	out.Copy(b, r.Pos+fields, r.End)
	n := out.NAL()

	want, vui := sps.SPS, *sps.VUI
	want.VUI, vui.SarWidth, vui.SarHeight = &vui, 0, 1
	var got h264.SPS
	if r.Failed || got.Unmarshal(n) != nil || !reflect.DeepEqual(got, want) {
		return nil
	}
	return n
}
