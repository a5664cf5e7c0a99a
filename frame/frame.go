// Package frame has what every part of Livestill speaks: compressed access units and the groups they decode in, the live
// streams they come from, the recent past of a stream, and decoded pictures.
package frame

import (
	"context"
	"fmt"
	"image"
	"slices"
	"time"
)

// A Codec names how an access unit is compressed. The zero Codec is none.
type Codec uint8

// The codecs that streams may be in; which of them a package takes is its own to say.
const (
	H264 Codec = iota + 1 // ITU-T H.264, MPEG-4 AVC
	H265                  // ITU-T H.265, HEVC
	AV1
	VP8
	VP9
	MJPEG
	MPEG4 // MPEG-4 part 2
)

var codecNames = [...]string{"none", "H.264", "H.265", "AV1", "VP8", "VP9", "MJPEG", "MPEG-4"}

func (c Codec) String() string {
	if int(c) < len(codecNames) {
		return codecNames[c]
	}
	return fmt.Sprintf("Codec(%d)", uint8(c))
}

// MarshalText writes what String does.
func (c Codec) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads the names that String has for codecs.
func (c *Codec) UnmarshalText(text []byte) error {
	i := slices.Index(codecNames[:], string(text))
	if i < 0 {
		return fmt.Errorf("frame: %.100q is no codec", text)
	}
	*c = Codec(i)
	return nil
}

// An AccessUnit is one compressed picture as it came from the publisher.
//
// Data is contiguous and immutable: whoever has a unit may share it and keep it, nobody may write to it. It is made so that a
// GOP decodes on its own, with no data from elsewhere:
//   - H.264, H.265: Annex B byte stream; a key unit begins with its parameter sets, and has
//     the display orientation message that applies to it, if there is one
//   - AV1: a temporal unit in the low-overhead format; a key unit carries its sequence header
//   - VP8, VP9: the frame; MJPEG: the file; MPEG-4: a key unit begins with its visual object sequence
type AccessUnit struct {
	Codec Codec

	// Decoding can begin with a key unit, with nothing that came before.
	// After most key units no picture refers to what came before them.
	// After one that begins an open GOP or an intra refresh some do: those
	// that are shown before it, or that come before all is refreshed. They
	// are clean only if the GOP before is decoded too.
	Key bool

	// Lost says that a part of this unit did not arrive or, unless it is a
	// key unit, a part of what came just before it.
	Lost bool

	// SourceTime says that Time is by the source's own clock, as RTSP can
	// tell it; else Time is by when units arrived. Sources' clocks are
	// often wrong: Offset is how far Time is ahead of this machine's clock,
	// as far as arrival can tell.
	SourceTime bool
	backlog    uint32 // in milliseconds; from standsFor on, for how many units it stands
	Offset     time.Duration

	// Colours are what carries the stream says of the picture's colours;
	// nil if that is nothing. What the stream itself says counts more. It
	// is immutable, as Data.
	Colours *Colours

	PTS  time.Duration // presentation time, by the publisher's zero
	DTS  time.Duration // decoding time by the same zero; never decreases
	Time time.Time     // PTS on the wall clock: when the picture was shown
	Data []byte
}

// Shown returns when the picture was shown by this machine's clock, which is when it arrived at the latest, as a Clock has it. It differs from
// Time if that is by the source's clock.
func (u *AccessUnit) Shown() time.Time { return u.Time.Add(-u.Offset) }

// Backlog returns how much longer ago than it was shown the picture was made, as far as timestamps tell a Clock: by how much they have fallen
// behind this machine's clock, as where a publisher delivers less than it makes. Zero says that it is not known to be behind.
func (u *AccessUnit) Backlog() time.Duration {
	if u.backlog >= standsFor {
		return 0
	}
	return time.Duration(u.backlog) * time.Millisecond
}

// Age returns how old the picture is at an instant by this machine's clock: for how long it has been shown, and its Backlog.
func (u *AccessUnit) Age(at time.Time) time.Duration { return at.Sub(u.Shown()) + u.Backlog() }

// A GOP is a run of access units in decoding order. Its first is a key unit, so a GOP decodes on its own, unless it is too much for a History: see
// Forgotten.
type GOP []AccessUnit

