package unpack

import "time"

// Timestamps that go back further than this have jumped: the camera's clock was set, or its encoder began anew. Less is the
// reordering of B-frames.
const maxDisorder = 5 * clockRate

// A timing finds out when the units of a stream are decoded: RTP tells only when they are shown. All its times are in units of
// 1/90,000 s. The zero timing is ready for a stream.
//
// Where the codec cannot tell, units are taken to be decoded a fixed time before they are shown: the most by which any was reordered
// so far, so that it is before every later unit is shown too.
type timing struct {
	delay   int64 // the most that a unit was shown before one that it follows
	started bool
	shift   int64 // what jumps of timestamps add up to
	latest  int64 // presentation time of all units so far
	decoded int64 // time of the last unit
}

// next returns when the next unit is shown and decoded; order may be nil. Decoding times never decrease. They are after presentation
// times only where order does not help and units are reordered by more than ever before.
func (t *timing) next(stamp int64, lost bool, order orderer) (pts, dts time.Duration) {
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
	decoded, ok := int64(0), false
	if order != nil {
		decoded, ok = order.decoded(shown, lost)
	}
	if !ok {
		decoded = shown - t.delay
	}
	t.decoded = max(t.decoded, min(decoded, shown))
	return duration(shown), duration(t.decoded)
}

// duration converts without overflow for 292 years.
func duration(ticks int64) time.Duration {
	return time.Duration(ticks/clockRate)*time.Second + time.Duration(ticks%clockRate)*time.Second/clockRate
}

// plausible returns by how much time goes on where the timestamps of one sender follow those of another: by what they say if that is what
// passed, give or take a second; else by what passed.
func plausible(step int64, passed time.Duration) int64 {
	ticks := int64(passed * clockRate / time.Second)
	if step <= 0 || max(step-ticks, ticks-step) > clockRate {
		return max(ticks, 1)
	}
	return step
}
