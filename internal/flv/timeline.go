package flv

import "time"

const (
	// Timestamps that go back further than this have jumped: the encoder began anew, or its clock was set. Less is disorder.
	maxDisorder = 100 * time.Millisecond

	// A step of half the range, give or take these milliseconds, is none: FFmpeg wraps after 24.9 days, at 31 bits, since
	// timestamps of FLV are signed.
	maxWrap = 60_000
)

// A Timeline makes durations that never decrease of the timestamps of messages, which count milliseconds in 32 bits and wrap after
// 49.7 days, RTMP 1.0 §5.3.1. The zero Timeline is ready for a stream.
type Timeline struct {
	started bool
	raw     uint32        // the timestamp before
	before  time.Duration // where that is, were it not for jumps
	shift   time.Duration // what jumps add up to
	last    time.Duration
}

// Started reports whether there was a message.
func (t *Timeline) Started() bool { return t.started }

// At returns where a message with the given timestamp would be, and leaves the timeline as it is.
func (t Timeline) At(raw uint32) time.Duration { return t.Next(raw) }

// Next returns where the next message is, by its timestamp. One that jumps back goes on where the one before was.
func (t *Timeline) Next(raw uint32) time.Duration {
	if !t.started {
		t.started, t.raw, t.before = true, raw, time.Duration(raw)*time.Millisecond
	}
	step := int32(raw - t.raw)
	if short := step << 1 >> 1; -maxWrap < short && short < maxWrap {
		step = short
	}
	t.before += time.Duration(step) * time.Millisecond
	t.raw = raw
	if t.last-(t.before+t.shift) > maxDisorder {
		t.shift = t.last - t.before
	}
	t.last = max(t.last, t.before+t.shift)
	return t.last
}
