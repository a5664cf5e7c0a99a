package bitstream

// The most pictures of a temporal unit: three layers, each with what others refer to (section 7.5 and annex A.3 bound layers, not those).
const maxFrames = 32

// readAV1 reads the OBUs of a temporal unit. Its size is the most that its sequence headers say, if all can be read.
func readAV1(h *Headers, unit []byte) {
	var most Size
	known := true
	frames := 0
	for n := 0; len(unit) > 0; n++ {
		o, rest, err := cutOBU(unit)
		if h.Crowded = err != nil || n == maxNALs; h.Crowded {
			return
		}
		switch o.kind() {
		case av1FrameHeader, av1Frame:
			if frames++; frames > maxFrames {
				h.Crowded = true
				return
			}
		case av1SequenceHeader:
			s := sizeAV1(o.payload)
			h.Sequences = append(h.Sequences, s)
			known = known && s.Pixels() > 0
			chroma, depth := max(s.ChromaFormat, most.ChromaFormat), max(s.BitDepth, most.BitDepth)
			most = larger(most, s)
			most.ChromaFormat, most.BitDepth = chroma, depth
		}
		unit = rest
	}
	if known {
		h.Size = most
	}
}
