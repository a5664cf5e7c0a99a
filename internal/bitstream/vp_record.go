package bitstream

import (
	"bytes"

	"github.com/livestill/livestill/frame"
)

// readVPRecord reads the configuration record of VP8 and VP9 (VP Codec ISO Media File Format Binding 1.0, VPCodecConfigurationRecord), which some write
// without the version and the flags of the box that it is in:
//
//	[version, 1 (8)  flags, 0 (24)]  profile (8)  level (8)  bit depth (4)  chroma subsampling (3)  full range (1)  primaries, transfer, matrix (8 each)
//
// What is none says nothing. Pictures are what they are, whatever it says of profile and depth.
func readVPRecord(b []byte) (c frame.Colours) {
	b, _ = bytes.CutPrefix(b, []byte{1, 0, 0, 0})
	if len(b) < 6 {
		return c
	}
	switch b[2] >> 4 { // there is none of another depth, but for other versions of the record
	case 8, 10, 12:
		return frame.Colours{Primaries: b[3], Transfer: b[4], Matrix: b[5], FullRange: b[2]&1 != 0}
	}
	return c
}
