package bitstream

import (
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/bitstream/bitio"
)

// An Orientation is how a decoded picture is to be shown: mirrored, left for right, if Mirrored is true, and then turned clockwise by Rotation
// degrees: 0, 90, 180 or 270.
type Orientation struct {
	Rotation int
	Mirrored bool
}

// A displayOrientation is what a display orientation message says.
type displayOrientation struct {
	Orientation
	persists bool // it is of more than its own picture
}

// readDisplayOrientation reads the payload of a display orientation message (ITU-T H.264 sections D.1.27 and D.2.27, H.265 sections D.2.17 and
// D.3.17). Angles are rounded to multiples of 90 degrees.
//
//	cancel_flag (1)
//	if not: hor_flip (1)  ver_flip (1)  anticlockwise_rotation (16, a whole turn is 65536)
//	        of H.264: repetition_period (Exp-Golomb, 0: of this picture alone)   of H.265: persistence_flag (1)
func readDisplayOrientation(c frame.Codec, payload []byte) (o displayOrientation, ok bool) {
	r := bitio.NewReader(payload, 0)
	if cancel := r.Flag(); cancel {
		return displayOrientation{persists: true}, !r.Failed
	}
	const quarter = 1 << 14
	hor, ver := r.Flag(), r.Flag()
	quarters := 4 - (int(r.U(16))+quarter/2)/quarter // clockwise
	if c == frame.H264 {
		o.persists = r.UE() > 0
	} else {
		o.persists = r.Flag()
	}
	if ver { // which is to mirror and to turn by a half
		quarters += 2
	}
	o.Mirrored = hor != ver
	o.Rotation = quarters % 4 * 90
	return o, !r.Failed
}

// orientations follow what display orientation messages say. One applies to the pictures that are shown after its own, up to the next one, or to a
// new coded video sequence.
type orientations struct {
	before, now Orientation
	since       time.Duration // the PTS from which on it is now
	ended       bool          // the sequence was, in H.265: another begins with the next picture of random access
	space       []byte
}

// at returns the orientation of a picture of which no message says it.
func (o *orientations) at(pts time.Duration) Orientation {
	if pts < o.since {
		return o.before
	}
	return o.now
}

// next returns the orientation of the picture of the next unit, which consists of nals, and whether a message of its own says it.
func (o *orientations) next(c frame.Codec, nals [][]byte, pts time.Duration) (of Orientation, own bool) {
	said, own := o.said(c, nals)
	if o.begins(c, nals) {
		o.now, o.since = Orientation{}, pts
		if said.persists {
			o.now = said.Orientation
		}
		o.before = o.now
	} else if said.persists {
		o.before, o.now, o.since = o.at(pts), said.Orientation, pts
	}
	if own {
		return said.Orientation, true
	}
	return o.at(pts), false
}

// said returns what the last display orientation message of a unit says.
func (o *orientations) said(c frame.Codec, nals [][]byte) (said displayOrientation, ok bool) {
	for _, n := range nals {
		header := seiHeader(c, n)
		if header == 0 || forbidden(n) {
			continue
		}
		for kind, payload := range seiMessages(n, header, &o.space) {
			if kind != seiDisplayOrientation {
				continue
			}
			if s, valid := readDisplayOrientation(c, payload); valid {
				said, ok = s, true
			}
		}
	}
	return said, ok
}

// seiHeader returns the bytes of the header of a NAL unit, if that has messages about its picture; else zero.
func seiHeader(c frame.Codec, n []byte) int {
	switch {
	case len(n) < 3:
	case c == frame.H264 && typeH264(n) == h264.NALUTypeSEI:
		return 1
	case c == frame.H265 && typeH265(n) == h265.NALUType_PREFIX_SEI_NUT && layerH265(n) == 0:
		return 2
	}
	return 0
}

// begins reports whether a coded video sequence begins with a unit (ITU-T H.264 section 3.30, H.265 section 3.30): with an IDR picture, in H.265
// also with a BLA picture, and with a CRA picture after the end of another sequence.
func (o *orientations) begins(c frame.Codec, nals [][]byte) (begins bool) {
	if c == frame.H264 {
		return HasIDR(nals)
	}
	ended := o.ended
	for _, n := range nals {
		if len(n) == 0 {
			continue
		}
		switch kind := typeH265(n); {
		case isIRAP(kind):
			begins = begins || ended || kind != h265.NALUType_CRA_NUT
			o.ended = false
		case kind == h265.NALUType_EOS_NUT:
			o.ended = true
		}
	}
	return begins
}
