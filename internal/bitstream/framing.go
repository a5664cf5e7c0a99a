package bitstream

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/livestill/livestill/frame"
)

// A Framing is how NAL units are told apart.
type Framing uint8

// The Framings there are.
const (
	ByLength    Framing = iota // each after its length
	ByStartCode                // an Annex B byte stream
	ByBoth                     // several after one length, with start codes before or between them
	ByLength4                  // each after its length in four bytes, where the configuration record says another number
)

func (f Framing) String() string {
	return [...]string{
		"lengths", "start codes in place of lengths", "start codes behind lengths", "lengths of four bytes, which the sequence header contradicts",
	}[f]
}

// usualLength is the bytes of a length before there is a configuration record, which says so.
const usualLength = 4

// Split returns the NAL units of b, what an encoder sends as a picture: each after its length, as the configuration record has it, or however
// else b can be read. None is empty, or a parameter set of more than MaxSet. They are parts of b, and valid until the next call.
//
// The error tells what is left out.
func (a *Assembler) Split(b []byte) (nals [][]byte, f Framing, err error) {
	f, err = a.split(b)
	for i, n := range a.nals {
		if a.isSeveral(n) {
			return a.splitInside(i, max(f, ByBoth), err)
		}
	}
	return a.usable(err, f)
}

// isSeveral reports whether what should be one NAL unit is several, or has a start code before it. Slices are not looked at behind their
// beginning, since they are large: what follows one needs no more than the start code that it has.
func (a *Assembler) isSeveral(n []byte) bool {
	if len(n) > 0 && IsSlice(a.Codec, n) {
		return n[0] == 0 && BeginsAnnexB(n) // H.265 has slices that begin with a zero
	}
	return bytes.Contains(n, startCode)
}

var errCrowded = fmt.Errorf("access unit of more than %d NAL units", maxNALs)

// splitInside is the rest of Split, when the NAL unit at an index is several.
func (a *Assembler) splitInside(at int, f Framing, err error) ([][]byte, Framing, error) {
	several := slices.Clone(a.nals[at:])
	a.nals = a.nals[:at]
	for _, n := range several {
		var whole bool
		if a.nals, whole = SplitInside(a.nals, n); !whole {
			err = errCrowded
		}
	}
	return a.usable(err, f)
}

// usable is the end of Split: it leaves out what is no NAL unit, or too large.
func (a *Assembler) usable(err error, f Framing) ([][]byte, Framing, error) {
	kept := a.nals[:0]
	for _, n := range a.nals {
		switch {
		case len(n) == 0:
		case len(n) > MaxSet && isSet(a.Codec, n):
			err = ErrSet
		default:
			kept = append(kept, n)
		}
	}
	clear(a.nals[len(kept):])
	a.nals = kept
	return a.nals, f, err
}

// split splits b as it is framed on the outside.
func (a *Assembler) split(b []byte) (f Framing, err error) {
	size := a.lengthSize
	if size == 0 {
		size = usualLength
	}
	annexB := BeginsAnnexB(b)
	if err = a.splitLength(b, size); err == nil && (!annexB || !a.lengthsMislead()) {
		a.inLengths = a.inLengths || !annexB
		return ByLength, nil
	}
	// A length from 256 to 511 looks like a start code of three bytes.
	if annexB && (!a.inLengths || b[2] == 0) {
		a.inStartCodes = a.inStartCodes || err != nil
		var crowded bool
		if a.nals, crowded = splitAnnexB(a.nals[:0], b); crowded {
			return ByStartCode, errCrowded
		}
		return ByStartCode, nil
	}
	if a.splitMixed(b, size) {
		return ByBoth, nil
	}
	if size != usualLength && !a.inLengths && a.splitLength(b, usualLength) == nil {
		a.lengthSize = usualLength
		return ByLength4, nil
	}
	return ByLength, a.splitLength(b, size)
}

// splitMixed splits NAL units after their lengths that others follow with start codes. It reports whether there are both.
func (a *Assembler) splitMixed(b []byte, size int) bool {
	_ = a.splitLength(b, size)
	for i, n := range a.nals {
		if b = b[size+len(n):]; BeginsAnnexB(b) && (b[2] == 0 || !a.inLengths && i == len(a.nals)-1) {
			a.nals = SplitAnnexB(a.nals[:i+1], b)
			return true
		}
	}
	return false
}

// lengthsMislead reports whether what began with a start code, and was split by lengths all the same, is an Annex B byte stream: by chance it can
// be read as both. One NAL unit in two is one that nobody sends.
func (a *Assembler) lengthsMislead() bool {
	return !a.inLengths && (a.inStartCodes || slices.ContainsFunc(a.nals, func(n []byte) bool { return len(n) > 0 && forbidden(n) }))
}

// splitLength is SplitLength into a.nals. Zeros that are less than a length are padding.
func (a *Assembler) splitLength(b []byte, size int) (err error) {
	a.nals, err = SplitLength(a.nals[:0], b, size)
	if err == nil {
		return nil
	}
	left := b
	for _, n := range a.nals {
		left = left[size+len(n):]
	}
	if len(left) < size && len(bytes.Trim(left, "\x00")) == 0 {
		return nil
	}
	return err
}

// Learn remembers the parameter sets of a configuration record in place of those known so far, or of an Annex B byte stream that some encoders
// send in its place. After an error, those known so far are still known.
func (a *Assembler) Learn(record []byte) (f Framing, err error) {
	if inNALs(a.Codec) && BeginsAnnexB(record) {
		_, _, err = a.UnitOf(SplitAnnexB(nil, record))
		return ByStartCode, err
	}
	before := a.lengthSize
	if err = a.Config(record); err != nil {
		a.lengthSize = before
		return ByLength, err
	}
	a.inLengths, a.inStartCodes = false, false
	return ByLength, nil
}

func inNALs(c frame.Codec) bool { return c == frame.H264 || c == frame.H265 }
