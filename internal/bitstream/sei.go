package bitstream

import (
	"iter"

	"github.com/livestill/livestill/internal/bitstream/bitio"
)

// Values of payloadType (ITU-T H.264 section D.1.1, H.265 section D.2.1).
const (
	seiPicTiming          = 1
	seiRecoveryPoint      = 6
	seiDisplayOrientation = 47
)

// Bytes of a NAL unit in which messages are looked for. Those that are read here have some ten; long ones are of users' data.
const maxSEI = 4 << 10

// seiMessages yields type and payload of the messages in a NAL unit of supplemental enhancement information, whose header has so many bytes. space
// is where they are put; it is made larger. Messages are (ITU-T H.264 section 7.3.2.3.1, H.265 section 7.3.5)
//
//	payloadType (8, 255: add the next byte)  payloadSize (8, 255: add the next byte)  payload
func seiMessages(n []byte, header int, space *[]byte) iter.Seq2[int, []byte] {
	return func(yield func(int, []byte) bool) {
		if len(n) <= header || len(n) > maxSEI {
			return
		}
		if cap(*space) < len(n) {
			*space = make([]byte, 0, len(n))
		}
		b := bitio.RBSP((*space)[:0], n[header:])
		for len(b) > 2 {
			var kind, size int
			kind, b = seiNumber(b)
			size, b = seiNumber(b)
			if size > len(b) || !yield(kind, b[:size]) {
				return
			}
			b = b[size:]
		}
	}
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
