package unpack

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/jpeg"
)

// JPEG markers, ITU-T T.81 table B.1.
const (
	markerFrame    = 0xc0
	markerHuffman  = 0xc4
	markerStart    = 0xd8
	markerEnd      = 0xd9
	markerScan     = 0xda
	markerQuantize = 0xdb
	markerRestart  = 0xdd
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

// header returns what comes before the scan in the file, ITU-T T.81 section B.2.1, RFC 2435 appendix B.
func (h jpegHead) header() ([]byte, error) {
	quantize, huffman, err := standardTables(max(int(h.scale), 1))
	if err != nil {
		return nil, err
	}
	chroma := byte(1)
	if h.scale == 0 {
		quantize = quantize[:0]
		for n := range h.quantize.count {
			quantize = append(append(quantize, byte(n)), h.quantize.tables[n*tableSize:][:tableSize]...)
		}
		chroma = byte(h.quantize.count - 1)
	}
	luma := 0x21 + h.kind // blocks of a macroblock across and down
	b := segment([]byte{0xff, markerStart}, markerQuantize, quantize...)
	if h.interval > 0 {
		b = segment(b, markerRestart, byte(h.interval>>8), byte(h.interval))
	}
	b = segment(b, markerFrame, 8, byte(h.height>>8), byte(h.height), byte(h.width>>8), byte(h.width),
		3, 1, luma, 0, 2, 0x11, chroma, 3, 0x11, chroma)
	b = segment(b, markerHuffman, huffman...)
	return segment(b, markerScan, 3, 1, 0x00, 2, 0x11, 3, 0x11, 0, 63, 0), nil
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
	for b := file.Bytes()[2:]; b[1] != markerScan; {
		size := 2 + int(binary.BigEndian.Uint16(b[2:]))
		switch b[1] {
		case markerQuantize:
			quantize = append(quantize, b[4:size]...)
		case markerHuffman:
			huffman = append(huffman, b[4:size]...)
		}
		b = b[size:]
	}
	return quantize, huffman, nil
}
