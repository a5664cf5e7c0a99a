package mp4

import (
	"errors"
	"fmt"
)

// Flags of track fragment headers and runs, ISO/IEC 14496-12 sections 8.8.7 and 8.8.8.
const (
	hasBase        = 0x000001
	hasDescription = 0x000002
	hasDuration    = 0x000008
	hasSize        = 0x000010

	runHasOffset     = 0x000001
	runHasFirstFlags = 0x000004
	runHasDurations  = 0x000100
	runHasSizes      = 0x000200
	runHasFlags      = 0x000400
	runHasShown      = 0x000800
)

// A fragment is what a movie fragment box says of the samples of a track, as they are walked through. It stays as it is in the file.
type fragment struct {
	parts []part
	dts   uint64 // of the next sample
}

// A part is a track fragment of the track. Its offsets count from the movie fragment box unless it says otherwise.
type part struct {
	defaults
	timed bool     // it says when it begins
	begin uint64   // decoding time of its first sample, if timed
	base  int64    // where offsets count from
	at    int64    // where the next sample is
	runs  [][]byte // contents of its run boxes that are still to come
	run   run
}

// A run is a track fragment run box.
type run struct {
	reader
	flags uint32
	left  uint32
}

// newFragment reads what a movie fragment box at the given offset contains. dts is where the track has come to.
func newFragment(moof []byte, offset int64, t *track, dts uint64) (*fragment, error) {
	f := &fragment{dts: dts}
	for x, err := range boxes(moof) {
		switch {
		case err != nil:
			return nil, err
		case x.kind != "traf":
			continue
		}
		p, ours, err := newPart(x.content, offset, t)
		if err != nil {
			return nil, err
		}
		if ours {
			f.parts = append(f.parts, p)
		}
	}
	return f, nil
}

// newPart reads what a track fragment box contains. ours is false if it is of another track.
func newPart(traf []byte, offset int64, t *track) (p part, ours bool, err error) {
	p = part{defaults: t.defaults, base: offset, at: offset}
	headed := false
	for x, err := range boxes(traf) {
		if err != nil {
			return p, false, err
		}
		r := reader{b: x.content}
		switch x.kind {
		case "tfhd":
			headed = true
			if ours, err = p.head(r, t.id); err != nil || !ours {
				return p, ours, err
			}
		case "tfdt":
			version, _ := r.full()
			p.timed, p.begin = true, r.long(version)
			if r.ended {
				return p, false, fmt.Errorf("box %q of %d bytes", x.kind, len(x.content))
			}
		case "trun":
			p.runs = append(p.runs, x.content)
		}
	}
	if !headed {
		return p, false, fmt.Errorf("track fragment without a box %q", "tfhd")
	}
	return p, true, nil
}

// head reads a track fragment header.
func (p *part) head(r reader, id uint32) (ours bool, err error) {
	_, flags := r.full()
	if r.u32() != id {
		return false, nil
	}
	if flags&hasBase != 0 {
		base := r.u64()
		if base > maxOffset {
			return false, fmt.Errorf("track fragment at %d, which is in no file", base)
		}
		p.base = int64(base)
		p.at = p.base
	}
	if flags&hasDescription != 0 {
		p.description = r.u32()
	}
	if flags&hasDuration != 0 {
		p.duration = r.u32()
	}
	if flags&hasSize != 0 {
		p.size = r.u32()
	}
	if r.ended {
		return false, errors.New("track fragment ends inside its header")
	}
	return true, nil
}

func (f *fragment) next() (p place, ok bool, err error) {
	for len(f.parts) > 0 {
		now := &f.parts[0]
		if now.timed {
			f.dts, now.timed = now.begin, false
		}
		p, duration, ok, err := now.next()
		if err != nil || ok {
			p.dts = f.dts
			f.dts += uint64(duration)
			return p, ok, err
		}
		f.parts = f.parts[1:]
	}
	return p, false, nil
}

// next returns the next sample, without its decoding time, and how long it is shown.
func (p *part) next() (_ place, duration uint32, ok bool, err error) {
	for p.run.left == 0 {
		if len(p.runs) == 0 {
			return place{}, 0, false, nil
		}
		if err := p.begins(p.runs[0]); err != nil {
			return place{}, 0, false, err
		}
		p.runs = p.runs[1:]
	}
	r := &p.run
	r.left--
	at := place{offset: p.at, size: p.size, description: p.description}
	duration = p.duration
	if r.flags&runHasDurations != 0 {
		duration = r.u32()
	}
	if r.flags&runHasSizes != 0 {
		at.size = r.u32()
	}
	if r.flags&runHasFlags != 0 {
		r.u32()
	}
	if r.flags&runHasShown != 0 {
		at.shown = int32(r.u32())
	}
	if r.ended {
		return at, 0, false, fmt.Errorf("track fragment run ends before its last %d samples", r.left+1)
	}
	p.at += int64(at.size)
	return at, duration, true, nil
}

// begins begins with a run:
//
//	version, flags  count (32)  [offset (32)]  [flags of the first sample (32)]  for each: [duration, size, flags, time until it is shown, 32 each]
//
// One without an offset goes on where the one before ended.
func (p *part) begins(content []byte) error {
	r := reader{b: content}
	_, flags := r.full()
	count := r.u32()
	if flags&runHasOffset != 0 {
		p.at = p.base + int64(int32(r.u32()))
	}
	if flags&runHasFirstFlags != 0 {
		r.u32()
	}
	if r.ended {
		return errors.New("track fragment run ends inside its header")
	}
	if p.at < 0 {
		return fmt.Errorf("track fragment run at %d, before the file", p.at)
	}
	p.run = run{r, flags, count}
	return nil
}
