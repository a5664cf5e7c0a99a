package bitstream

import (
	"bytes"
	"encoding/binary"
)

// JPEG markers, ITU-T T.81 table B.1, of which each comes after a byte 0xff. Frame headers are SOF0 to SOF15, except for three.
const (
	MarkerSOF0  = 0xc0
	MarkerDHT   = 0xc4 // Huffman tables
	MarkerJPG   = 0xc8
	MarkerDAC   = 0xcc
	MarkerSOF15 = 0xcf
	MarkerSOI   = 0xd8 // the file begins
	MarkerEOI   = 0xd9 // and ends
	MarkerSOS   = 0xda // a scan
	MarkerDQT   = 0xdb // quantisation tables
	MarkerDRI   = 0xdd // restart interval
	MarkerAPP0  = 0xe0 // segments of applications
	MarkerAPP15 = 0xef
	MarkerCOM   = 0xfe // a comment
)

// sizeMJPEG reads the markers of a file up to the frame header (ITU-T T.81 section B.2.2):
//
//	ff  APP0  length (16)  ...
//	ff  SOF  length (16)  precision (8)  lines (16)  samples (16)  components (8)  n x (id (8), sampling (4, 4), table (8))
func sizeMJPEG(b []byte) Size {
	const coefficients, sampling420 = 2, 0x22 // of a progressive file they take as much as two pictures
	shapeWidth, shapeHeight := 0, 0
	for b = b[min(len(b), 2):]; len(b) >= 12 && b[0] == 0xff; {
		marker, length := b[1], 2+int(binary.BigEndian.Uint16(b[2:]))
		if marker == 0xff { // fill
			b = b[1:]
			continue
		}
		if marker >= MarkerSOF0 && marker <= MarkerSOF15 && marker != MarkerDHT && marker != MarkerJPG && marker != MarkerDAC {
			w, h := int(binary.BigEndian.Uint16(b[7:])), int(binary.BigEndian.Uint16(b[5:]))
			s := Size{Width: w, Height: h, ChromaFormat: chroma444, BitDepth: int(b[4]), References: coefficients}
			if b[9] == 1 {
				s.ChromaFormat = 0
			} else if b[11] == sampling420 {
				s.ChromaFormat = chroma420
			}
			s.SampleWidth, s.SampleHeight = shapeWidth, shapeHeight
			return s
		}
		if length > len(b) {
			break
		}
		if marker == MarkerAPP0 {
			shapeWidth, shapeHeight = sampleJFIF(b[4:max(4, length)])
		}
		b = b[length:]
	}
	return Size{}
}

// sampleJFIF returns the shape of a sample by an application segment (JFIF 1.02, page 5), Xdensity to Ydensity, as FFmpeg has it whatever the units:
//
//	"JFIF" 0  version (16)  units (8)  Xdensity (16)  Ydensity (16)
func sampleJFIF(b []byte) (w, h int) {
	b, ok := bytes.CutPrefix(b, []byte("JFIF\x00"))
	if !ok || len(b) < 7 {
		return 0, 0
	}
	return sample(extendedSAR, binary.BigEndian.Uint16(b[3:]), binary.BigEndian.Uint16(b[5:]))
}

// scansMJPEG returns how many scans a file has.
func scansMJPEG(b []byte) int { return bytes.Count(b, []byte{0xff, MarkerSOS}) }
