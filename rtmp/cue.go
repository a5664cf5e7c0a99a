package rtmp

import (
	"time"

	"github.com/livestill/livestill/frame"
	rtmpmsg "github.com/yutopp/go-rtmp/message"
)

// A data message larger than this is passed over: onMetaData has below 1 KiB, captions and cue points less.
const maxCue = 64 << 10

func isData(kind rtmpmsg.TypeID) bool {
	return kind == rtmpmsg.TypeIDDataMessageAMF0 || kind == rtmpmsg.TypeIDDataMessageAMF3
}

// isMetadata tells whether a video message has metadata and no picture, such as colorInfo, the colours of an HDR stream:
// Enhanced RTMP v2, "Metadata Frame".
//
//	1fffpppp  FourCC  name, value in AMF0        p: 4
func isMetadata(m message) bool {
	return m.kind == rtmpmsg.TypeIDVideoMessage && len(m.body) > metadataHeader && m.body[0]&0x8f == 0x84
}

const metadataHeader = 5

// hearCue tells of a message's cue, if there is one that can be read, and goes by what metadata say of the pictures to come.
func (c *conn) hearCue(m message) {
	if c.onCue == nil && !mayOrient(m) && !isMetadata(m) {
		return
	}
	cue, ok := c.cue(m)
	if !ok {
		return
	}
	if o, ok := orientation(cue); ok {
		c.video.Orient(o)
	}
	if told, ok := colours(cue); ok && isMetadata(m) && c.video.Track == 0 { // metadata of other tracks are passed over
		c.video.Colour(told)
	}
	if c.onCue != nil {
		c.onCue(cue)
	}
}

// cue returns the cue in a data message, RTMP 1.0 §7.1.2, or in a video's metadata; ok is false for one that cannot be read.
// Encoders wrap metadata into the name @setDataFrame; the cue has the name inside.
func (c *conn) cue(m message) (cue frame.Cue, ok bool) {
	body := m.body
	switch {
	case m.kind == rtmpmsg.TypeIDVideoMessage:
		body = body[metadataHeader:]
	case m.kind == rtmpmsg.TypeIDDataMessageAMF3 && len(body) > 0:
		body = body[1:] // of format, as in commands
	}
	if len(body) > maxCue {
		return cue, false
	}
	values, err := decodeAMF(body)
	if err != nil || len(values) == 0 {
		return cue, false
	}
	if values[0] == "@setDataFrame" && len(values) > 1 {
		values = values[1:]
	}
	if cue.Name, ok = values[0].(string); !ok {
		return cue, false
	}
	cue.Values = values[1:]
	cue.PTS = c.timeline.At(m.time)
	if cue.Time = c.clock.At(cue.PTS); cue.Time.IsZero() {
		cue.Time = time.Now()
	}
	return cue, true
}
