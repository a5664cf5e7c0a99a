package feed

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/bitstream"
	"github.com/livestill/livestill/internal/ingest"
)

// A Video makes access units of pictures that come one by one. It is ready when its Codec is set.
type Video struct {
	// Codec may change between two pictures. Then units go on with a key
	// unit.
	Codec frame.Codec

	assembler bitstream.Assembler
	begun     bool          // there was a key unit, of this codec
	lost      bool          // something before the next unit was no unit
	dated     bool          // there was a unit
	last      time.Duration // its DTS
	shift     time.Duration // what steps back of dts add up to
	clock     frame.Clock
	lacks     ingest.Lacks

	messages   int  // that have come while there was no key unit
	pictures   int  // that have come in them
	keyPicture bool // the last of them is one, without parameter sets
}

// Config takes the decoder's configuration record, as MP4, FLV and Matroska have it: avcC of H.264, hvcC of H.265, av1C of AV1; of MPEG-4 what
// its esds has of its own; vpcC of VP8 and VP9, which tells of their colours. That of MJPEG is not needed. From then on each NAL unit of H.264 and H.265
// is preceded by its length
// (AVCC); without, data is an Annex B byte stream, which must have its parameter sets inside. It may be called again.
func (v *Video) Config(record []byte) error {
	v.follow()
	if err := v.assembler.Config(record); err != nil {
		return fmt.Errorf("feed: %v: %w", v.Codec, err)
	}
	return nil
}

// Unit makes the access unit of data, which is all of one compressed picture; nothing of data is kept. ok is false if there is no picture in
// it, or if no key unit came yet. Where pictures are not reordered, dts is pts. Where dts goes back, as it does when a source begins anew, units go
// on from where they were.
//
// A key picture of H.264 or H.265 whose parameter sets have never come is a *frame.UnitError, which counts pictures. Other pictures before the
// first key unit are none: see Lacks.
//
// After an error the next unit is Lost, so that one may go on. Whoever knows that something did not arrive sets Lost of the next unit.
func (v *Video) Unit(pts, dts time.Duration, data []byte) (u frame.AccessUnit, ok bool, err error) {
	before := v.pictures
	u, ok, err = v.unit(pts, dts, data)
	if v.pictures > before && v.keyPicture && v.assembler.Lacks() != "" {
		err = fmt.Errorf("feed: %v: %w", v.Codec, &frame.UnitError{Unit: before, Reason: v.Lacks()})
	}
	return u, ok, err
}

// unit is Unit, but a key picture without parameter sets is no error.
func (v *Video) unit(pts, dts time.Duration, data []byte) (u frame.AccessUnit, ok bool, err error) {
	v.follow()
	if !v.assembler.HasLengths() && inNALs(v.Codec) && len(data) > 0 && !bytes.Contains(data, startCode) {
		err = errLengths
	} else {
		u.Data, u.Key, err = v.assembler.Unit(data)
	}
	switch {
	case err == nil:
	case v.assembler.HasLengths() && bytes.HasPrefix(bytes.TrimLeft(data, "\x00"), []byte{1}):
		err = fmt.Errorf("%w; it looks like an Annex B byte stream, and Config was called", err)
	}
	return v.made(u, err, pts, dts, time.Now())
}

// Lacks tells why no key unit came of the data up to now, that of the Codec of the last one; nothing if one did, or if there was none. It is for
// Stream.Lacks: any goroutine may call it.
func (v *Video) Lacks() string { return v.lacks.Text() }

// passedOver notes data that is no unit since there was no key unit; it is empty if it has no picture.
func (v *Video) passedOver(data []byte) {
	v.messages++
	if len(data) == 0 {
		if v.pictures == 0 {
			v.lacks.Set(fmt.Sprintf("%d messages have come, but no picture of %v in them", v.messages, v.Codec))
		}
		return
	}
	v.pictures++
	v.keyPicture = inNALs(v.Codec) && bitstream.HasKeyPicture(v.Codec, data)
	if sets := v.assembler.Lacks(); sets != "" {
		v.lacks.Set(fmt.Sprintf("%d pictures have come, but no %s, neither in Config nor in band", v.pictures, sets))
	} else {
		v.lacks.Set(fmt.Sprintf("%d pictures have come, but no key picture", v.pictures))
	}
}

// lacking is an error if no key unit has come.
func (v *Video) lacking() error {
	if v.dated {
		return nil
	}
	return errors.New(cmp.Or(v.Lacks(), nothingCame))
}

const nothingCame = "there is no picture in it"

var (
	startCode  = []byte{0, 0, 1}
	errLengths = errors.New("there is no start code in the data; if each NAL unit is preceded by its length (AVCC), Config has to be called first")
)

// inNALs reports whether a codec has NAL units.
func inNALs(c frame.Codec) bool { return c == frame.H264 || c == frame.H265 }

// made completes a unit of which Data and Key are known, unless there was an error.
func (v *Video) made(u frame.AccessUnit, err error, pts, dts time.Duration, arrival time.Time) (_ frame.AccessUnit, ok bool, _ error) {
	if err != nil {
		v.lost = true
		v.assembler.Lost()
		return frame.AccessUnit{}, false, fmt.Errorf("feed: %v: %w", v.Codec, err)
	}
	if !v.begun {
		if !u.Key {
			v.passedOver(u.Data)
			return frame.AccessUnit{}, false, nil
		}
		v.lacks.Set("")
	}
	if len(u.Data) == 0 {
		return frame.AccessUnit{}, false, nil
	}
	if v.dated {
		v.shift = max(v.shift, v.last-dts)
	}
	v.dated, v.last = true, dts+v.shift
	u.Codec, u.PTS, u.DTS = v.Codec, pts+v.shift, v.last
	u.Colours = v.assembler.Colours()
	u.Lost = v.lost && !u.Key
	v.begun, v.lost = true, false
	v.clock.Stamp(&u, arrival)
	return u, true, nil
}

// follow goes on with another codec, if it has changed.
func (v *Video) follow() {
	if v.assembler.Codec != v.Codec {
		v.assembler = bitstream.Assembler{Codec: v.Codec}
		v.begun, v.messages, v.pictures = false, 0, 0
		v.lacks.Set("")
	}
}
