package feed

import (
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/flv"
)

// An FLV makes access units of the video tags of FLV, which are also the bodies of RTMP's video messages: those of Adobe's specification and of
// enhanced RTMP, with H.264, H.265, AV1, VP8 and VP9. The zero FLV is ready.
type FLV struct {
	// Track is which one is taken if there are several; zero is the default
	// one.
	Track uint8

	video    flv.Video
	timeline flv.Timeline
	clock    frame.Clock
}

// Tag makes the access unit of the body of a video tag; nothing of body is kept. The timestamp counts milliseconds and may wrap. ok is false if
// there is no picture in it, or if no key unit came yet. After an error nothing more can be made of the stream.
func (f *FLV) Tag(timestamp uint32, body []byte) (u frame.AccessUnit, ok bool, err error) {
	f.video.Track = f.Track
	u, ok, err = f.video.Unit(0, body)
	if err != nil {
		return u, false, fmt.Errorf("feed: FLV: %w", err)
	}
	if !ok || !u.Key && !f.timeline.Started() {
		return frame.AccessUnit{}, false, nil
	}
	at := f.timeline.Next(timestamp)
	u.PTS += at
	u.DTS += at
	f.clock.Stamp(&u, time.Now())
	return u, true, nil
}

// ReadFLV yields the units of an FLV file, or of FLV that comes over a pipe or HTTP, as fast as r is read. PTS and DTS are the file's, Time is
// when they were read; for a file see Play. It is ranged over once. It takes memory for a tag, 16 MiB at most. An error ends it.
func ReadFLV(r io.Reader) iter.Seq2[frame.AccessUnit, error] {
	return func(yield func(frame.AccessUnit, error) bool) {
		var f FLV
		for tag, err := range flv.Tags(r) {
			if err != nil {
				yield(frame.AccessUnit{}, fmt.Errorf("feed: FLV: %w", err))
				return
			}
			u, ok, err := f.Tag(tag.Timestamp, tag.Body)
			if (ok || err != nil) && !yield(u, err) || err != nil {
				return
			}
		}
	}
}
