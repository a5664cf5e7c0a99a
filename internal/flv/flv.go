// Package flv reads FLV video tags, which are also the bodies of RTMP video messages: those of Adobe's specification, those with
// H.265 under codec id 12, and those of enhanced RTMP, versions 1 and 2.
package flv

import (
	"errors"
	"fmt"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/bitstream"
)

// ErrCodec says that a tag's video is of a codec that is not supported.
var ErrCodec = errors.New("unsupported video codec")

// Ends reports whether an error of Video.Take is the end of its stream: of an ErrCodec, or of a bound that parameter sets exceed.
func Ends(err error) bool { return errors.Is(err, ErrCodec) || errors.Is(err, bitstream.ErrSets) }

// Video turns the bodies of video tags into access units. It remembers the sequence header of the track it takes, and of a codec
// only while the stream is in it. The zero value is ready for a stream.
//
// Whether a unit is a key unit is read from its bitstream: the frame types of tags, which some encoders get wrong, count for
// nothing. H.264 and H.265 are told by their parameter sets, whatever the tags call them. Parameter sets in band do if there is no sequence
// header.
//
// A tag that is malformed costs no more than itself: what can be read of it is used. The unit that lacks something is Lost; if there is none of
// the tag, the next unit is, unless it is a key unit. Pictures that come in several tags are joined: see joining.
type Video struct {
	// Track is the id of the track that is taken if the publisher sends several; zero is its default one, which bodies that
	// name no track are of too. The others are passed over.
	Track uint8

	// FirstWaits has the first picture wait for the tag behind it, which may be the rest of it.
	FirstWaits bool

	// MaxJoined bounds the bytes of a picture that comes in several tags;
	// zero means 8 MiB.
	MaxJoined int

	sequence bitstream.Assembler // its codec is zero before the first
	called   frame.Codec         // what tags call the codec of sequence
	habits   habits
	shown    bitstream.Orientation // as Orient has it
	colours  frame.Colours         // as Colour has them
	changed  bool                  // the codec has changed, and no key unit came since
	joining  joining

	ready  []dated
	begun  bool          // there was a key unit
	unread error         // why the last sequence header cannot be read; nil if it can
	tags   int           // with pictures, until there was one
	lost   bool          // something before the next unit was left out
	torn   bool          // the same before the last key unit, which pictures that are shown before it may refer to
	keyPTS time.Duration // of the last key unit
	failed error         // ends the stream
}

// A dated is a unit that is complete.
type dated struct {
	frame.AccessUnit
	arrival time.Time
}

// Take takes in the body of a video tag with the given timestamp, which came at arrival, and keeps nothing of it. What is complete with it is had
// from Next, as long as it is Ready, before the next Take. Bodies without a picture are passed over: the end of a sequence, a command, metadata,
// what future versions of enhanced RTMP define, another track. Nothing comes of pictures before there are parameter sets. When the codec
// changes, units begin anew with a key unit.
//
// An error that Ends the stream is its end; an ErrCodec is none after a key unit, of which the stream goes on. A HabitError is told once. Others
// say what is wrong with this tag alone.
func (v *Video) Take(timestamp time.Duration, arrival time.Time, body []byte) error {
	t, ok, err := parse(body, v.Track)
	switch {
	case err != nil:
		v.miss(timestamp)
	case !ok:
	case t.begins:
		err = v.begin(t)
	default:
		if !v.begun {
			v.tags++
		}
		err = v.picture(t, timestamp, arrival)
	}
	if v.failed != nil {
		return v.failed
	}
	if v.begun && errors.Is(err, ErrCodec) {
		return errors.New(err.Error()) // which does not end the stream
	}
	return err
}

// Ready reports whether there is a unit that is complete.
func (v *Video) Ready() bool { return len(v.ready) > 0 }

// Next returns the next unit that is complete, and when it came. Its Data is its own copy. DTS is the timestamp of its tag. There must be one.
func (v *Video) Next() (u frame.AccessUnit, arrival time.Time) {
	u, arrival = v.ready[0].AccessUnit, v.ready[0].arrival
	last := len(v.ready) - 1
	copy(v.ready, v.ready[1:])
	v.ready[last].Data = nil // which is the caller's
	v.ready = v.ready[:last]
	return u, arrival
}

// Orient says how pictures of H.264 and H.265 are to be shown from now on, by what comes beside them. Messages in the stream count more.
func (v *Video) Orient(o bitstream.Orientation) {
	v.shown = o
	v.sequence.Orient(o)
}

