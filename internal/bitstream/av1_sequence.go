package bitstream

// sizeAV1 reads a sequence header OBU (AV1 Bitstream & Decoding Process Specification section 5.5.1) as far as the bit depth.
func sizeAV1(payload []byte) Size {
	const references = 8
	r := newBitReader(payload, 0)
	profile := r.u(3)
	r.skip(1) // still_picture
	reduced := r.flag()
	if reduced {
		r.skip(5) // seq_level_idx
	} else {
		operatingPoints(&r)
	}
	s := Size{ChromaFormat: chroma420, BitDepth: minBitDepth, References: references}
	widthBits, heightBits := int(r.u(4))+1, int(r.u(4))+1
	s.Width, s.Height = int(r.u(widthBits))+1, int(r.u(heightBits))+1
	if profile > 0 { // 4:4:4, or less
		s.ChromaFormat = chroma444
	}
	if !reduced && r.flag() { // frame_id_numbers_present_flag
		r.skip(4 + 3)
	}
	r.skip(3) // use_128x128_superblock, enable_filter_intra, enable_intra_edge_filter
	if !reduced {
		sequenceTools(&r)
	}
	r.skip(3) // enable_superres, enable_cdef, enable_restoration
	if high := r.flag(); high {
		s.BitDepth = 10
		if profile == 2 && r.flag() {
			s.BitDepth = 12
		}
	}
	if r.failed {
		return Size{}
	}
	return s
}

// operatingPoints reads on: from timing_info_present_flag to the last operating point.
func operatingPoints(r *bitReader) {
	model, delayBits := false, 0
	if r.flag() { // timing_info_present_flag
		r.skip(32 + 32)
		if r.flag() { // equal_picture_interval
			const readersDiffer = 32 // zeros
			at := r.pos
			r.failed = r.u(readersDiffer) == 0
			r.pos = at
			r.ue() // uvlc (4.10.3) is Exp-Golomb
		}
		if model = r.flag(); model { // decoder_model_info_present_flag
			delayBits = int(r.u(5)) + 1
			r.skip(32 + 5 + 5)
		}
	}
	display := r.flag()    // initial_display_delay_present_flag
	for range r.u(5) + 1 { // operating_points_cnt_minus_1
		r.skip(12) // operating_point_idc
		if level := r.u(5); level > 7 {
			r.skip(1) // seq_tier
		}
		if model && r.flag() { // operating_parameters_info
			r.skip(delayBits + delayBits + 1)
		}
		if display && r.flag() {
			r.skip(4) // initial_display_delay_minus_1
		}
	}
}

// sequenceTools reads on: which tools frames may use, up to order_hint_bits_minus_1.
func sequenceTools(r *bitReader) {
	r.skip(4) // compound prediction, warped motion, dual filter
	order := r.flag()
	if order {
		r.skip(2)
	}
	screen := r.flag() // seq_choose_screen_content_tools: each frame says
	if !screen {
		screen = r.flag()
	}
	if screen && !r.flag() { // seq_choose_integer_mv
		r.skip(1)
	}
	if order {
		r.skip(3)
	}
}
