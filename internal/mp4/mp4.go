// Package mp4 reads the video out of MP4 files, plain and fragmented, as ISO/IEC 14496-12 has them. What it takes of memory is the file's
// index, up to 64 MiB, and a sample at a time.
//
// The libraries at hand do not do: they refuse files with boxes that they do not know, or with their media before their index, as FFmpeg writes
// them, and make an object of each sample before the first is read.
package mp4

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/bitstream"
)

// A Sample is what a file has of one picture, in the format of its codec in MP4.
type Sample struct {
	Codec frame.Codec

	// Config is the decoder's configuration record, or that of MPEG-4 itself. It comes with the first sample, and with the first for
	// which another one applies; else it is nil, as it is of codecs that have none.
	Config []byte

	// Orientation is how the picture is to be shown, as the track's header
	// has it.
	Orientation bitstream.Orientation

	// Colours are those of the picture, as the sample's description has
	// them.
	Colours frame.Colours

	PTS, DTS time.Duration
	Data     []byte // valid until the next sample
}

// Samples yields the samples of the first video track that r has in a codec known here, in decoding order. Edit lists count for nothing. A
// file whose media comes before its index, or in another order than it is played in, can be read if r is an io.Seeker. An error ends it.
func Samples(r io.Reader) iter.Seq2[Sample, error] {
	return func(yield func(Sample, error) bool) {
		d := demuxer{source: newSource(r), yield: yield}
		if err := d.run(); err != nil && !d.left {
			yield(Sample{}, err)
		}
	}
}

// A demuxer walks through a file.
type demuxer struct {
	*source
	yield func(Sample, error) bool
	left  bool // yield has returned false

	begun   bool   // a box has come that MP4 files have outside of the movie box
	track   *track // nil before the movie box
	pending places // samples whose media is still to come
	dts     uint64 // where the fragments have come to
	used    uint32 // description of the last sample
	samples int
	last    uint64 // when the last sample is decoded
	buf     []byte // of the last sample
}

var errLeft = errors.New("nobody listens any more")

// run reads the file box by box.
func (d *demuxer) run() error {
	for {
		x, err := d.span()
		if errors.Is(err, io.EOF) {
			return d.finish()
		}
		if err != nil {
			return err
		}
		if err := d.box(x); err != nil {
			return err
		}
		if x.end == maxOffset || d.seeker == nil && d.at > x.end {
			return d.finish()
		}
		if err := d.to(x.end); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) { // what is cut off is not needed
			return err
		}
	}
}

// finish ends the file.
func (d *demuxer) finish() error {
	switch {
	case d.track != nil:
		return d.drain()
	case d.begun:
		return fmt.Errorf("it has no index (moov), so it is cut short, or was not finished: %w", io.ErrUnexpectedEOF)
	}
	return errors.New("no MP4 file: it has no movie box")
}

// box reads a box whose header was read.
func (d *demuxer) box(x span) error {
	d.begun = d.begun || x.kind == "ftyp" || x.kind == "mdat"
	switch x.kind {
	case "moov":
		return d.movie(x)
	case "moof":
		return d.fragment(x)
	case "mdat":
		return d.drain()
	}
	return nil
}

// movie reads a movie box. The sample table comes before all fragments.
func (d *demuxer) movie(x span) error {
	if d.track != nil {
		return fmt.Errorf("a second movie box at %d", x.begin)
	}
	content, err := d.content(x)
	if err != nil {
		return err
	}
	if d.track, err = readMovie(content); err != nil {
		return err
	}
	t, err := newTable(d.track.table)
	if err != nil {
		return err
	}
	d.pending = t
	if d.seeker != nil {
		return d.drain()
	}
	return nil
}

// fragment reads a movie fragment box.
func (d *demuxer) fragment(x span) error {
	if d.track == nil {
		return fmt.Errorf("a movie fragment at %d, before the movie box", x.begin)
	}
	if err := d.drain(); err != nil {
		return err
	}
	content, err := d.content(x)
	if err != nil {
		return err
	}
	if d.pending, err = newFragment(content, x.begin, d.track, d.dts); err != nil {
		return err
	}
	if d.seeker != nil {
		return d.drain()
	}
	return nil
}

// drain yields the samples whose media is there by now.
func (d *demuxer) drain() error {
	for d.pending != nil {
		p, ok, err := d.pending.next()
		if err != nil {
			return err
		}
		if !ok {
			if f, fragmented := d.pending.(*fragment); fragmented {
				d.dts = f.dts
			}
			d.pending = nil
			return nil
		}
		s, err := d.sample(p)
		if err != nil {
			return fmt.Errorf("sample %d, of %d bytes at %d: %w", d.samples, p.size, p.offset, err)
		}
		d.samples++
		if !d.yield(s, nil) {
			d.left = true
			return errLeft
		}
	}
	return nil
}

// sample reads a sample.
func (d *demuxer) sample(p place) (s Sample, err error) {
	if p.size == 0 || p.size > maxSample {
		return s, fmt.Errorf("want 1 to %d bytes", maxSample)
	}
	if p.description == 0 || int64(p.description) > int64(len(d.track.descriptions)) {
		return s, fmt.Errorf("description %d of %d", p.description, len(d.track.descriptions))
	}
	how := &d.track.descriptions[p.description-1]
	s.Codec, s.Orientation, s.Colours = how.codec, d.track.orientation, how.colours
	if p.description != d.used {
		s.Config, d.used = how.config, p.description
	}
	if p.dts > math.MaxInt64/2 || p.dts/uint64(d.track.timescale) > uint64(math.MaxInt64/time.Second/2) {
		return s, errors.New("it is shown in more than a hundred years")
	}
	if d.samples > 0 && p.dts < d.last {
		return s, errors.New("it is decoded before the one before it")
	}
	d.last = p.dts
	s.DTS = duration(int64(p.dts), int64(d.track.timescale))
	s.PTS = duration(int64(p.dts)+int64(p.shown), int64(d.track.timescale))
	if err := d.to(p.offset); err != nil {
		return s, err
	}
	d.buf, err = d.read(d.buf, int(p.size))
	s.Data = d.buf
	return s, err
}

// duration converts without overflow, for a hundred years.
func duration(ticks, timescale int64) time.Duration {
	return time.Duration(ticks/timescale)*time.Second + time.Duration(ticks%timescale)*time.Second/time.Duration(timescale)
}