// Forgotten returns how many units after the key unit a History has forgotten, since they were too much. If there are any, g[1] and g[2] stand for
// them, without Data: the one that was shown first, and the last in decoding order, which may be the same. Behind these come the units that
// followed. They are of use to a decoder alone that was given all that are forgotten.
func (g GOP) Forgotten() int {
	if len(g) < 2 || g[1].backlog < standsFor {
		return 0
	}
	return int(g[1].backlog - standsFor)
}

// Size returns the bytes of compressed data in the GOP.
func (g GOP) Size() int {
	n := 0
	for i := range g {
		n += len(g[i].Data)
	}
	return n
}

// A Picture is one decoded picture: 8-bit full-range BT.601 YCbCr, which is what JPEG and package image mean by YCbCr, whatever
// the stream was coded in, with the primaries and the transfer function of BT.709. That is what screens show as sRGB, and image files of
// ffmpeg.JPEG and its like say they are. A Picture is an image.Image, for other packages to encode. Its memory is Go's and belongs to whoever
// has the Picture; the pictures of a Burst are shared and must not be written to.
type Picture struct {
	*image.YCbCr
	PTS  time.Duration // of the access unit it was decoded from
	Time time.Time     // when it was shown, from the same unit
	Key  bool          // decoded from a key unit

	// Corrupt says that decoding saw errors in it, or in a picture that it
	// may refer to.
	Corrupt bool

	Signal  Signal  // what it was in the stream
	Changes Changes // what was done to it since

	// QP is the mean quantiser of its blocks, in the codec's own scale;
	// zero if the decoder does not tell.
	QP float32

	// Frozen is for how long the very same pixels had been on show before,
	// as far back as the GOP that it was decoded from.
	Frozen time.Duration

	// EffectiveQP is the quantiser that what it shows was coded with, on
	// average, in the scale of H.264; zero if unknown. That of a picture
	// which copies most of its blocks is nearly that of what it copies them
	// from: it tells how well coded a picture is beside its neighbours,
	// where QP tells how well coded what is new in it is.
	EffectiveQP float32
}

// Clone returns a copy of the picture that shares no pixels with it.
func (p *Picture) Clone() *Picture {
	c, img := *p, *p.YCbCr
	img.Y = append([]byte(nil), p.Y...)
	img.Cb = append([]byte(nil), p.Cb...)
	img.Cr = append([]byte(nil), p.Cr...)
	c.YCbCr = &img
	return &c
}

// A Latent is a picture as it comes out of a decoder, before anybody has asked for its pixels.
type Latent struct {
	Unit        int           // of its access unit: the first is 0
	PTS         time.Duration // as in Picture
	Corrupt     bool          // as in Picture
	EffectiveQP float32       // as in Picture

	// Hidden says that the unit rightly has no picture: it is there for
	// others to refer to, or repeats the picture before it, or is that
	// one's second field and shows the same instant. What was on show
	// stays. There is nothing to develop.
	Hidden bool

	// Develop makes the Picture. It can be called until the next Latent is
	// asked for.
	Develop func() (*Picture, error)

	// Second is Develop of what a picture of two fields shows half a
	// picture later: its second field. It is nil of other pictures, and
	// where that field has a unit of its own, which has a Latent then.
	Second func() (*Picture, error)
}

// A Place is the right to keep a processor busy, as decoding does. There are few, so that streams come in meanwhile. One goroutine at a
// time may use it.
type Place interface {
	// Yield lets in those who have used less time, if any wait, and returns
	// when the place is had again. If ctx ends before that, the place is
	// lost, and the error is the cause.
	Yield(ctx context.Context) error

	// Release gives the place back. It does nothing if the place is lost or
	// given back already.
	Release()
}

// Failing is in whose name all streams ask for a Place whose last decoding has
// made no undamaged picture. They count as one stream, which comes after
// others: so nobody takes the processor from those by sending what cannot be
// decoded. No stream of a server's has this name.
const Failing = "\x00"

// A Burst is a picture together with its neighbours in time, in presentation order, for enhancers that merge them.
// The pictures are shared with other captures: read them, never write to them.
type Burst struct {
	Pictures []*Picture
	Target   int // index of the picture that was asked for
}

// Picture returns the picture that was asked for.
func (b *Burst) Picture() *Picture { return b.Pictures[b.Target] }
