package unpack

import (
	"bytes"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
)

const (
	clockRate = 90000 // of all video over RTP, RFC 6184 section 5.1

	// Timestamps that go back further than this have jumped: the camera's clock was set, or its encoder began anew. Less is the
	// reordering of B-frames.
	maxDisorder = 5 * clockRate

	maxLog2 = 12 // of what follows "log2_max" in a sequence parameter set, less 4: ITU-T H.264 section 7.4.2.1.1
)

// A timing finds out when the units of a stream are decoded: RTP tells only when they are shown. All its times are in units of
// 1/90,000 s. The zero timing is ready for a stream.
//
// The order of the pictures in the bitstream tells, as long as no unit is missing. Where one is, or the extractor cannot follow
// the stream, units are taken to be decoded a fixed time before they are shown: the most by which any was reordered so far, so that
// it is before every later unit is shown too.
type timing struct {
	sps       []byte            // the newest
	extractor h264.DTSExtractor // of decoding times from the order of pictures
	follows   bool              // the extractor has seen every unit since a key unit
	failed    bool              // this stream is not for the extractor
	delay     int64             // the most that a unit was shown before one that it follows
	started   bool
	shift     int64 // what jumps of timestamps add up to
	latest    int64 // presentation time of all units so far
	decoded   int64 // time of the last unit
	nals      [][]byte
}

// note takes note of a sequence parameter set; other NAL units it passes over. The extractor must not see one with fields of a length
// that cannot be: it would read past the end of a slice.
func (t *timing) note(n []byte) {
	if len(n) == 0 || n[0]&0x1f != typeSPS || bytes.Equal(n, t.sps) {
		return
	}
	t.sps, t.follows = bytes.Clone(n), false
	var sps h264.SPS
	t.failed = sps.Unmarshal(t.sps) != nil || sps.Log2MaxFrameNumMinus4 > maxLog2 || sps.Log2MaxPicOrderCntLsbMinus4 > maxLog2 ||
		!sps.FrameMbsOnlyFlag // of interlaced pictures the extractor knows no order
}

// place returns when the next unit is shown and decoded. Decoding times never decrease. They are after presentation times only where
// the extractor does not help and units are reordered by more than ever before.
func (t *timing) place(nals [][]byte, stamp int64, key, lost bool) (pts, dts time.Duration) {
	shown := stamp + t.shift
	switch {
	case !t.started:
		t.started, t.latest, t.decoded = true, shown, shown
	case t.latest-shown > maxDisorder:
		t.shift += t.latest - shown
		shown = t.latest
	}
	t.latest = max(t.latest, shown)
	t.delay = max(t.delay, t.latest-shown)
	decoded, ok := t.follow(nals, shown, key, lost)
	if !ok {
		decoded = shown - t.delay
	}
	t.decoded = max(t.decoded, min(decoded, shown))
	return duration(shown), duration(t.decoded)
}

// follow tells the decoding time by the order of pictures, if it can.
func (t *timing) follow(nals [][]byte, shown int64, key, lost bool) (decoded int64, ok bool) {
	t.follows = t.follows && !lost
	if t.failed || !t.follows && (!key || lost) {
		return 0, false
	}
	t.nals = t.nals[:0]
	begins := !t.follows
	if begins {
		t.extractor = h264.DTSExtractor{}
		t.extractor.Initialize()
		t.nals = append(t.nals, t.sps)
	}
	for _, n := range nals {
		if n[0]&0x1f != typeSPS { // the extractor keeps those, and t.sps is its own memory
			t.nals = append(t.nals, n)
		}
	}
	decoded, err := t.extractor.Extract(t.nals, shown)
	t.failed = err != nil
	t.follows = err == nil && shown-decoded <= maxDisorder // more is a jump ahead, which the extractor spreads over several units
	return decoded, t.follows && !begins                   // it begins at the presentation time, as if nothing were reordered
}

// duration converts without overflow for 292 years.
func duration(ticks int64) time.Duration {
	return time.Duration(ticks/clockRate)*time.Second + time.Duration(ticks%clockRate)*time.Second/clockRate
}
