package unpack

import (
	"bytes"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"

	"github.com/livestill/livestill/internal/bitstream"
)

// An order tells when units of H.264 are decoded by the order of their pictures in the bitstream, as long as no unit is missing and
// the extractor can tell. The zero order is ready for a stream.
type order struct {
	sps       []byte // the newest
	extractor h264.DTSExtractor
	unbroken  bool // the extractor has seen every unit since an IDR picture
	failed    bool // this stream is not for the extractor
	nals      [][]byte
}

// note takes note of a sequence parameter set; other NAL units it passes over. The extractor must not see one with fields of a length
// that cannot be: it would read past the end of a slice. Of interlaced pictures it knows no order.
func (o *order) note(n []byte) {
	if !bitstream.IsSPS(n) || bytes.Equal(n, o.sps) {
		return
	}
	sps, ok := bitstream.ParseH264SPS(n)
	o.sps, o.unbroken, o.failed = nil, false, !ok || !sps.FrameMbsOnlyFlag
	if len(n) <= bitstream.MaxSet {
		o.sps = bytes.Clone(n)
	}
}

// decoded returns the decoding time of the unit that consists of nals, if it can.
func (o *order) decoded(nals [][]byte, shown int64, idr, lost bool) (dts int64, ok bool) {
	o.unbroken = o.unbroken && !lost
	if o.failed || !o.unbroken && (!idr || lost) {
		return 0, false
	}
	o.nals = o.nals[:0]
	begins := !o.unbroken
	if begins {
		o.extractor = h264.DTSExtractor{}
		o.extractor.Initialize()
		o.nals = append(o.nals, o.sps)
	}
	for _, n := range nals {
		if !bitstream.IsSPS(n) { // the extractor keeps those, and o.sps is its own memory
			o.nals = append(o.nals, n)
		}
	}
	dts, err := o.extractor.Extract(o.nals, shown)
	o.failed = err != nil
	o.unbroken = err == nil && shown-dts <= maxDisorder // more is a jump ahead, which the extractor spreads over several units
	return dts, o.unbroken && !begins                   // it begins at the presentation time, as if nothing were reordered
}
