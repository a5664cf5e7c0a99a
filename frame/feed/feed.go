// Package feed makes access units of what sources of one's own have, so that a Camera can take it in:
//
//   - pictures one by one, as demuxers and encoders hand them out, with lengths (AVCC) or start codes (Annex B): [Video]
//   - RTP packets: [RTP]
//   - tags of FLV, which RTMP's messages are: [FLV]
//   - files and what comes over a pipe or HTTP: [ReadMP4], [ReadFLV], [ReadAnnexB]; a file in real time: [Play]
//
// Whatever comes in, units are what frame.AccessUnit promises: the first is a key unit, key units have their parameter sets, Data is the unit's
// own, Time is by when the unit arrived, as frame.Clock has it. Whether a unit is a key unit is read from the bitstream.
//
// frametest.TestStream checks the result against all of it. Nothing here begins a goroutine. Each value is for one stream, and for one goroutine at a
// time, except for Lacks: where Stream.Lacks is set to it, a Camera tells why there is no picture. Strangers' bytes do no harm: they cost an
// error that names what is wrong, and no more memory than is said.
package feed

import (
	"context"
	"iter"
	"time"

	"github.com/livestill/livestill/frame"
)

// Play yields units in real time: each when its picture is to be shown, or right after the unit before it. The first picture is shown at once.
// Time and Offset are set as frame.Clock does it. It is for files. It ends when units end, with the cause of ctx if that ends first.
func Play(ctx context.Context, units iter.Seq2[frame.AccessUnit, error]) iter.Seq2[frame.AccessUnit, error] {
	return func(yield func(frame.AccessUnit, error) bool) {
		var zero time.Time // when a picture of PTS zero is shown
		var clock frame.Clock
		for u, err := range units {
			if err != nil {
				yield(frame.AccessUnit{}, err)
				return
			}
			if zero.IsZero() {
				zero = time.Now().Add(-u.PTS)
			}
			if err := until(ctx, zero.Add(u.PTS)); err != nil {
				yield(frame.AccessUnit{}, err)
				return
			}
			u.SourceTime, u.Offset = false, 0
			clock.Stamp(&u, time.Now())
			if !yield(u, nil) {
				return
			}
		}
	}
}

// until waits until a time. If ctx has ended by then, it returns the cause.
func until(ctx context.Context, t time.Time) error {
	timer := time.NewTimer(time.Until(t))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}
