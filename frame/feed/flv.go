package feed

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/flv"
	"github.com/livestill/livestill/internal/ingest"
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
	lacks    ingest.Lacks
}

// Tag makes the access unit of the body of a video tag; nothing of body is kept. The timestamp counts milliseconds and may wrap. ok is false if
// there is no picture in it, or if no key unit came yet.
//
// An error with ok false says what is wrong with the tag. One may go on: the next unit is Lost. Only when the codec is not supported, or has too many
// parameter sets, every tag from then on is an error. Once a picture has come in several tags, which some encoders do, each unit is returned
// with the tag that begins the next.
func (f *FLV) Tag(timestamp uint32, body []byte) (u frame.AccessUnit, ok bool, err error) {
	f.video.Track = f.Track
	err = f.video.Take(time.Duration(timestamp)*time.Millisecond, time.Now(), body)
	if !f.timeline.Started() {
		f.lacks.Set(f.video.Lacks())
	}
	u, ok = f.next()
	var harmless flv.HabitError
	if err == nil || ok || errors.As(err, &harmless) {
		return u, ok, nil
	}
	return u, false, fmt.Errorf("feed: FLV: %w", err)
}

// Lacks tells why no key unit came of the tags up to now; nothing if one did, or if there were none. It is for Stream.Lacks: any goroutine may
// call it.
func (f *FLV) Lacks() string { return f.lacks.Text() }

// next returns the next unit that is complete; ok is false if there is none.
func (f *FLV) next() (u frame.AccessUnit, ok bool) {
	for f.video.Ready() {
		u, arrival := f.video.Next()
		if !u.Key && !f.timeline.Started() {
			continue
		}
		at := f.timeline.Next(uint32(u.DTS / time.Millisecond))
		u.PTS += at - u.DTS
		u.DTS = at
		f.clock.Stamp(&u, arrival)
		return u, true
	}
	return frame.AccessUnit{}, false
}

// ReadFLV yields the units of an FLV file, or of FLV that comes over a pipe or HTTP, as fast as r is read. PTS and DTS are the file's, Time is
// when they were read; for a file see Play. It is ranged over once. It takes memory for a tag, 16 MiB at most, and for a picture that comes in
// several, 8 MiB at most. A tag that is malformed costs itself: the next unit is Lost. An error ends it: also one of a tag, if no tag has made a
// unit; that no key unit has come is one.
func ReadFLV(r io.Reader) iter.Seq2[frame.AccessUnit, error] {
	return func(yield func(frame.AccessUnit, error) bool) {
		f := FLV{video: flv.Video{FirstWaits: true}}
		if err := f.read(r, func(u frame.AccessUnit) bool { return yield(u, nil) }); err != nil {
			yield(frame.AccessUnit{}, fmt.Errorf("feed: FLV: %w", err))
		}
	}
}

// read reads r to the end, or until yield returns false.
func (f *FLV) read(r io.Reader, yield func(frame.AccessUnit) bool) error {
	begun, left := false, false
	units := func() (more bool) {
		for u, ok := f.next(); ok; u, ok = f.next() {
			begun = true
			if left = !yield(u); left {
				return false
			}
		}
		return true
	}
	var broken, malformed error
	for tag, err := range flv.Tags(progress{r}) {
		if broken = err; err == nil {
			err = f.video.Take(time.Duration(tag.Timestamp)*time.Millisecond, time.Now(), tag.Body)
			malformed = cmp.Or(malformed, err)
			if flv.Ends(err) {
				broken = err
			}
		}
		if !units() || broken != nil {
			break
		}
	}
	if f.video.Flush(); left || !units() {
		return nil
	}
	if broken == nil && malformed == nil {
		malformed = errors.New(cmp.Or(f.video.Lacks(), nothingCame))
	}
	if broken == nil && !begun {
		broken = malformed
	}
	return broken
}
