// Package nal turns NAL units into the Annex B data of access units, with the parameter sets in band that a key unit needs to
// decode on its own. All ingest goes through it, so that this promise is kept in one place.
package nal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// H.264 NAL unit types, ITU-T H.264 table 7-1.
const (
	h264Slice     = 1
	h264Partition = 4 // data partitions are 2 to 4
	h264IDR       = 5
	h264SPS       = 7
	h264PPS       = 8
	h264AUD       = 9
	h264Filler    = 12
)

// Parameter sets are a few hundred bytes at most. The bound keeps a publisher from growing every key unit with sets of its making.
const maxSets = 64 << 10

// What is wrong with a publisher's parameter sets.
var (
	ErrSets      = errors.New("parameter sets exceed 64 KiB")
	ErrStartCode = errors.New("parameter set has a start code inside") // emulation prevention (section 7.4.1.1) rules it out
)

// H264 makes access units of NAL units and remembers the parameter sets among them. The zero value is ready for a new stream.
type H264 struct {
	sets []set // sequence parameter sets before picture parameter sets, as decoders need them
	size int
}

// A set is a parameter set; a newer one of the same kind and id replaces it.
type set struct {
	kind byte
	id   uint
	nal  []byte
}

// Config reads an AVCDecoderConfigurationRecord (ISO/IEC 14496-15 section 5.3.3.1): it forgets the parameter sets known so far,
// learns the record's, and returns the number of bytes of the length field before each NAL unit of the stream.
//
//	version  profile  compatibility  level  111111ll  111nnnnn  n x (size16, SPS)  m8  m x (size16, PPS)
func (h *H264) Config(record []byte) (lengthSize int, err error) {
	if len(record) < 7 {
		return 0, fmt.Errorf("AVC configuration record of %d bytes, want at least 7", len(record))
	}
	if record[0] != 1 {
		return 0, fmt.Errorf("AVC configuration record of version %d, want 1", record[0])
	}
	h.sets, h.size = nil, 0
	rest, count := record[6:], int(record[5]&0x1f)
	for kind := range 2 {
		if kind == 1 {
			if len(rest) == 0 {
				return 0, errors.New("AVC configuration record ends before its picture parameter sets")
			}
			rest, count = rest[1:], int(rest[0])
		}
		for range count {
			if len(rest) < 2 || len(rest)-2 < int(binary.BigEndian.Uint16(rest)) {
				return 0, errors.New("AVC configuration record ends inside a parameter set")
			}
			n := int(binary.BigEndian.Uint16(rest))
			if err := h.learn(rest[2 : 2+n]); err != nil {
				return 0, err
			}
			rest = rest[2+n:]
		}
	}
	return int(record[4]&3) + 1, nil
}

// Unit returns the Annex B data of the access unit that consists of nals, and whether it is a key unit: an IDR picture.
// Delimiters and filler are left out; a key unit is preceded by the parameter sets that it lacks. The data is a copy of its own.
// It is empty if nals hold no picture; parameter sets among them are remembered all the same.
func (h *H264) Unit(nals [][]byte) (data []byte, key bool, err error) {
	size, picture := 0, false
	for _, n := range nals {
		if len(n) == 0 {
			continue
		}
		switch kind := n[0] & 0x1f; {
		case kind == h264AUD || kind == h264Filler:
			continue
		case kind == h264SPS || kind == h264PPS:
			if err := h.learn(n); err != nil {
				return nil, false, err
			}
		case kind == h264IDR:
			key, picture = true, true
		case kind >= h264Slice && kind <= h264Partition:
			picture = true
		}
		size += 4 + len(n)
	}
	if !picture {
		return nil, false, nil
	}
	if key {
		data = make([]byte, 0, size+h.size+4*len(h.sets))
		for _, s := range h.sets {
			if !contains(nals, s) {
				data = appendNAL(data, s.nal)
			}
		}
	} else {
		data = make([]byte, 0, size)
	}
	for _, n := range nals {
		if len(n) > 0 && n[0]&0x1f != h264AUD && n[0]&0x1f != h264Filler {
			data = appendNAL(data, n)
		}
	}
	return data, key, nil
}

// learn remembers a copy of a parameter set in place of an older one of its kind and id; other NAL units it passes over.
func (h *H264) learn(nal []byte) error {
	s, ok := parseSet(nal)
	if !ok {
		return nil
	}
	if bytes.Contains(s.nal, []byte{0, 0, 1}) {
		return ErrStartCode
	}
	at := len(h.sets)
	for i, old := range h.sets {
		if old.kind == s.kind && old.id == s.id {
			if bytes.Equal(old.nal, s.nal) {
				return nil
			}
			h.size -= len(old.nal)
			h.sets = append(h.sets[:i], h.sets[i+1:]...)
			at = i
			break
		}
		if old.kind > s.kind {
			at = i
			break
		}
	}
	if h.size+len(s.nal) > maxSets {
		return ErrSets
	}
	s.nal = bytes.Clone(s.nal)
	h.size += len(s.nal)
	h.sets = append(h.sets, set{})
	copy(h.sets[at+1:], h.sets[at:])
	h.sets[at] = s
	return nil
}

// contains reports whether a set of the same kind and id is among nals.
func contains(nals [][]byte, s set) bool {
	for _, n := range nals {
		if in, ok := parseSet(n); ok && in.kind == s.kind && in.id == s.id {
			return true
		}
	}
	return false
}

// parseSet tells the kind and id of a parameter set. A sequence parameter set begins with profile, constraints and level, then
// its id (ITU-T H.264 section 7.3.2.1.1); a picture parameter set begins with its id (section 7.3.2.2). The set is a part of nal:
// some encoders pad it, but no NAL unit ends in zero.
func parseSet(nal []byte) (s set, ok bool) {
	if nal = bytes.TrimRight(nal, "\x00"); len(nal) == 0 {
		return s, false
	}
	s.nal = nal
	s.kind = nal[0] & 0x1f
	at := 1
	switch s.kind {
	case h264SPS:
		at = 4
	case h264PPS:
	default:
		return s, false
	}
	if len(nal) <= at {
		return s, false
	}
	s.id, ok = golomb(nal[at:])
	return s, ok && s.id < 256
}

// golomb reads the unsigned Exp-Golomb code (ITU-T H.264 section 9.1) that b begins with. Ids are below 256, so that their codes
// end within 17 bits.
func golomb(b []byte) (v uint, ok bool) {
	bit := func(i int) uint { return uint(b[i/8]>>(7-i%8)) & 1 }
	zeros := 0
	for zeros < len(b)*8 && bit(zeros) == 0 {
		zeros++
	}
	if zeros > 8 || 2*zeros >= len(b)*8 {
		return 0, false
	}
	for i := zeros; i <= 2*zeros; i++ {
		v = v<<1 | bit(i)
	}
	return v - 1, true
}

func appendNAL(dst, nal []byte) []byte { return append(append(dst, 0, 0, 0, 1), nal...) }
