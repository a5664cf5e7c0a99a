package bitstream

import (
	"bytes"
	"math/bits"

	"github.com/livestill/livestill/internal/bitstream/bitio"
)

// sizeMPEG4 reads the first video object layer of a unit (ISO/IEC 14496-2 section 6.2.3).
func sizeMPEG4(data []byte) Size {
	const lastPAR, extendedPAR, references = 5, 15, 2
	for {
		_, rest, found := bytes.Cut(data, startCode)
		if !found || len(rest) == 0 {
			return Size{}
		}
		if data = rest; data[0]&0xf0 == mpeg4Layer {
			break
		}
	}
	r := bitio.NewReader(data, 8)
	r.Skip(1 + 8) // random_accessible_vol, video_object_type_indication
	if r.Flag() { // is_object_layer_identifier
		r.Skip(4 + 3)
	}
	s := Size{ChromaFormat: chroma420, BitDepth: minBitDepth, References: references}
	if info := r.U(4); info == extendedPAR { // aspect_ratio_info
		width := uint16(r.U(8))
		s.SampleWidth, s.SampleHeight = sample(extendedSAR, width, uint16(r.U(8)))
	} else if info <= lastPAR { // which is a table as that of the others begins
		s.SampleWidth, s.SampleHeight = sample(uint8(info), 0, 0)
	}
	if r.Flag() { // vol_control_parameters
		r.Skip(2 + 1)
		if r.Flag() { // vbv_parameters, each half with a marker bit
			r.Skip(16 + 16 + 16 + 3 + 12 + 16)
		}
	}
	if rectangular := r.U(2) == 0; !rectangular { // video_object_layer_shape
		return Size{}
	}
	r.Skip(1)
	resolution := r.U(16) // vop_time_increment_resolution
	r.Skip(1)
	if r.Flag() { // fixed_vop_rate
		r.Skip(max(bits.Len64(resolution-min(resolution, 1)), 1))
	}
	r.Skip(1)
	s.Width = int(r.U(13))
	r.Skip(1)
	s.Height = int(r.U(13))
	if r.Failed {
		return Size{}
	}
	r.Skip(1)
	s.Interlaced = r.Flag()
	return s
}
