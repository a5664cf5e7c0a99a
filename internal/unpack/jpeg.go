package unpack

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/jpeg"

	"github.com/livestill/livestill/internal/bitstream"
)

const tableSize = 64 // bytes of a quantisation table

// A jpegHead is what RFC 2435 tells of a picture in place of the header of a file.
type jpegHead struct {
	kind          byte // 0: 4:2:2, 1: 4:2:0
	width, height int
	interval      int          // macroblocks from one restart marker to the next; zero if there are none
	scale         byte         // of the quantisation tables of JPEG; zero if there are others:
	quantize      jpegQuantize // in the order that a file has them in
}

// The quantisation tables of a picture: of luma, and of chroma, which may share the former.
type jpegQuantize struct {
	count  int
	tables [2 * tableSize]byte
}

// quantization returns the segment of the quantisation tables; standard are those of JPEG, scaled. It is nil if there are none.
func (h jpegHead) quantization(standard []byte) []byte {
	if h.scale > 0 {
		return segment(nil, bitstream.MarkerDQT, standard...)
	}
	var own []byte
	for n := range h.quantize.count {
		own = append(append(own, byte(n)), h.quantize.tables[n*tableSize:][:tableSize]...)
	}
	if len(own) == 0 {
		return nil
	}
	return segment(nil, bitstream.MarkerDQT, own...)
}

// frame returns the segment of the frame, RFC 2435 appendix B; nil if its size is not known, or its type not defined.
func (h jpegHead) frame() []byte {
	if h.width == 0 || h.height == 0 || h.kind > 1 {
		return nil
	}
	chroma := byte(1)
	if h.scale == 0 && h.quantize.count == 1 {
		chroma = 0
	}
	luma := 0x21 + h.kind // blocks of a macroblock across and down
	return segment(nil, bitstream.MarkerSOF0, 8, byte(h.height>>8), byte(h.height), byte(h.width>>8), byte(h.width),
		3, 1, luma, 0, 2, 0x11, chroma, 3, 0x11, chroma)
}

// jpegScan returns the segment that a scan of all components begins with; nil if the segment of the frame is malformed:
//
//	0xff 0xc0  size (16)  precision (8)  height (16)  width (16)  components (8)  n x (id (8), sampling (8), quantisation table (8))
func jpegScan(frame []byte) []byte {
	const head, component, most = 10, 3, 4
	if len(frame) < head {
		return nil
	}
	count := int(frame[head-1])
	if count == 0 || count > most || len(frame) != head+component*count {
		return nil
	}
	content := []byte{byte(count)}
	for n := range count {
		tables := byte(0x11) // of chroma
		if n == 0 {
			tables = 0
		}
		content = append(content, frame[head+component*n], tables)
	}
	return segment(nil, bitstream.MarkerSOS, append(content, 0, 63, 0)...)
}

// jpegSegments are segments of a file's header.
type jpegSegments struct {
	all  []byte // as they came, except for the scan
	scan []byte // and what follows it

	quantize, huffman []byte // those among them, of which there may be several
	frame             []byte // the last of them
	restart           bool   // there is one
}

// parseJPEGSegments finds segments in b, up to padding of bytes 0xff, or to the scan.
func parseJPEGSegments(b []byte) (s jpegSegments) {
	for len(b) >= 4 && b[0] == 0xff {
		if b[1] == 0xff { // fill bytes may come before any marker
			b = b[1:]
			continue
		}
		size := 2 + int(binary.BigEndian.Uint16(b[2:]))
		if size < 4 || size > len(b) {
			return s
		}
		part := b[:size]
		switch part[1] {
		case bitstream.MarkerSOF0:
			s.frame = part
		case bitstream.MarkerDHT:
			s.huffman = append(s.huffman, part...)
		case bitstream.MarkerDQT:
			s.quantize = append(s.quantize, part...)
		case bitstream.MarkerDRI:
			s.restart = true
		case bitstream.MarkerSOS:
			s.scan = b
			return s
		}
		s.all, b = append(s.all, part...), b[size:]
	}
	return s
}

// header returns what comes before the scan in the file, ITU-T T.81 section B.2.1. Told are segments that came with the picture, and take
// precedence. Known are tables and the frame of the picture before, from where what is not told is taken; they become those of this one. The
// rules are in section 5.1.4.2 of the ONVIF Streaming Specification.
func (h jpegHead) header(told jpegSegments, known *jpegSegments) ([]byte, error) {
	quantize, huffman, err := standardTables(max(int(h.scale), 1))
	if err != nil {
		return nil, err
	}
	before := jpegSegments{
		quantize: firstOf(h.quantization(quantize), known.quantize),
		huffman:  firstOf(known.huffman, segment(nil, bitstream.MarkerDHT, huffman...)),
		frame:    firstOf(h.frame(), known.frame),
	}
	*known = jpegSegments{
		quantize: firstOf(told.quantize, before.quantize),
		huffman:  firstOf(told.huffman, before.huffman),
		frame:    firstOf(told.frame, before.frame),
	}
	switch {
	case len(known.quantize) == 0:
		return nil, errTables
	case len(told.frame) == 0 && h.kind > 1:
		return nil, errType
	case len(known.frame) == 0:
		return nil, errSize
	}
	b := append([]byte{0xff, bitstream.MarkerSOI}, before.quantize...) // told ones of the same number replace these
	b = append(append(b, before.huffman...), told.all...)
	if !told.restart && h.interval > 0 {
		b = segment(b, bitstream.MarkerDRI, byte(h.interval>>8), byte(h.interval))
	}
	if len(told.frame) == 0 {
		b = append(b, known.frame...)
	}
	scan := firstOf(told.scan, jpegScan(known.frame))
	if scan == nil {
		return nil, errFrame
	}
	return append(b, scan...), nil
}

// firstOf returns the first of some segments that there is.
func firstOf(segments ...[]byte) []byte {
	for _, s := range segments {
		if len(s) > 0 {
			return s
		}
	}
	return nil
}

func segment(dst []byte, marker byte, content ...byte) []byte {
	dst = binary.BigEndian.AppendUint16(append(dst, 0xff, marker), uint16(2+len(content)))
	return append(dst, content...)
}

// standardTables returns the contents of the segments for quantisation and Huffman tables that ITU-T T.81 annex K suggests, the former
// scaled as libjpeg does, which is what RFC 2435 section 4.2 asks for. Package jpeg writes them into every file.
func standardTables(scale int) (quantize, huffman []byte, err error) {
	var file bytes.Buffer
	picture := image.NewYCbCr(image.Rect(0, 0, 8, 8), image.YCbCrSubsampleRatio420)
	if err := jpeg.Encode(&file, picture, &jpeg.Options{Quality: scale}); err != nil {
		return nil, nil, err
	}
	for b := file.Bytes()[2:]; b[1] != bitstream.MarkerSOS; {
		size := 2 + int(binary.BigEndian.Uint16(b[2:]))
		switch b[1] {
		case bitstream.MarkerDQT:
			quantize = append(quantize, b[4:size]...)
		case bitstream.MarkerDHT:
			huffman = append(huffman, b[4:size]...)
		}
		b = b[size:]
	}
	return quantize, huffman, nil
}
