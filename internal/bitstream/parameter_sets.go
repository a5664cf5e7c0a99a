package bitstream

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/livestill/livestill/internal/bitstream/bitio"
)

// A role is what a NAL unit is to its access unit, whatever the codec.
type role uint8

const (
	kept       role = iota // stays where it is
	dropped                // means nothing to a decoder that is given a GOP of whole access units
	parameters             // a parameter set
	picture                // a slice of a picture
	keyPicture             // a slice of a picture that decoding can begin with
)

// A classifier tells the role of a NAL unit of its codec, which has at least one byte, and which set it is if it is one.
type classifier func(nal []byte) (role, set)

// A set is a parameter set; a newer one of the same kind and id replaces it.
type set struct {
	kind byte // NAL unit type; a set may refer to those of a lower kind
	id   uint32
	nal  []byte
}

// KnownSets are the parameter sets of a stream as they stand. The zero value knows none.
type knownSets struct {
	sets []set // ordered by kind, as decoders need them
	size int   // bytes in them
}

// unit returns the Annex B data of the access unit that consists of nals, and whether it is a key unit: it has a key picture, or begin is
// set, and sets of the kinds that are due are known. A key unit begins with all sets that are known, its own among them, each once. The data is
// a copy of its own, nil if nals have no picture; the sets among them are remembered all the same.
func (k *knownSets) unit(classify classifier, nals [][]byte, begin bool, due ...byte) (data []byte, key bool, err error) {
	c, err := k.contents(classify, nals)
	if err != nil || !c.picture {
		return nil, false, err
	}
	if key = (c.key || begin) && k.has(due); key {
		data = make([]byte, 0, c.size+k.size+4*len(k.sets))
		for _, s := range k.sets {
			data = appendNAL(data, s.nal)
		}
	} else {
		data = make([]byte, 0, c.size+c.sets)
	}
	for _, n := range nals {
		if len(n) == 0 {
			continue
		}
		if r, _ := classify(n); r != dropped && (r != parameters || !key) {
			data = appendNAL(data, n)
		}
	}
	return data, key, nil
}

// Contents are what an access unit has that is kept.
type contents struct {
	picture, key bool // it has a picture, and one that decoding can begin with
	size         int  // bytes of what is kept; of NAL units with their start codes, and without parameter sets
	sets         int  // bytes of parameter sets, or sequence headers
}

// contents finds out what the access unit that consists of nals has, and remembers its sets.
func (k *knownSets) contents(classify classifier, nals [][]byte) (c contents, err error) {
	for _, n := range nals {
		if len(n) == 0 {
			continue
		}
		switch r, s := classify(n); r {
		case dropped:
		case parameters:
			if err := k.learn(s); err != nil {
				return c, err
			}
			c.sets += 4 + len(n)
		default:
			c.picture = c.picture || r == picture || r == keyPicture
			c.key = c.key || r == keyPicture
			c.size += 4 + len(n)
		}
	}
	return c, nil
}

// has reports whether sets of all these kinds are known.
func (k *knownSets) has(kinds []byte) bool {
	for _, kind := range kinds {
		if !slices.ContainsFunc(k.sets, func(s set) bool { return s.kind == kind }) {
			return false
		}
	}
	return true
}

// lacks names the sets of two kinds that are not known.
func (k *knownSets) lacks(sps, pps byte) string {
	hasSPS, hasPPS := k.has([]byte{sps}), k.has([]byte{pps})
	switch {
	case hasSPS && hasPPS:
		return ""
	case hasSPS:
		return "picture parameter set (PPS)"
	case hasPPS:
		return "sequence parameter set (SPS)"
	}
	return "parameter sets (SPS and PPS)"
}

// find returns the newest set of a kind with an id; nil if it is not known.
func (k *knownSets) find(kind byte, id uint32) []byte {
	for _, s := range k.sets {
		if s.kind == kind && s.id == id {
			return s.nal
		}
	}
	return nil
}

func appendNAL(dst, nal []byte) []byte { return append(append(dst, 0, 0, 0, 1), nal...) }

// learn remembers a copy of a parameter set in place of an older one of its kind and id.
func (k *knownSets) learn(s set) error {
	if len(s.nal) > MaxSet {
		return ErrSet
	}
	if bytes.Contains(s.nal, []byte{0, 0, 1}) {
		return ErrStartCode
	}
	at := len(k.sets)
	for i, old := range k.sets {
		if old.kind == s.kind && old.id == s.id {
			if bytes.Equal(old.nal, s.nal) {
				return nil
			}
			k.size -= len(old.nal)
			k.sets = append(k.sets[:i], k.sets[i+1:]...)
			at = i
			break
		}
		if old.kind > s.kind {
			at = i
			break
		}
	}
	if k.size+len(s.nal) > maxSetBytes || len(k.sets) == MaxSets {
		return ErrSets
	}
	s.nal = bytes.Clone(s.nal)
	k.size += len(s.nal)
	k.sets = append(k.sets, set{})
	copy(k.sets[at+1:], k.sets[at:])
	k.sets[at] = s
	return nil
}

// A recordWalk gives each NAL unit of a configuration record to take, and tells what is wrong with the record, or what take has said.
type recordWalk func(record []byte, take func(nal []byte) error) error

// config learns the parameter sets of a configuration record, in place of all that were known. A record that is malformed adds what can be read
// of it to those.
func (k *knownSets) config(classify classifier, walk recordWalk, record []byte) error {
	err := walk(record, func([]byte) error { return nil })
	if err == nil {
		*k = knownSets{}
	}
	learned := walk(record, func(n []byte) error {
		if r, s := classify(n); r == parameters {
			return k.learn(s)
		}
		return nil
	})
	if err == nil {
		err = learned
	}
	return err
}

// cutSets gives the NAL units at the beginning of b, a part of a configuration record, to take, and returns what follows them:
//
//	count x (size16, NAL unit)
func cutSets(b []byte, count int, take func(nal []byte) error) (rest []byte, err error) {
	for range count {
		if len(b) < 2 || len(b)-2 < int(binary.BigEndian.Uint16(b)) {
			return nil, errors.New("configuration record ends inside a parameter set")
		}
		n := 2 + int(binary.BigEndian.Uint16(b))
		nals, _ := SplitInside(nil, b[2:n])
		for _, nal := range nals {
			if err := take(nal); err != nil {
				return nil, err
			}
		}
		b = b[n:]
	}
	return b, nil
}

// checkRecord tells what is wrong with the size and version of a configuration record; version is the first byte due.
func checkRecord(record []byte, least int, version byte) error {
	if len(record) < least || len(record) > maxRecord {
		return fmt.Errorf("configuration record of %d bytes, want %d to %d", len(record), least, maxRecord)
	}
	if record[0] != version {
		return fmt.Errorf("configuration record of version %d, want %d", record[0], version)
	}
	return nil
}

// newSet makes a set of a parameter set's NAL unit. Its id, below 256, is the Exp-Golomb code (ITU-T H.264 section 9.1) that id begins with.
func newSet(kind byte, nal, id []byte) (role, set) {
	r := bitio.NewReader(id, 0)
	if v := r.UE(); !r.Failed && v < 256 {
		return parameters, set{kind, v, nal}
	}
	return kept, set{}
}
