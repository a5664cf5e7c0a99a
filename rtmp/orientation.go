package rtmp

import (
	"bytes"
	"strconv"

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
// how much a player is to turn them clockwise, each time that the phone is turned. As orientation Red5 Pro has it in degrees, and Flashphoner in
// quarters. Tools for MP4 files call it rotate or rotation. ffmpeg writes numbers as text.
func orientation(cue frame.Cue) (o bitstream.Orientation, ok bool) {
	if cue.Name != metadata || len(cue.Values) == 0 {
		return o, false
	}
	object, _ := cue.Values[0].(map[string]any)
	for _, key := range []string{"orientation", "rotation", "rotate"} {
		if o.Rotation, ok = clockwise(object[key]); ok {
			return o, true
		}
	}
	return o, false
}

// clockwise returns the degrees that a value means.
func clockwise(v any) (degrees int, ok bool) {
	n, is := v.(float64)
	if text, written := v.(string); written {
		var err error
		n, err = strconv.ParseFloat(text, 64)
		is = err == nil
	}
	if !is {
		return 0, false
	}
	switch n {
	case 0, 360, -360:
		return 0, true
	case 1, 90, -270:
		return 90, true
	case 2, 180, -180:
		return 180, true
	case 3, 270, -90:
		return 270, true
	}
	return 0, false
}
