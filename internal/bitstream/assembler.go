package bitstream

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/livestill/livestill/frame"
)

// An Assembler makes the data of access units of a codec out of what containers and encoders hand out, one picture at a time. It is ready for
// a new stream when its Codec is set.
type Assembler struct {
	Codec frame.Codec

	h264         H264
	h265         H265
	av1          AV1
	mpeg4        MPEG4
	lengthSize   int      // of NAL units' lengths; zero where there are start codes
	inLengths    bool     // there was a unit that can only be split by lengths, since the record
	inStartCodes bool     // the same of start codes
	nals         [][]byte // scratch

	record, outside frame.Colours  // as the configuration record has them, and what carries the stream
	colours         *frame.Colours // of both; nil if they say nothing
}

// Config reads the configuration record of the codec: avcC, hvcC, av1C, vpcC, the configuration of MPEG-4. From then on each NAL unit of H.264 and
// H.265 comes after its length. That of MJPEG says nothing that is needed.
func (a *Assembler) Config(record []byte) (err error) {
	switch a.Codec {
	case frame.H264:
		a.lengthSize, err = a.h264.Config(record)
	case frame.H265:
		a.lengthSize, err = a.h265.Config(record)
	case frame.AV1:
		err = a.av1.Config(record)
	case frame.VP8, frame.VP9:
		a.record = readVPRecord(record)
		a.tint()
	case frame.MPEG4:
		if err = beginsMPEG4(record); err == nil {
			err = a.mpeg4.Config(record)
		}
	default:
	}
	return err
}

// HasLengths reports whether each NAL unit comes after its length.
func (a *Assembler) HasLengths() bool { return a.lengthSize > 0 }

// Lost says that something before the next unit, or of it, did not arrive.
func (a *Assembler) Lost() { a.h264.Lost() }

// Orient says how pictures of H.264 and H.265 are to be shown, as what carries the stream says. Units from the next one on have a message of it.
func (a *Assembler) Orient(o Orientation) { a.h264.Orientation, a.h265.Orientation = o, o }

// Colour says what carries the stream says of its colours, from the next unit on. It counts more than a configuration record.
func (a *Assembler) Colour(c frame.Colours) {
	if c != a.outside {
		a.outside = c
		a.tint()
	}
}

// tint makes the Colours of the units to come. Those of units that there are stay as they are.
func (a *Assembler) tint() {
	a.colours = nil
	if c := a.outside.Or(a.record); c != (frame.Colours{}) {
		a.colours = &c
	}
}

// Colours returns what units are to have as AccessUnit.Colours.
func (a *Assembler) Colours() *frame.Colours { return a.colours }

// Unit returns the data of the access unit that b is, and whether it is a key unit. The data is a copy of its own. It is empty if there is no
// picture in b.
func (a *Assembler) Unit(b []byte) (data []byte, key bool, err error) {
	if len(b) == 0 {
		return nil, false, nil
	}
	switch a.Codec {
	case frame.H264, frame.H265:
		return a.unitOfNALs(b)
	case frame.AV1:
		return a.av1.Unit(b)
	case frame.VP8:
		key, err = VP8Key(b)
	case frame.VP9:
		key, err = VP9Key(b)
	case frame.MJPEG:
		if key = bytes.HasPrefix(b, []byte{0xff, MarkerSOI}); !key {
			err = fmt.Errorf("it begins with %x, which no JPEG file does", b[:min(len(b), 2)])
		}
	case frame.MPEG4:
		if err = beginsMPEG4(b); err == nil {
			return a.mpeg4.Unit(b)
		}
	default:
		return nil, false, fmt.Errorf("no units can be made of codec %v", a.Codec)
	}
	if err != nil {
		return nil, false, err
	}
	return bytes.Clone(b), key, nil
}

func beginsMPEG4(b []byte) error {
	if !bytes.HasPrefix(b, startCode) {
		return fmt.Errorf("it begins with %x, which is no start code", b[:min(len(b), len(startCode))])
	}
	return nil
}

func (a *Assembler) unitOfNALs(b []byte) (data []byte, key bool, err error) {
	if a.lengthSize > 0 {
		a.nals, err = SplitLength(a.nals[:0], b, a.lengthSize)
	} else {
		a.nals = SplitAnnexB(a.nals[:0], b)
	}
	defer clear(a.nals) // keep no reference to the caller's buffer
	if err != nil {
		return nil, false, err
	}
	return a.UnitOf(a.nals)
}

// UnitOf is Unit of what consists of these NAL units.
func (a *Assembler) UnitOf(nals [][]byte) (data []byte, key bool, err error) {
	if a.Codec == frame.H265 {
		return a.h265.Unit(nals)
	}
	return a.h264.Unit(nals)
}

// Note remembers the parameter sets among NAL units that UnitOf is not given yet.
func (a *Assembler) Note(nals [][]byte) error {
	sets, classify := &a.h264.sets, classifier(classifyH264)
	if a.Codec == frame.H265 {
		sets, classify = &a.h265.sets, classifyH265
	}
	_, err := sets.contents(classify, nals)
	return err
}

// Lacks names the parameter sets that no key unit can do without and that are not known; empty if there are none.
func (a *Assembler) Lacks() string {
	switch a.Codec {
	case frame.H264:
		return a.h264.Lacks()
	case frame.H265:
		return a.h265.Lacks()
	default:
		return ""
	}
}

// Begins reports whether the NAL units of what an encoder sent at once, slices among them, begin a picture, or a field: see BeginsPicture.
// previous is the slice that came before them. What is not certain may be known better by timestamps.
func (a *Assembler) Begins(previous []byte, nals [][]byte) (begins, certain bool) {
	first := slices.IndexFunc(nals, func(n []byte) bool { return IsSlice(a.Codec, n) })
	if a.Codec == frame.H265 {
		begins = a.h265.BeginsPicture(previous, nals[first])
		return begins, begins
	}
	begins, certain = a.h264.beginsPicture(previous, nals[first])
	if !certain && !begins {
		begins = first > 0 && Opens(a.Codec, nals[0])
	}
	return begins, certain
}
