package rtmp_test

import (
	"testing"

	"github.com/livestill/livestill/rtmp"
)

// TestTracks publishes two tracks in each message, as Enhanced RTMP v2 has it, and takes one of them.
func TestTracks(t *testing.T) {
	const multitrack, manyTracks, sequenceStart, codedFramesX = 6, 1, 0, 3
	body := func(kind byte, tracks ...[]byte) []byte {
		b := append([]byte{0x90 | multitrack, manyTracks<<4 | kind}, "avc1"...)
		for id, data := range tracks {
			b = append(append(b, byte(id), byte(len(data)>>16), byte(len(data)>>8), byte(len(data))), data...)
		}
		return b
	}
	record := sequenceHeader[5:]
	for track, size := range []int{700, 300} {
		got := make(recorder, 1)
		addr, _ := start(t, &rtmp.Server{Handler: got, Track: uint8(track)})
		c := dial(t, addr)
		c.publish("key")
		c.write(4, rtmp.Message{Kind: video, Stream: 1, Body: body(sequenceStart, record, record)})
		c.write(4, rtmp.Message{Kind: video, Stream: 1, Body: body(codedFramesX, picture(true, 700)[5:], picture(true, 300)[5:])})
		c.unpublish()
		r := <-got
		check(t, r, "live/key", 1, 1)
		if len(r.units) == 1 && len(r.units[0].Data)/100 != size/100 {
			t.Errorf("track %d: a unit of %d bytes, want %d and the parameter sets", track, len(r.units[0].Data), size)
		}
	}
}
