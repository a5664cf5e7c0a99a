package feed

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/bitstream"
)

const (
	maxUnit = 8 << 20 // bytes of a unit of a byte stream; a key picture of 2160p60 at 50 Mbit/s has 1 to 3 MiB
	maxNALs = 8 << 10 // of a unit: 8 MiB in slices as small as a packet are 6,000
	chunk   = 32 << 10
)

// ReadAnnexB yields the units of an Annex B byte stream of H.264 or H.265, as encoders and cameras write it to a pipe or a file. A unit is whole
// when the next begins. The stream has no times of its own:
//   - if fps is zero, PTS, DTS and Time are when the unit began to come, and each is a millisecond after the one before at least
//   - else pictures, or fields, follow each other at so many a second, and Time is when they were read; for a file see Play
//
// Pictures that are reordered (B-frames) have the times of the order they are decoded in. It is ranged over once. It takes memory for a unit,
// 8 MiB at most. An error ends it; that no key unit has
// come is one.
func ReadAnnexB(r io.Reader, codec frame.Codec, fps float64) iter.Seq2[frame.AccessUnit, error] {
	return func(yield func(frame.AccessUnit, error) bool) {
		if !inNALs(codec) || !(fps >= 0) {
			yield(frame.AccessUnit{}, fmt.Errorf("feed: Annex B of %v at %v pictures a second", codec, fps))
			return
		}
		video := Video{Codec: codec}
		video.follow()
		s := splitter{r: progress{r}, codec: codec}
		times := pace{fps: fps}
		for {
			nals, came, err := s.unit()
			if errors.Is(err, io.EOF) {
				if err := video.lacking(); err != nil {
					yield(frame.AccessUnit{}, fmt.Errorf("feed: %v: %w", codec, err))
				}
				return
			}
			var u frame.AccessUnit
			if err == nil {
				u.Data, u.Key, err = video.assembler.UnitOf(nals)
			}
			at := times.next(came)
			u, ok, err := video.made(u, err, at, at, came)
			if (ok || err != nil) && !yield(u, err) || err != nil {
				return
			}
		}
	}
}

// A pace gives times to pictures that have none.
type pace struct {
	fps   float64
	n     int
	first time.Time
	last  time.Duration
}

func (p *pace) next(came time.Time) time.Duration {
	if p.n == 0 {
		p.first, p.last = came, -time.Millisecond
	}
	if p.fps > 0 {
		p.last = time.Duration(float64(p.n) / p.fps * float64(time.Second))
	} else {
		p.last = max(came.Sub(p.first), p.last+time.Millisecond)
	}
	p.n++
	return p.last
}

// A splitter splits a byte stream (ITU-T H.264 and H.265 annex B) into access units.
type splitter struct {
	r     io.Reader
	codec frame.Codec
	buf   []byte    // what was read and not yet used
	used  int       // of buf, by the last unit
	read  time.Time // when the last of buf came
	came  time.Time // when the next unit began to come
	ended bool
	spans [][2]int // of NAL units, in buf
	nals  [][]byte
}

// unit returns the NAL units of the next access unit, and when the first of them came. They are valid until the next call. At the end it
// returns io.EOF.
func (s *splitter) unit() (nals [][]byte, came time.Time, err error) {
	s.buf = s.buf[:copy(s.buf, s.buf[s.used:])]
	s.used, s.spans = 0, s.spans[:0]
	at, err := s.find(0)
	if errors.Is(err, io.EOF) && len(s.buf) > 0 {
		err = fmt.Errorf("%d bytes without a start code", len(s.buf))
	}
	if err != nil {
		return nil, s.read, err
	}
	if came = s.came; came.IsZero() {
		came = s.read
	}
	picture := false
	for at < len(s.buf) {
		next, err := s.find(at + len(startCode))
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, came, err
		}
		from, to := at+len(startCode), next
		to = from + len(bytes.TrimRight(s.buf[from:to], "\x00"))
		if from < to {
			s.spans = append(s.spans, [2]int{from, to})
			picture = picture || bitstream.IsSlice(s.codec, s.buf[from:to])
		}
		if len(s.spans) > maxNALs {
			return nil, came, fmt.Errorf("access unit of more than %d NAL units", maxNALs)
		}
		at = next
		if after := s.buf[min(at+len(startCode), len(s.buf)):]; picture && len(after) > 0 && bitstream.Opens(s.codec, after) {
			s.came = s.read
			break
		}
	}
	s.used = at
	s.nals = s.nals[:0]
	for _, x := range s.spans {
		s.nals = append(s.nals, s.buf[x[0]:x[1]])
	}
	return s.nals, came, nil
}

// find returns where the next start code is, at or after from. What tells of its NAL unit, three bytes, has been read then, unless the stream
// ends before that. At the end there is no start code, but io.EOF.
func (s *splitter) find(from int) (at int, err error) {
	const tell = 3
	for {
		if i := bytes.Index(s.buf[from:], startCode); i >= 0 {
			from += i
			if s.ended || from+len(startCode)+tell <= len(s.buf) {
				return from, nil
			}
		} else {
			if s.ended {
				return len(s.buf), io.EOF
			}
			from = max(from, len(s.buf)-len(startCode)+1)
		}
		if err := s.fill(); err != nil {
			return 0, err
		}
	}
}

// fill reads more.
func (s *splitter) fill() error {
	if len(s.buf) >= maxUnit {
		return fmt.Errorf("%d bytes in which no access unit ends", len(s.buf))
	}
	s.buf = slices.Grow(s.buf, chunk)
	n, err := s.r.Read(s.buf[len(s.buf) : len(s.buf)+chunk])
	s.buf = s.buf[:len(s.buf)+n]
	s.read = time.Now()
	if errors.Is(err, io.EOF) {
		s.ended = true
		return nil
	}
	return err
}
