package rtmp

import "time"

// Timestamps that go back further than this have jumped: the encoder began anew. Less is disorder.
const maxDisorder = time.Second

// A timeline makes durations that never decrease of the timestamps of messages, which count milliseconds in 32 bits and wrap after
// 49.7 days, RTMP 1.0 §5.3.1. The zero timeline is ready for a stream.
type timeline struct {
	started bool
	raw     uint32        // the timestamp before
	at      time.Duration // where it is, were it not for jumps
	shift   time.Duration // what jumps add up to
	last    time.Duration
}

// place returns where a message with the given timestamp is. A timestamp that jumps back goes on where the one before was.
func (t *timeline) place(raw uint32) time.Duration {
	if !t.started {
		t.started, t.raw, t.at = true, raw, time.Duration(raw)*time.Millisecond
	}
	t.at += time.Duration(int32(raw-t.raw)) * time.Millisecond
	t.raw = raw
	if t.last-(t.at+t.shift) > maxDisorder {
		t.shift = t.last - t.at
	}
	t.last = max(t.last, t.at+t.shift)
	return t.last
}
