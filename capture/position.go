package capture

import (
	"fmt"
	"time"
)

// AtProgramDateTime is the picture that was on show at a position of an HLS playlist: at a time after an EXT-X-PROGRAM-DATE-TIME (RFC 8216,
// 4.3.2.6), which is an RFC 3339 time, with or without a colon in its zone. That is At, by the clock of whoever wrote the playlist.
func AtProgramDateTime(date string, after time.Duration) (Moment, error) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05Z07"} {
		if t, err := time.Parse(layout, date); err == nil {
			return At(t.Add(after)), nil
		}
	}
	return Moment{}, fmt.Errorf("capture: %.100q is no date and time with a zone", date)
}

// An MPEG-2 transport stream counts presentation time at 90 kHz in 33 bits (ISO/IEC 13818-1, 2.4.3.7), so that it begins anew every 26.5 hours.
const (
	ticksPerSecond = 90_000
	tickBits       = 33

	// RTMP counts milliseconds, so that a picture may come that much later than its ticks say.
	coarseness = time.Millisecond
)

// AtTicks is the picture that was, or will be, on show at a presentation time as the segments of HLS in MPEG-2 TS have it: in ticks of 90 kHz,
// which begin anew every 26.5 hours. Of the presentation times that it may mean, it is the one nearest to the newest picture. All is as with
// AtPTS else.
//
// A player that knows the ticks at which its timeline begins (hls.js tells them with INIT_PTS_FOUND) has position*90000 more. What the packager
// adds to the publisher's time is to be taken off: ffmpeg's mpegts adds 1.4 seconds, unless it is told -muxdelay 0 -muxpreload 0. Within a
// millisecond of the end of a picture, it is the next one.
func AtTicks(pts uint64) Moment {
	return Moment{kind: atPTS, ticks: pts%(1<<tickBits) + 1}
}

// unwrapped is the moment whose presentation time is the one of those it may mean that is nearest to that of the newest picture.
func (m Moment) unwrapped(newest time.Duration) Moment {
	if m.ticks == 0 {
		return m
	}
	const all = 1 << tickBits
	at := int64(m.ticks - 1)
	is := int64(newest.Seconds() * ticksPerSecond)
	ahead := ((at-is)%all + all) % all // of the newest, 0 to all
	if ahead > all/2 {
		ahead -= all
	}
	is += ahead
	m.ticks, m.span = 0, time.Duration(is/ticksPerSecond)*time.Second+time.Duration(is%ticksPerSecond*1e9/ticksPerSecond)+coarseness
	return m
}
