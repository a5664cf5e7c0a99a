package bitstream

import (
	"github.com/bluenviron/mediacommon/v2/pkg/bits"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
)

const (
	seiRecovery = 6 // payload type of a recovery point, ITU-T H.264 section D.1

	maxSEI = 4 << 10 // bytes of a NAL unit in which a recovery point is looked for

	// How many times the pictures up to recovery a GOP has at least: one in so many is not clean.
	refreshes = 8
)

// A refresh chooses the units of H.264 that are key units without an IDR picture: those with a recovery point (ITU-T H.264 section
// D.2.8), from which on a decoder comes to clean pictures. Decoders know which pictures are not, those that are shown before the
// recovery point among them.
//
// At the first picture of an open GOP all is clean at once: it is a key unit. With intra refresh, by which encoders spread the cost of
// a key picture over many, clean pictures come only with the last of them, a GOP from each refresh to the next would have few or none,
// and one without end could not be forgotten. So such a unit is a key unit if nothing else can be: there was none yet, or something
// was lost since; and else after eight times the pictures that it takes.
type refresh struct {
	pictures uint64 // since the last key unit
	begun    bool   // there was one
	lost     bool   // something was lost since
}

// due reports whether the unit that consists of nals is to be a key unit for its recovery point.
func (r *refresh) due(nals [][]byte) bool {
	count, ok := Recovery(nals)
	return ok && (count == 0 || !r.begun || r.lost || r.pictures >= refreshes*count)
}

// note notes that there was a unit.
func (r *refresh) note(key bool) {
	r.pictures++
	if key {
		*r = refresh{begun: true}
	}
}

// Recovery returns the pictures that it takes from the unit that consists of nals to clean ones, if it is a recovery point. Pictures that are
// not referred to do not count. Messages are (sections 7.3.2.3.1 and D.1.8)
//
//	type (8, 255: add the next byte)  size (8, 255: add the next byte)  count (Exp-Golomb)  ...
func Recovery(nals [][]byte) (count uint64, ok bool) {
	for _, n := range nals {
		if len(n) == 0 || n[0]&0x1f != h264SEI || len(n) > maxSEI {
			continue
		}
		b := h264.EmulationPreventionRemove(n)[1:]
		for len(b) > 2 {
			var kind, size int
			kind, b = seiNumber(b)
			size, b = seiNumber(b)
			if size > len(b) {
				break
			}
			if kind == seiRecovery {
				at := 0
				count, err := bits.ReadGolombUnsigned(b[:size], &at)
				return uint64(count), err == nil
			}
			b = b[size:]
		}
	}
	return 0, false
}

// seiNumber reads the type or the size of a message.
func seiNumber(b []byte) (v int, rest []byte) {
	for len(b) > 0 {
		c := b[0]
		b = b[1:]
		if v += int(c); c != 255 {
			break
		}
	}
	return v, b
}
