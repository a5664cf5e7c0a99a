package rtmp

import "time"

// oddPeriod is how long one line tells of all malformed video of a stream: an encoder that sends some does so again and again.
const oddPeriod = 10 * time.Second

// A malformed tells of messages that cost themselves alone, in a line for each period.
type malformed struct {
	log    func(err error, messages int) // messages: since the line before
	last   error
	count  int // since the line before
	before time.Time
}

func (m *malformed) note(err error) {
	m.last = err
	m.count++
	if now := time.Now(); m.before.IsZero() || now.Sub(m.before) >= oddPeriod {
		m.before = now
		m.tell()
	}
}

// tell tells of what was not told yet.
func (m *malformed) tell() {
	if m.count > 0 && m.log != nil {
		m.log(m.last, m.count)
	}
	m.count = 0
}
