package bitstream

import (
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"

	"github.com/livestill/livestill/frame"
)

// CodecOf tells H.264 from H.265 by the parameter sets among NAL units; zero if they do not tell. Read as the other codec, those of H.264 are of
// layers that nobody sends, and those of H.265 are data partitions, which nobody sends either.
func CodecOf(nals [][]byte) frame.Codec {
	var avc, hevc uint64 // sets, by type
	for _, n := range nals {
		if len(n) < 2 || forbidden(n) {
			continue
		}
		if isSet(frame.H264, n) && nalRefIDC(n) != 0 {
			avc |= 1 << typeH264(n)
		}
		const lowest = 1 // nuh_temporal_id_plus1, of all sets that a decoder needs first
		if isSet(frame.H265, n) && layerH265(n) == 0 && n[1]&7 == lowest {
			hevc |= 1 << typeH265(n)
		}
	}
	isAVC := avc == 1<<h264.NALUTypeSPS|1<<h264.NALUTypePPS
	isHEVC := hevc&(1<<h265.NALUType_SPS_NUT) != 0 && hevc&(1<<h265.NALUType_PPS_NUT) != 0
	switch {
	case isAVC && !isHEVC:
		return frame.H264
	case isHEVC && !isAVC:
		return frame.H265
	}
	return 0
}

// CodecOfRecord is CodecOf a configuration record of H.264 or H.265, or of an Annex B byte stream in its place.
func CodecOfRecord(record []byte) frame.Codec {
	if BeginsAnnexB(record) {
		return CodecOf(SplitAnnexB(nil, record))
	}
	var nals [][]byte
	collect := func(n []byte) error {
		nals = append(nals, n)
		return nil
	}
	if walkAVCC(record, collect) == nil && CodecOf(nals) == frame.H264 {
		return frame.H264
	}
	nals = nals[:0]
	if walkHVCC(record, collect) == nil && CodecOf(nals) == frame.H265 {
		return frame.H265
	}
	return 0
}
