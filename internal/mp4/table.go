package mp4

import (
	"errors"
	"fmt"
)

// A place says where a sample is and when it is shown.
type place struct {
	offset      int64 // from the beginning of the file
	size        uint32
	dts         uint64 // in units of the track's time scale
	shown       int32  // after dts
	description uint32 // from 1
}

// places tells of one sample after the other; ok is false after the last.
type places interface {
	next() (p place, ok bool, err error)
}

// A table is the sample table of a track (ISO/IEC 14496-12 section 8.5), as it is walked through. It stays as it is in the file: what it
// takes of memory the movie box has.
type table struct {
	samples uint32 // still to come
	number  uint32 // of the next sample, from 1

	times   runs // stts: count, duration of each
	offsets runs // ctts: count, offset of each; may be empty

	size  uint32 // of all; zero if sizes tells
	sizes reader // stsz

	chunks      reader // stco or co64
	wide        bool   // it is co64
	toChunks    reader // stsc: first chunk, samples in each, description
	chunk       uint32 // number of the current one, from 1
	inChunk     uint32 // samples of it still to come
	perChunk    uint32
	description uint32
	nextFirst   uint32 // the chunk from which the next entry of stsc applies; zero if there is none

	at place // of the next sample; its offset is known while inChunk is above zero
}

// A runs is a table of how often a value comes in a row.
type runs struct {
	reader
	left  uint32
	value uint32
}

// next returns the value of the next sample. ok is false after the last.
func (r *runs) next() (v uint32, ok bool) {
	for r.left == 0 {
		if len(r.b) < 8 {
			return 0, false
		}
		r.left, r.value = r.u32(), r.u32()
	}
	r.left--
	return r.value, true
}

// newTable reads what a sample table box contains.
func newTable(stbl []byte) (*table, error) {
	t := &table{number: 1}
	found := make(map[string]bool)
	for x, err := range boxes(stbl) {
		if err != nil {
			return nil, err
		}
		r := reader{b: x.content}
		r.full()
		found[x.kind] = true
		switch x.kind {
		case "stts":
			r.u32()
			t.times.reader = r
		case "ctts":
			r.u32()
			t.offsets.reader = r
		case "stsz":
			t.size, t.samples = r.u32(), r.u32()
			t.sizes = r
		case "stsc":
			r.u32()
			t.toChunks = r
		case "stco", "co64":
			r.u32()
			t.chunks, t.wide = r, x.kind == "co64"
		}
		if r.ended {
			return nil, fmt.Errorf("box %q of %d bytes", x.kind, len(x.content))
		}
	}
	for _, kind := range []string{"stts", "stsz", "stsc"} {
		if !found[kind] {
			return nil, fmt.Errorf("sample table without a box %q", kind)
		}
	}
	if !found["stco"] && !found["co64"] {
		return nil, errors.New("sample table without a box of chunk offsets")
	}
	t.nextFirst = t.firstOfNext()
	return t, nil
}

// firstOfNext returns the first chunk of the next entry of stsc; zero if there is none.
func (t *table) firstOfNext() uint32 {
	if len(t.toChunks.b) < 12 {
		return 0
	}
	r := t.toChunks
	return r.u32()
}

func (t *table) next() (p place, ok bool, err error) {
	if t.samples == 0 {
		return p, false, nil
	}
	if err := t.enterChunk(); err != nil {
		return p, false, err
	}
	duration, timed := t.times.next()
	shown, _ := t.offsets.next()
	p = place{offset: t.at.offset, size: t.size, dts: t.at.dts, shown: int32(shown), description: t.description}
	if t.size == 0 {
		p.size = t.sizes.u32()
	}
	if !timed || t.sizes.ended {
		return p, false, fmt.Errorf("sample table ends before sample %d, of which it has %d more", t.number, t.samples)
	}
	t.number++
	t.samples--
	t.inChunk--
	t.at.offset += int64(p.size)
	t.at.dts += uint64(duration)
	return p, true, nil
}

// enterChunk begins with the next chunk if the last has no sample left.
func (t *table) enterChunk() error {
	if t.inChunk > 0 {
		return nil
	}
	t.chunk++
	if t.chunk == t.nextFirst {
		t.toChunks.u32()
		t.perChunk, t.description = t.toChunks.u32(), t.toChunks.u32()
		t.nextFirst = t.firstOfNext()
	}
	if t.perChunk == 0 {
		return fmt.Errorf("chunk %d has no samples", t.chunk)
	}
	version := byte(0)
	if t.wide {
		version = 1
	}
	offset := t.chunks.long(version)
	if t.chunks.ended || offset > maxOffset {
		return fmt.Errorf("chunk %d, in which sample %d is, has no place in the file", t.chunk, t.number)
	}
	t.inChunk, t.at.offset = t.perChunk, int64(offset)
	return nil
}
