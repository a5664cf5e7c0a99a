package flv_test

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/flv"
)

// Packet types, modifiers and multitrack types of Enhanced RTMP v2.
const (
	sequenceStart   = 0
	codedFrames     = 1
	sequenceEnd     = 2
	codedFramesX    = 3
	metadata        = 4
	mpeg2TSStart    = 5
	multitrack      = 6
	modEx           = 7
	oneTrack        = 0
	manyTracks      = 1
	manyCodecs      = 2
	enhancedKey     = 0x90 // with a packet type: a body of frame type key
	enhancedInter   = 0xa0
	enhancedCommand = 0xd0
)

func join(parts ...[]byte) []byte { return slices.Concat(parts...) }

// tag returns a body of enhanced RTMP with frame type inter, which should matter to nobody.
func tag(kind byte, fourCC string, data ...byte) []byte {
	return join([]byte{enhancedInter | kind}, []byte(fourCC), data)
}

// Bodies with pictures: of H.265 with and without a composition time, of the others.
func hevc(ms int, nals ...[]byte) []byte {
	return join(tag(codedFrames, "hvc1", byte(ms>>16), byte(ms>>8), byte(ms)), lengths(nals...))
}
func hevcX(nals ...[]byte) []byte { return tag(codedFramesX, "hvc1", lengths(nals...)...) }
func av1(obus ...[]byte) []byte   { return tag(codedFrames, "av01", join(obus...)...) }
func vp8(frame []byte) []byte     { return tag(codedFrames, "vp08", frame...) }
func vp9(frame []byte) []byte     { return tag(codedFrames, "vp09", frame...) }

// nano puts a timestamp offset before what a body contains.
func nano(offset int, body []byte) []byte {
	mod := []byte{body[0]&0xf0 | modEx, 2, byte(offset >> 16), byte(offset >> 8), byte(offset), body[0] & 0x0f}
	return join(mod, body[1:])
}

// A part is a track's part of a multitrack body.
type part struct {
	fourCC string
	track  byte
	data   []byte
}

// many returns a multitrack body with many tracks, of many codecs if they differ.
func many(kind byte, parts ...part) []byte {
	codecs := slices.ContainsFunc(parts, func(p part) bool { return p.fourCC != parts[0].fourCC })
	b := []byte{enhancedInter | multitrack, manyTracks<<4 | kind}
	if codecs {
		b[1] = manyCodecs<<4 | kind
	} else {
		b = append(b, parts[0].fourCC...)
	}
	for _, p := range parts {
		if codecs {
			b = append(b, p.fourCC...)
		}
		n := len(p.data)
		b = append(append(b, p.track, byte(n>>16), byte(n>>8), byte(n)), p.data...)
	}
	return b
}

// one returns a multitrack body with one track.
func one(kind byte, p part) []byte {
	return join([]byte{enhancedInter | multitrack, oneTrack<<4 | kind}, []byte(p.fourCC), []byte{p.track}, p.data)
}

// lengths returns NAL units, each with its length in four bytes before it.
func lengths(nals ...[]byte) (b []byte) {
	for _, n := range nals {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(n))), n...)
	}
	return b
}

func annexB(nals ...[]byte) (b []byte) {
	for _, n := range nals {
		b = append(append(b, 0, 0, 0, 1), n...)
	}
	return b
}

// avcc returns an AVCDecoderConfigurationRecord.
func avcc(sps, pps []byte) []byte {
	return join([]byte{1, 66, 0, 30, 0xff, 0xe1, 0, byte(len(sps))}, sps, []byte{1, 0, byte(len(pps))}, pps)
}

// hvcc returns an HEVCDecoderConfigurationRecord with an array for each NAL unit.
func hvcc(nals ...[]byte) []byte {
	b := make([]byte, 23)
	b[0], b[21], b[22] = 1, 3, byte(len(nals))
	for _, n := range nals {
		b = append(append(b, 0x80|n[0]>>1, 0, 1, byte(len(n)>>8), byte(len(n))), n...)
	}
	return b
}

// av1c returns an AV1CodecConfigurationRecord.
func av1c(obus ...byte) []byte { return append([]byte{0x81, 0x05, 0x0c, 0}, obus...) }

// begun returns a Video that has been given bodies.
func begun(v flv.Video, bodies ...[]byte) (*flv.Video, error) {
	for _, b := range bodies {
		if _, _, err := unit(&v, 0, b); err != nil {
			return nil, err
		}
	}
	return &v, nil
}

// unit gives a body to v, and returns the unit that is complete with it.
func unit(v *flv.Video, timestamp time.Duration, body []byte) (u frame.AccessUnit, ok bool, err error) {
	err = v.Take(timestamp, time.Now(), body)
	if v.Ready() {
		u, _ = v.Next()
		ok = true
	}
	return u, ok, err
}
