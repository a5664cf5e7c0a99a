package feed

import (
	"fmt"
	"io"
	"iter"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/mp4"
)

// ReadMP4 yields the units of an MP4 file, plain or fragmented, as fast as r is read: of its first video track in H.264, H.265, AV1, VP8, VP9,
// MJPEG or MPEG-4. Units of H.264 and H.265 tell how the track is to be turned, all what it says of their colours. PTS and DTS are the file's, without its edit lists; Time is when
// they were read, so see Play. It is ranged over once.
//
// What is not in the order of playing, such as a file that has its index (moov) at the end, can be read if r is an io.Seeker. It takes memory
// for the index, 64 MiB at most, and for a picture, 32 MiB at most. An error ends it;
// that no key unit has come is one.
func ReadMP4(r io.Reader) iter.Seq2[frame.AccessUnit, error] {
	return func(yield func(frame.AccessUnit, error) bool) {
		var video Video
		for s, err := range mp4.Samples(progressing(r)) {
			if err != nil {
				yield(frame.AccessUnit{}, fmt.Errorf("feed: MP4: %w", err))
				return
			}
			u, ok, err := video.sample(&s)
			if (ok || err != nil) && !yield(u, err) || err != nil {
				return
			}
		}
		if err := video.lacking(); err != nil {
			yield(frame.AccessUnit{}, fmt.Errorf("feed: MP4: %w", err))
		}
	}
}

// sample makes a unit of a sample.
func (v *Video) sample(s *mp4.Sample) (u frame.AccessUnit, ok bool, err error) {
	v.Codec = s.Codec
	if s.Config != nil {
		if err := v.Config(s.Config); err != nil {
			return u, false, err
		}
	}
	v.follow()
	v.assembler.Orient(s.Orientation)
	v.assembler.Colour(s.Colours)
	return v.unit(s.PTS, s.DTS, s.Data)
}
