package unpack

import "time"

const (
	// Timestamps that go back further than this have jumped: the camera's clock was set, or its encoder began anew.
	maxDisorder = 5 * clockRate

	// So many units may be shown before one that they follow: codecs reorder 16 pictures, which may be two fields each. After more than that,
	// timestamps have jumped, too.
	maxReordered = 32

	// So many units that are each shown after all before it tell that a stream reorders none: the first groups of those that do are shorter,
	// also if they begin with two fields.
	plainUnits = 8
)

// A timing finds out when the units of a stream are decoded: RTP tells only when they are shown. All its times are in units of
// 1/90,000 s. The zero timing is ready for a stream.
//
// Where the codec cannot tell, units are taken to be decoded a fixed time before they are shown: the most by which any was reordered
// so far, so that it is before every later unit is shown too.
//
// Where timestamps jump back, the stream goes on after the unit that is shown last.
type timing struct {
	started bool
	shift   int64 // what jumps of timestamps add up to
	latest  int64 // presentation time of all units so far
	before  int64 // that of the unit which was the latest before it
	decoded int64 // time of the last unit

	latests   int   // units that were the latest when they came
	delay     int64 // the most that a unit was shown before one that it follows, as far as that is known to be no jump
	reordered int   // units since the latest
	earlier   int64 // the most that one of them is shown before it
}

// next returns when the next unit is shown and decoded; order may be nil. Decoding times never decrease. They are after presentation
// times only where order does not help and units are reordered by more than ever before.
func (t *timing) next(stamp int64, lost bool, order orderer) (pts, dts time.Duration) {
	shown := stamp + t.shift
	switch {
	case !t.started:
		t.started, t.latest, t.before, t.decoded = true, shown, shown, shown
	case shown > t.latest:
		t.delay = max(t.delay, t.earlier)
		t.follow(shown)
	case t.jumped(shown):
		next := t.latest + min(t.latest-t.before, maxDisorder) // as far behind as that is behind the one before
		t.shift += next - shown
		shown = next
		t.follow(shown)
	case shown < t.latest:
		t.reordered++
		t.earlier = max(t.earlier, t.latest-shown)
	}
	decoded, ok := int64(0), false
	if order != nil {
		decoded, ok = order.decoded(shown, lost)
	}
	if !ok {
		decoded = shown - max(t.delay, t.earlier)
	}
	t.decoded = max(t.decoded, min(decoded, shown))
	return duration(shown), duration(t.decoded)
}

// follow takes note of a unit that is shown after all before it.
func (t *timing) follow(shown int64) {
	t.latests++
	t.before, t.latest, t.reordered, t.earlier = t.latest, shown, 0, 0
}

// jumped reports whether timestamps must have gone back for a unit that is not shown after all before it. Reordered ones are shown after the
// unit that was the latest before. Where two fields come first they are not, but they are no earlier than some before were. And at the beginning
// an open GOP may have pictures that are shown before its key unit.
func (t *timing) jumped(shown int64) bool {
	back := t.latest - shown
	learned := t.delay > 0 || t.latests >= plainUnits
	return back > maxDisorder || t.reordered >= maxReordered || learned && shown <= t.before && back > 2*t.delay
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
