package bitstream

import (
	"slices"

	"github.com/livestill/livestill/frame"
)

// Headers are what the headers of an access unit say, read once for all that decoding asks of them.
type Headers struct {
	Codec   frame.Codec
	NALs    [][]byte // of H.264 and H.265: parts of the unit's data, unless Changed
	Changed bool     // they are not those of the unit: some are left out, or others
	Crowded bool     // it has more NAL units, OBUs or pictures than a unit may have, or OBUs that cannot be told apart

	Slices      int // of H.264 and H.265
	Sets        int // parameter sets, of H.264 and H.265
	Pictures    int // that begin in it, of H.264, H.265 and AV1
	SEI         int // bytes of supplemental enhancement information, of H.264 and H.265
	Macroblocks int // of a picture of H.264 or H.265, as 16 by 16 samples; zero if unknown
	Scans       int // of MJPEG

	Size      Size   // as the unit's sequence headers have it, the largest of several; unknown without one
	Sequences []Size // of AV1: of each sequence header
	Declared  int64  // pixels of the largest picture that a sequence parameter set of H.265 tells of, be the rest of it as it may

	Status

	sps   *spsH264         // the newest, of H.264
	slice *sliceHeaderH264 // the first one, of H.264; nil without one
}

// A Status is what the headers of an access unit, and of those before it, tell of its picture. Of other codecs than H.264 and H.265 only
// Hidden is told.
type Status struct {
	MissingReference bool // a picture that others refer to is missing before it, or it was there before
	NonReference     bool // no other unit refers to it, so its damage is its own
	Droppable        bool // the same, and it is a whole frame, so a decoder can do without it
	SecondField      bool // it is the second field of the picture that the unit before is the first of
	NoIDR            bool // decoding began without an IDR picture
	BeforeRecovery   bool // so it lies before the point at which a recovery point promises clean pictures
	Malformed        bool // it has bytes that no encoder writes
	Hidden           bool // it may rightly have no picture of its own

	PicStruct PicStruct // of H.265

	Orientation Orientation // of its picture, as far as messages of H.264 and H.265 tell
}

// A Tracker follows the headers of a GOP's access units in decoding order. The zero Tracker is ready for a GOP. What it remembers has a bound,
// whatever the units say.
//
// Decoders fill gaps with copies of the picture before and say nothing. So missing pictures are found here, and so are pictures that come
// again, as where a stream goes on with units of another one from an earlier place: see trackerH264 and trackerH265. What cannot be read
// counts as in order; the decoder will have more to say about it.
type Tracker struct {
	h264         trackerH264
	h265         trackerH265
	orientations orientations
	headers      Headers
}

// Next reads the headers of the next unit. They are valid until the next call.
func (t *Tracker) Next(u *frame.AccessUnit) *Headers {
	h := &t.headers
	*h = Headers{Codec: u.Codec, NALs: h.NALs[:0], Sequences: h.Sequences[:0]}
	switch u.Codec {
	case frame.H264, frame.H265:
		t.nals(h, u.Data)
		h.Orientation, _ = t.orientations.next(u.Codec, h.NALs, u.PTS)
		h.Size.Turned = h.Orientation != Orientation{}
	case frame.AV1:
		readAV1(h, u.Data)
	case frame.VP8:
		h.Size, h.Hidden = sizeVP8(u.Data), hiddenVP8(u.Data)
	case frame.VP9:
		h.Size, h.Hidden = sizeVP9(u.Data), hiddenVP9(u.Data)
	case frame.MJPEG:
		h.Size, h.Scans = sizeMJPEG(u.Data), scansMJPEG(u.Data)
	case frame.MPEG4:
		h.Hidden = len(u.Data) > 0 // a VOP that is not coded (ISO/IEC 14496-2 section 6.2.5) repeats the picture before it
		if u.Key {
			h.Size = sizeMPEG4(u.Data)
		}
	}
	h.Size = h.Size.valid()
	return h
}

// nals reads a unit of H.264 or H.265.
func (t *Tracker) nals(h *Headers, data []byte) {
	h.NALs, h.Crowded = splitAnnexB(h.NALs, data)
	for _, n := range h.NALs {
		switch {
		case IsSlice(h.Codec, n):
			h.Slices++
			if startsPicture(h.Codec, n) {
				h.Pictures++
			}
		case isSet(h.Codec, n):
			h.Sets++
		case isSEI(h.Codec, n):
			h.SEI += len(n)
		}
	}
	if h.Codec == frame.H264 {
		t.h264.next(h)
	} else {
		t.h265.next(h)
	}
	h.Malformed = slices.ContainsFunc(h.NALs, malformed)
}

// DropSEI leaves out all supplemental enhancement information of a unit of H.264 or H.265.
func (h *Headers) DropSEI() {
	h.Changed = true
	h.NALs = slices.DeleteFunc(h.NALs, func(n []byte) bool { return isSEI(h.Codec, n) })
}

// macroblocks returns how many macroblocks a picture has; zero if its size is none.
func macroblocks(width, height int) int {
	if width <= 0 || height <= 0 || width > maxSide || height > maxSide {
		return 0
	}
	return ((width + mbSize - 1) / mbSize) * ((height + mbSize - 1) / mbSize)
}
