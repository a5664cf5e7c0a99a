package rtsp

import (
	"fmt"
	"log/slog"
	"time"
)

// A GOP may be long, and the first one is joined in its middle: pictures may take this many times as long as packets.
const noPictureAfter = 10

// A watchdog looks after a stream of which packets come: are there pictures?
type watchdog struct {
	timeout time.Duration
	log     *slog.Logger
	since   time.Time // the last unit came, or the first packet if none did
	begun   bool      // a unit came
	warned  bool
}

// unit takes note of a unit.
func (w *watchdog) unit() { w.since, w.begun = time.Now(), true }

// packet takes note of a packet, after the units that are made of it. It returns an error if the stream is to end. lacks tells what is missing as
// long as there is no unit.
func (w *watchdog) packet(arrival time.Time, lacks func() string) error {
	switch waited := arrival.Sub(w.since); {
	case w.since.IsZero():
		w.since = arrival
	case waited > noPictureAfter*w.timeout:
		if text := lacks(); text != "" {
			return fmt.Errorf("%w: %s", ErrNoPicture, text)
		}
		return ErrNoPicture
	case waited > w.timeout && !w.begun && !w.warned:
		w.warned = true
		w.log.Warn("packets come, but no picture that decoding can begin with", "for", waited, "lacks", lacks())
	}
	return nil
}
