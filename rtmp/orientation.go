package rtmp

import (
	"bytes"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/bitstream"
	rtmpmsg "github.com/yutopp/go-rtmp/message"
)

const metadata = "onMetaData"

// mayOrient reports whether a message may tell how pictures are to be shown, by its first bytes: the name may come after @setDataFrame.
func mayOrient(m message) bool {
	const names = 40 // bytes: more than both have
	return m.kind != rtmpmsg.TypeIDVideoMessage && bytes.Contains(m.body[:min(len(m.body), names)], []byte(metadata))
}

// orientation returns how metadata say that pictures are to be shown, if they do. Publishers on phones that do not turn pictures themselves write by
// how much a player is to turn them clockwise, each time that the phone is turned: Red5 Pro's in degrees, Flashphoner's in quarters.
func orientation(cue frame.Cue) (o bitstream.Orientation, ok bool) {
	if cue.Name != metadata || len(cue.Values) == 0 {
		return o, false
	}
	object, _ := cue.Values[0].(map[string]any)
	switch object["orientation"] {
	case 0.0, 360.0, -360.0:
	case 1.0, 90.0, -270.0:
		o.Rotation = 90
	case 2.0, 180.0, -180.0:
		o.Rotation = 180
	case 3.0, 270.0, -90.0:
		o.Rotation = 270
	default:
		return o, false
	}
	return o, true
}
