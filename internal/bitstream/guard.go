package bitstream

import (
	"bytes"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
)

// A GuardRow lies below each picture of a GOP of H.264: one row of macroblocks more, which is a slice of our own. It makes FFmpeg find damage.
//
// After damage the entropy decoder reads nonsense, which most often is valid. In a slice that others follow FFmpeg finds that it
// does not end where the next begins, but at the last macroblock of a picture it stops without asking whether the slice ends there.
// With the guard row it goes on, into a row that has a slice.
//
// Pictures refer to lines below the one before, which are its last line again and again. So the guard row must look like that by the time it
// is referred to: whoever decodes sees to that. There too the decoder's own reading of the parameter sets is to be compared with Frame before
// each picture; where they differ, decoding goes on without a guard row.
//
// Numbers of sections are those of ITU-T H.264. Interlaced pictures, and formats that no live stream has, go without.
type GuardRow struct {
	Frame GuardedFrame // what a decoder makes of pictures with the row

	old, new []byte // the sequence parameter set as it is, and with a row more
	sps      *spsH264
	codings  map[uint32]coding // by pic_parameter_set_id
	pps      *coding           // what the decoder knows guardPPS to be; nil if it does not know it
}

// A GuardedFrame is a picture with a guard row.
type GuardedFrame struct {
	Width, Height           int // as it is coded, with the row
	ShownWidth, ShownHeight int // what is left of that when it is cropped
	ChromaFormat            int // chroma_format_idc: 4:2:0 or 4:2:2
	BitDepth                int // of a sample
}

// Pixels returns how many the guard row has.
func (f *GuardedFrame) Pixels() int { return f.Width * mbSize }

// A coding is what FFmpeg wants to be the same in all slices of a picture.
type coding struct {
	cabac        bool // entropy_coding_mode_flag
	transform8x8 bool // transform_8x8_mode_flag
}

// NewGuardRow returns the guard row for a GOP that begins with a unit of H.264; nil if it must do without.
func NewGuardRow(first *Headers) *GuardRow {
	g := &GuardRow{sps: first.sps, codings: map[uint32]coding{}}
	for _, n := range first.NALs {
		if IsSPS(n) && !forbidden(n) {
			g.old = bytes.Clone(n)
			break
		}
	}
	// If all sets are the same, the newest is the first.
	if g.old == nil || g.sps == nil || !g.sps.agreed || !g.Fits(first) || len(g.codings) == 0 {
		return nil
	}
	if g.new = addRow(g.old, g.sps); g.new == nil {
		return nil
	}
	g.Frame = GuardedFrame{
		Width: mbSize * int(g.sps.PicWidthInMbsMinus1+1), Height: mbSize * int(g.sps.PicHeightInMapUnitsMinus1+2),
		ShownWidth: g.sps.Width(), ShownHeight: g.sps.Height(),
		ChromaFormat: int(g.sps.ChromaFormatIdc), BitDepth: 8 + int(g.sps.BitDepthLumaMinus8),
	}
	return g
}

// Fits reports whether a unit of the GOP can have the guard row, as far as its parameter sets tell, and takes note of them.
func (g *GuardRow) Fits(h *Headers) bool {
	for _, n := range h.NALs {
		if forbidden(n) {
			continue
		}
		switch typeH264(n) {
		case h264.NALUTypeSPS:
			if !bytes.Equal(g.old, n) {
				return false
			}
		case h264.NALUTypePPS:
			id, c, ok := readCoding(n)
			if !ok {
				return false
			}
			g.codings[id] = c
		case h264.NALUTypeDataPartitionA:
			return false
		default:
		}
	}
	return true
}

// AppendUnit appends to b a unit that fits, with the guard row, as an Annex B byte stream.
func (g *GuardRow) AppendUnit(b []byte, h *Headers) []byte {
	c, coded := coding{}, false // how the unit's picture is
	if h.slice != nil && h.slice.whole {
		c, coded = g.codings[h.slice.ppsID]
	}
	sliced := false
	for _, n := range h.NALs {
		switch {
		case forbidden(n):
		case IsSPS(n):
			b = AppendAnnexB(b, g.new)
			g.pps = nil // the decoder may forget what refers to a set that comes anew
			continue
		case coded && !sliced && typeH264(n) == h.slice.kind:
			sliced = true
			if g.pps == nil || *g.pps != c {
				b = AppendAnnexB(b, writeGuardPPS(g.sps, c))
				g.pps = &c
			}
		}
		b = AppendAnnexB(b, n)
	}
	if sliced {
		b = AppendAnnexB(b, writeGuardSlice(g.sps, h.slice, c))
	}
	return b
}
