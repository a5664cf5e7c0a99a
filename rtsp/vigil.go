package rtsp

import (
	"log/slog"
	"time"
)

// A GOP may be long, and the first one is joined in its middle: units may take this many times as long as packets.
const patience = 10

// A vigil looks after a stream of which packets come: are there pictures?
type vigil struct {
	timeout time.Duration
	log     *slog.Logger
	since   time.Time // the last unit came, or the first packet if none did
	begun   bool      // a unit came
	warned  bool
}

// unit takes note of a unit.
func (v *vigil) unit() { v.since, v.begun = time.Now(), true }

// packet takes note of a packet, after the units that are made of it. It returns an error if the stream is to end.
func (v *vigil) packet(arrival time.Time) error {
	switch waited := arrival.Sub(v.since); {
	case v.since.IsZero():
		v.since = arrival
	case waited > patience*v.timeout:
		return ErrNoPicture
	case waited > v.timeout && !v.begun && !v.warned:
		v.warned = true
		v.log.Warn("packets come, but no picture that decoding can begin with", "for", waited)
	}
	return nil
}
