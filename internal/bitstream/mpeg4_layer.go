package bitstream

import (
	"bytes"
	"math/bits"
)

// sizeMPEG4 reads the first video object layer of a unit (ISO/IEC 14496-2 section 6.2.3).
func sizeMPEG4(data []byte) Size {
	const extendedPAR, references = 15, 2
	for {
		_, rest, found := bytes.Cut(data, startCode)
		if !found || len(rest) == 0 {
			return Size{}
		}
		if data = rest; data[0]&0xf0 == mpeg4Layer {
			break
		}
	}
	r := newBitReader(data, 8)
	r.skip(1 + 8) // random_accessible_vol, video_object_type_indication
	if r.flag() { // is_object_layer_identifier
		r.skip(4 + 3)
	}
	if r.u(4) == extendedPAR { // aspect_ratio_info
		r.skip(8 + 8)
	}
	if r.flag() { // vol_control_parameters
		r.skip(2 + 1)
		if r.flag() { // vbv_parameters, each half with a marker bit
			r.skip(16 + 16 + 16 + 3 + 12 + 16)
		}
	}
	if rectangular := r.u(2) == 0; !rectangular { // video_object_layer_shape
		return Size{}
	}
	r.skip(1)
	resolution := r.u(16) // vop_time_increment_resolution
	r.skip(1)
	if r.flag() { // fixed_vop_rate
		r.skip(max(bits.Len64(resolution-min(resolution, 1)), 1))
	}
	s := Size{ChromaFormat: chroma420, BitDepth: minBitDepth, References: references}
	r.skip(1)
	s.Width = int(r.u(13))
	r.skip(1)
	s.Height = int(r.u(13))
	if r.failed {
		return Size{}
	}
	return s
}