// Colour says what colours pictures have from now on, by what comes beside them. It counts more than sequence headers, and less than the stream.
func (v *Video) Colour(c frame.Colours) {
	v.colours = c
	v.sequence.Colour(c)
}

// begin takes in a sequence header. One of another codec that cannot be read changes nothing.
func (v *Video) begin(t tag) error {
	v.Flush()
	v.joining.previous = v.joining.previous[:0]
	codec := t.codec
	if inNALs(codec) {
		if found := bitstream.CodecOfRecord(t.data); found != 0 {
			codec = found
		}
	}
	if codec != v.sequence.Codec {
		other := bitstream.Assembler{Codec: codec}
		if _, err := other.Learn(t.data); err != nil && v.sequence.Codec != 0 {
			return fmt.Errorf("%v: %w", codec, err)
		}
		v.change(codec)
	}
	v.called = t.codec
	framing, err := v.sequence.Learn(t.data)
	if v.unread = err; err != nil {
		return v.wrong(err)
	}
	return v.habits.remark(v.called, codec, framing)
}

// wrong says of which codec a tag is that something is wrong with.
func (v *Video) wrong(err error) error {
	err = fmt.Errorf("%v: %w", v.sequence.Codec, err)
	if Ends(err) {
		v.failed = err
	}
	return err
}

// picture takes in a picture, or a part of one.
func (v *Video) picture(t tag, timestamp time.Duration, arrival time.Time) error {
	if inNALs(t.codec) {
		return v.pieces(t, timestamp, arrival)
	}
	if t.codec != v.sequence.Codec {
		v.Flush()
		v.change(t.codec)
	}
	data, key, err := v.sequence.Unit(t.data)
	if err != nil {
		v.miss(timestamp)
		return v.wrong(err)
	}
	v.made(data, key, false, dated{frame.AccessUnit{PTS: timestamp + t.offset, DTS: timestamp}, arrival})
	return nil
}

// made completes a unit of which the times are known, and the data are made.
func (v *Video) made(data []byte, key, damaged bool, u dated) {
	if len(data) == 0 || v.changed && !key || !v.begun && (damaged || !key && v.sequence.Lacks() != "") {
		v.lost = v.lost || damaged
		return // the stream does not begin with that
	}
	u.Codec, u.Key, u.Lost, u.Data = v.sequence.Codec, key, damaged || v.lost && !key, data
	u.Colours = v.sequence.Colours()
	switch {
	case key:
		v.torn, v.keyPTS = v.lost, u.PTS
	case v.torn && u.PTS < v.keyPTS:
		u.Lost = true
	}
	v.begun, v.changed, v.lost = v.begun || key, false, false
	v.ready = append(v.ready, u)
}

// miss notes that a tag with the given timestamp is left out.
func (v *Video) miss(timestamp time.Duration) {
	if v.joining.goesOnAt(timestamp) {
		v.joining.damaged = true
	} else {
		v.Flush()
	}
	v.leaveOut()
}

// Miss notes that a tag is missing that Take was not given.
func (v *Video) Miss() { v.miss(v.joining.last) }

// change forgets the sequence of another codec.
func (v *Video) change(c frame.Codec) {
	v.changed = v.sequence.Codec != 0
	v.sequence, v.called, v.habits = bitstream.Assembler{Codec: c}, c, habits{}
	v.sequence.Orient(v.shown)
	v.sequence.Colour(v.colours)
	v.joining.forget()
}

// Lacks tells why no key unit came of the tags with pictures up to now; nothing if one did, or if there were none.
func (v *Video) Lacks() string {
	switch sets := v.sequence.Lacks(); {
	case v.begun || v.tags == 0:
		return ""
	case sets != "" && v.unread != nil:
		return fmt.Sprintf("%d messages with pictures have come, but no %s: of the sequence header, %v", v.tags, sets, v.unread)
	case sets != "":
		return fmt.Sprintf("%d messages with pictures have come, but no %s, neither in a sequence header nor in band", v.tags, sets)
	case inNALs(v.sequence.Codec) && !v.joining.any:
		return fmt.Sprintf("%d messages have come that should have pictures, but no slice of %v in them", v.tags, v.sequence.Codec)
	default:
		return fmt.Sprintf("%d messages with pictures have come, but no whole key picture", v.tags)
	}
}

func inNALs(c frame.Codec) bool { return c == frame.H264 || c == frame.H265 }
