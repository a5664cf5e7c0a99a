package ffmpeg

import (
	"bytes"
	"math/bits"

	"github.com/livestill/livestill/internal/bitstream"
)

// sizeAV1 reads all sequence headers of a unit, and returns the most that they say.
func sizeAV1(data []byte) (most size) {
	sequences, ok := bitstream.SequencesAV1(data)
	for _, b := range sequences {
		s := sequenceAV1(b)
		if s.pixels() == 0 {
			return size{}
		}
		chroma, depth := max(s.chroma, most.chroma), max(s.depth, most.depth)
		most = larger(most, s)
		most.chroma, most.depth = chroma, depth
	}
	if !ok {
		return size{}
	}
	return most
}

// sequenceAV1 reads a sequence header (AV1 specification, 5.5.1).
func sequenceAV1(b []byte) size {
	const references = 8
	r := bitReader{bytes: b, end: 8 * len(b)}
	profile := r.u(3)
	r.u(1) // a still picture
	reduced := r.u(1) == 1
	if reduced {
		r.u(5)
	} else {
		operatingPoints(&r)
	}
	w, h := int(r.u(4))+1, int(r.u(4))+1
	s := size{chroma: 1, depth: 8, held: references}
	s.width, s.height = int(r.u(w))+1, int(r.u(h))+1
	if profile > 0 {
		s.chroma = 3
	}
	if !reduced && r.u(1) == 1 { // numbers of frames
		r.u(4 + 3)
	}
	r.u(3)
	if !reduced {
		tools(&r)
	}
	r.u(3)
	if high := r.u(1) == 1; high {
		s.depth = 10
		if profile == 2 && r.u(1) == 1 {
			s.depth = 12
		}
	}
	if r.failed {
		return size{}
	}
	return s
}

// operatingPoints reads on: timing, the model of the decoder, and the operating points.
func operatingPoints(r *bitReader) {
	model, delay := false, 0
	if r.u(1) == 1 {
		r.u(32)
		r.u(32)
		if r.u(1) == 1 {
			const readersDiffer = 32 // zeros
			at := r.pos
			r.failed = r.u(readersDiffer) == 0
			r.pos = at
			r.ue() // uvlc (4.10.3) is Exp-Golomb
		}
		if model = r.u(1) == 1; model {
			delay = int(r.u(5)) + 1
			r.u(32 + 5 + 5)
		}
	}
	display := r.u(1) == 1
	for range r.u(5) + 1 {
		r.u(12)
		if r.u(5) > 7 {
			r.u(1)
		}
		if model && r.u(1) == 1 {
			r.u(delay)
			r.u(delay)
			r.u(1)
		}
		if display && r.u(1) == 1 {
			r.u(4)
		}
	}
}

// tools reads on: which tools are there, up to the bits of order hints.
func tools(r *bitReader) {
	r.u(4)
	order := r.u(1) == 1
	if order {
		r.u(2)
	}
	screen := r.u(1) == 1 // each frame says
	if !screen {
		screen = r.u(1) == 1
	}
	if screen && r.u(1) == 0 {
		r.u(1)
	}
	if order {
		r.u(3)
	}
}

// sizeMPEG4 reads the video object layer (ISO/IEC 14496-2, 6.2.3).
func sizeMPEG4(data []byte) size {
	const first, last, extended, references = 0x20, 0x2f, 15, 2
	for {
		at := bytes.Index(data, []byte{0, 0, 1})
		if at < 0 || at+4 > len(data) {
			return size{}
		}
		if data = data[at+3:]; data[0] >= first && data[0] <= last {
			break
		}
	}
	r := bitReader{bytes: data, pos: 8, end: 8 * len(data)}
	r.u(1 + 8) // random access, type
	if r.u(1) == 1 {
		r.u(4 + 3)
	}
	if r.u(4) == extended {
		r.u(8 + 8)
	}
	if r.u(1) == 1 { // control parameters
		r.u(2 + 1)
		if r.u(1) == 1 {
			r.u(16)
			r.u(16)
			r.u(16)
			r.u(3 + 11 + 1 + 16)
		}
	}
	if r.u(2) != 0 { // not rectangular
		return size{}
	}
	r.u(1)
	resolution := r.u(16)
	r.u(1)
	if r.u(1) == 1 {
		r.u(max(bits.Len64(resolution-min(resolution, 1)), 1))
	}
	r.u(1)
	s := size{chroma: 1, depth: 8, held: references}
	s.width = int(r.u(13))
	r.u(1)
	s.height = int(r.u(13))
	if r.failed {
		return size{}
	}
	return s
}
