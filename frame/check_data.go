package frame

import (
	"bytes"
	"encoding/binary"
)

// Reasons that more than one codec has.
const (
	notSet   = "it is a key picture, but its Key is not set"
	wrongKey = "its Key is set, but it is no key picture"
)

var startCode = []byte{0, 0, 1}

// faultLater tells what is wrong with the data of a unit once there was a key unit. That one was in order, so what is only strange may be
// damage, which decoding tells of. What no damage makes of a unit is wrong.
func faultLater(c Codec, key bool, data []byte) string {
	switch c {
	case H264, H265:
		if !beginsNAL(data) && isLengths(data) {
			return notAnnexB(data)
		}
		if key {
			return faultOfLaterSets(c, data)
		}
	case AV1:
		if key && faultOfKeyAV1(data) == noSequence {
			return noSequence
		}
	case VP8, VP9:
		if key && !isKeyFrame(c, data[0]) {
			return wrongKey
		}
	case MJPEG:
		if !key {
			return notSet
		}
	default:
	}
	return ""
}

// faultOfLaterSets tells if a key unit has no parameter set at all.
func faultOfLaterSets(c Codec, data []byte) string {
	if n := readNALs(c, data); n.picture && !n.sps && !n.pps {
		return faultOfKeyNALs(c, data)
	}
	return ""
}

// faultBefore tells what is wrong with the data of a unit whose Key is not set, before there was a key unit.
func faultBefore(c Codec, data []byte) string {
	key := c == MJPEG
	switch c {
	case H264, H265:
		if !beginsNAL(data) {
			return notAnnexB(data)
		}
		key = readNALs(c, data).key
	case AV1:
		if data[0]&(obuForbidden|obuHasSize) != obuHasSize {
			return notOBUs
		}
	case VP8, VP9:
		key = isKeyFrame(c, data[0])
	default:
	}
	if key {
		return notSet
	}
	return ""
}

// faultOfKey tells what is wrong with the data of the first key unit.
func faultOfKey(c Codec, data []byte) string {
	switch c {
	case H264, H265:
		return faultOfKeyNALs(c, data)
	case AV1:
		return faultOfKeyAV1(data)
	case VP8, VP9:
		if !isKeyFrame(c, data[0]) {
			return wrongKey
		}
	case MJPEG:
		if !bytes.HasPrefix(data, []byte{0xff, 0xd8}) {
			return "it is no JPEG file"
		}
	default:
		if !beginsNAL(data) {
			return "it does not begin with a start code"
		}
	}
	return ""
}

// faultOfKeyNALs tells what is wrong with a key unit of H.264 or H.265. Lengths from 256 to 511 look like start codes.
func faultOfKeyNALs(c Codec, data []byte) string {
	n := readNALs(c, data)
	whole := n.picture && n.sps && n.pps
	switch {
	case !beginsNAL(data) || !whole && isLengths(data):
		return notAnnexB(data)
	case !n.picture:
		return "it has no picture"
	case !whole:
		return "it is a key unit without parameter sets (SPS and PPS) before its picture"
	}
	return ""
}

// beginsNAL reports whether data begins with zeros and a one, which is a start code.
func beginsNAL(data []byte) bool {
	at := bytes.IndexByte(data[:min(len(data), 16)], 1)
	return at >= 2 && len(bytes.Trim(data[:at], "\x00")) == 0
}

// What NAL units there are, up to the first slice of a picture.
type nals struct{ sps, pps, picture, key bool }

// readNALs goes by nal_unit_type: ITU-T H.264 table 7-1, H.265 table 7-1.
func readNALs(c Codec, data []byte) (n nals) {
	for !n.picture {
		_, rest, found := bytes.Cut(data, startCode)
		if !found || len(rest) == 0 {
			break
		}
		data = rest
		if c == H264 {
			n.readH264(data[0] & 0x1f)
		} else {
			n.readH265(data[0] >> 1 & 0x3f)
		}
	}
	return n
}

func (n *nals) readH264(kind byte) {
	const slice, idr, sps, pps = 1, 5, 7, 8 // from slice to IDR: all that a picture has
	switch {
	case slice <= kind && kind <= idr:
		n.picture, n.key = true, kind == idr
	case kind == sps:
		n.sps = true
	case kind == pps:
		n.pps = true
	}
}

func (n *nals) readH265(kind byte) {
	const bla, cra, lastSlice, sps, pps = 16, 21, 31, 33, 34 // from BLA to CRA: pictures of random access
	switch {
	case kind <= lastSlice:
		n.picture, n.key = true, bla <= kind && kind <= cra
	case kind == sps:
		n.sps = true
	case kind == pps:
		n.pps = true
	}
}

// notAnnexB tells what data is that should be an Annex B byte stream.
func notAnnexB(data []byte) string {
	const want = "H.264 and H.265 are to be an Annex B byte stream (00 00 01 and a NAL unit, again and again)"
	if isLengths(data) {
		return "its Data is NAL units after their lengths (AVCC); " + want
	}
	return "its Data does not begin with a start code; " + want
}

// isLengths reports whether data is NAL units, each after its length in four bytes: ISO/IEC 14496-15 section 5.3.2.
func isLengths(data []byte) bool {
	for len(data) > 0 {
		if len(data) < 4 {
			return false
		}
		n := uint64(binary.BigEndian.Uint32(data))
		if data = data[4:]; n == 0 || n > uint64(len(data)) {
			return false
		}
		data = data[n:]
	}
	return true
}

// isKeyFrame reads the byte that a frame begins with: of VP8 RFC 6386 section 9.1, of VP9 its specification section 6.2.
func isKeyFrame(c Codec, b byte) bool {
	const interVP8, profile3, interVP9 = 0x01, 0x30, 0x0c // interVP9: it shows a frame that was there before, or refers to one
	switch {
	case c == VP8:
		return b&interVP8 == 0
	case b&profile3 == profile3:
		b <<= 1
	}
	return b&interVP9 == 0
}

// Bits of the byte that an OBU begins with, and types: AV1 specification sections 5.3.2 and 6.2.2.
const (
	obuForbidden = 0x80
	obuExtension = 0x04
	obuHasSize   = 0x02
	obuSequence  = 1
	obuHeader    = 3
	obuFrame     = 6

	noSequence = "it is a key unit without a sequence header before its frame"

	notOBUs = "its Data is no temporal unit of AV1 in the low-overhead format, in which each OBU has its size"
)

// faultOfKeyAV1 tells what is wrong with a key unit of AV1: its sequence header comes before its first frame.
func faultOfKeyAV1(data []byte) string {
	for len(data) > 0 {
		head := data[0]
		if head&(obuForbidden|obuHasSize) != obuHasSize {
			return notOBUs
		}
		data = data[1:]
		if head&obuExtension != 0 && len(data) > 0 {
			data = data[1:]
		}
		size, n := binary.Uvarint(data) // which reads LEB128
		if n <= 0 || size > uint64(len(data)-n) {
			return notOBUs
		}
		switch head >> 3 & 0x0f {
		case obuSequence:
			return ""
		case obuHeader, obuFrame:
			return noSequence
		}
		data = data[uint64(n)+size:]
	}
	return "it has no frame"
}
