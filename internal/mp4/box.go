package mp4

import (
	"encoding/binary"
	"fmt"
	"iter"
)

// A box is what an MP4 file is made of, ISO/IEC 14496-12 section 4.2:
//
//	size (32)  type (32)  [size (64) if the first is 1]  content    size: of all that; zero: up to the end of the file
type box struct {
	kind    string
	content []byte
}

// cutBox cuts the box off that b begins with.
func cutBox(b []byte) (x box, rest []byte, err error) {
	if len(b) < 8 {
		return x, nil, fmt.Errorf("%d bytes left where a box is due", len(b))
	}
	size, header := uint64(binary.BigEndian.Uint32(b)), 8
	x.kind = string(b[4:8])
	switch {
	case size == 0:
		size = uint64(len(b))
	case size == 1 && len(b) >= 16:
		size, header = binary.BigEndian.Uint64(b[8:]), 16
	}
	if size < uint64(header) || size > uint64(len(b)) {
		return x, nil, fmt.Errorf("box %q of %d bytes where %d are left", x.kind, size, len(b))
	}
	x.content = b[header:size]
	return x, b[size:], nil
}

// boxes yields the boxes that b consists of. An error ends it.
func boxes(b []byte) iter.Seq2[box, error] {
	return func(yield func(box, error) bool) {
		for len(b) > 0 {
			x, rest, err := cutBox(b)
			if !yield(x, err) || err != nil {
				return
			}
			b = rest
		}
	}
}

// find returns the content of the first box of that kind in b, and in that of the next kind, and so on; nil if there is none.
func find(b []byte, kinds ...string) ([]byte, error) {
	for _, kind := range kinds {
		var found []byte
		for x, err := range boxes(b) {
			if err != nil {
				return nil, err
			}
			if x.kind == kind {
				found = x.content
				break
			}
		}
		if b = found; b == nil {
			return nil, nil
		}
	}
	return b, nil
}

// A reader reads numbers off the front of what a box contains. After it has ended it reads zeros, and says so.
type reader struct {
	b     []byte
	ended bool
}

func (r *reader) u32() uint32 {
	var b [4]byte
	r.ended = r.ended || len(r.b) < len(b)
	r.b = r.b[copy(b[:], r.b):]
	return binary.BigEndian.Uint32(b[:])
}

func (r *reader) u16() uint16 {
	var b [2]byte
	r.ended = r.ended || len(r.b) < len(b)
	r.b = r.b[copy(b[:], r.b):]
	return binary.BigEndian.Uint16(b[:])
}

func (r *reader) u64() uint64 { return uint64(r.u32())<<32 | uint64(r.u32()) }

func (r *reader) skip(n int) {
	r.ended = r.ended || len(r.b) < n
	r.b = r.b[min(n, len(r.b)):]
}

// full reads what a full box begins with: version (8)  flags (24).
func (r *reader) full() (version byte, flags uint32) {
	v := r.u32()
	return byte(v >> 24), v & 0xffffff
}

// long reads a number that has 64 bits from version 1 on.
func (r *reader) long(version byte) uint64 {
	if version == 0 {
		return uint64(r.u32())
	}
	return r.u64()
}
