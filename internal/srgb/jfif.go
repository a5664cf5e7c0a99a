package srgb

import (
	"encoding/binary"
	"sync"
)

// JFIF returns the beginning of a JPEG file: the marker SOI (ITU-T T.81, table B.1), a header of JFIF 1.01 with square pixels and no thumbnail, which
// readers go by to know what Y, Cb and Cr mean, and the profile in one piece (ICC.1:2022 annex B.4). Nobody may write to it.
//
//	| ff | d8 |  | ff | e0 | length (2) | "JFIF" 0 ... |  | ff | e2 | length (2) | "ICC_PROFILE" 0 | piece 1 | of 1 | profile |
var JFIF = sync.OnceValue(func() []byte {
	const piece = "ICC_PROFILE\x00\x01\x01"
	b := []byte("\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00\xff\xe2")
	b = binary.BigEndian.AppendUint16(b, uint16(2+len(piece)+len(ICC())))
	return append(append(b, piece...), ICC()...)
})
