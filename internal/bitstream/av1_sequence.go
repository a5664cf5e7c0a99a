package bitstream

import "github.com/livestill/livestill/internal/bitstream/bitio"

// sizeAV1 returns what a sequence header OBU says of the size of pictures.
func sizeAV1(payload []byte) Size {
	return readAV1Sequence(payload).size
}

// An av1Sequence is what a sequence header says.
type av1Sequence struct {
	profile     uint64
	level, tier uint64 // of the first operating point
	size        Size   // zero if the header cannot be read
}

// readAV1Sequence reads a sequence header OBU (AV1 Bitstream & Decoding Process Specification section 5.5.1) as far as the bit depth.
func readAV1Sequence(payload []byte) (q av1Sequence) {
	const references = 8
	r := bitio.NewReader(payload, 0)
	q.profile = r.U(3)
	r.Skip(1) // still_picture
	reduced := r.Flag()
	if reduced {
		q.level = r.U(5)
	} else {
		q.level, q.tier = operatingPoints(&r)
	}
	s := Size{ChromaFormat: chroma420, BitDepth: minBitDepth, References: references}
	widthBits, heightBits := int(r.U(4))+1, int(r.U(4))+1
	s.Width, s.Height = int(r.U(widthBits))+1, int(r.U(heightBits))+1
	if q.profile > 0 { // 4:4:4, or less
		s.ChromaFormat = chroma444
	}
	if !reduced && r.Flag() { // frame_id_numbers_present_flag
		r.Skip(4 + 3)
	}
	r.Skip(3) // use_128x128_superblock, enable_filter_intra, enable_intra_edge_filter
	if !reduced {
		sequenceTools(&r)
	}
	r.Skip(3) // enable_superres, enable_cdef, enable_restoration
	if high := r.Flag(); high {
		s.BitDepth = 10
		if q.profile == 2 && r.Flag() {
			s.BitDepth = 12
		}
	}
	if !r.Failed {
		q.size = s
	}
	return q
}

// operatingPoints reads on: from timing_info_present_flag to the last operating point. It returns the level and the tier of the first.
func operatingPoints(r *bitio.Reader) (firstLevel, firstTier uint64) {
	model, delayBits := false, 0
	if r.Flag() { // timing_info_present_flag
		r.Skip(32 + 32)
		if r.Flag() { // equal_picture_interval
			const readersDiffer = 32 // zeros
			at := r.Pos
			r.Failed = r.U(readersDiffer) == 0
			r.Pos = at
			r.UE() // uvlc (4.10.3) is Exp-Golomb
		}
		if model = r.Flag(); model { // decoder_model_info_present_flag
			delayBits = int(r.U(5)) + 1
			r.Skip(32 + 5 + 5)
		}
	}
	display := r.Flag()         // initial_display_delay_present_flag
	for i := range r.U(5) + 1 { // operating_points_cnt_minus_1
		r.Skip(12) // operating_point_idc
		level, tier := r.U(5), uint64(0)
		if level > 7 {
			tier = r.U(1)
		}
		if i == 0 {
			firstLevel, firstTier = level, tier
		}
		if model && r.Flag() { // operating_parameters_info
			r.Skip(delayBits + delayBits + 1)
		}
		if display && r.Flag() {
			r.Skip(4) // initial_display_delay_minus_1
		}
	}
	return firstLevel, firstTier
}

// sequenceTools reads on: which tools frames may use, up to order_hint_bits_minus_1.
func sequenceTools(r *bitio.Reader) {
	r.Skip(4) // compound prediction, warped motion, dual filter
	order := r.Flag()
	if order {
		r.Skip(2)
	}
	screen := r.Flag() // seq_choose_screen_content_tools: each frame says
	if !screen {
		screen = r.Flag()
	}
	if screen && !r.Flag() { // seq_choose_integer_mv
		r.Skip(1)
	}
	if order {
		r.Skip(3)
	}
}
