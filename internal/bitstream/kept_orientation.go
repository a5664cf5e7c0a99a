package bitstream

import (
	"slices"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/bitstream/bitio"
)

// A keptOrientation has units tell how their pictures are to be shown where decoding may begin: a message of an earlier unit may still apply
// there, as at a recovery point, and what carries the stream may say it in place of a message. Messages of the stream count more.
type keptOrientation struct {
	orientations
	told Orientation // what a decoder takes the orientation to be after the units so far
}

// tell returns the NAL units of a unit, and one more if its pictures need it to be shown as they should. random says that decoding may begin with it.
// outside is what carries the stream says.
func (k *keptOrientation) tell(c frame.Codec, nals [][]byte, random bool, outside Orientation) [][]byte {
	needed, own := k.next(c, nals, 0)
	if own {
		k.told = k.now
		return nals
	}
	if needed == (Orientation{}) {
		needed = outside
	}
	known := k.told
	if random {
		known = Orientation{}
	}
	k.told = needed
	if needed == known {
		return nals
	}
	return slices.Concat([][]byte{displayOrientationNAL(c, needed)}, nals)
}

// displayOrientationNAL returns a NAL unit with a display orientation message that persists: see readDisplayOrientation.
func displayOrientationNAL(c frame.Codec, o Orientation) []byte {
	var w bitio.Writer
	if c == frame.H264 {
		w.Put(6, 8)
	} else {
		w.Put(uint64(h265.NALUType_PREFIX_SEI_NUT)<<9|1, 16)
	}
	w.Put(seiDisplayOrientation, 8)
	w.Put(3, 8) // bytes
	mirrored := uint64(0)
	if o.Mirrored {
		mirrored = 1
	}
	w.Put(mirrored<<1, 3)
	w.Put(uint64(360-o.Rotation)%360<<16/360, 16)
	if c == frame.H264 {
		w.Put(0b010_10, 5) // a period of 1; what is left of the byte
	} else {
		w.Put(0b1_1000, 5) // it persists; the same
	}
	w.Stop()
	return w.NAL()
}
