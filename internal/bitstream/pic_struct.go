package bitstream

import (
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"

	"github.com/livestill/livestill/internal/bitstream/bitio"
)

// A PicStruct is pic_struct of H.265 (ITU-T H.265 table D.2), which says whether a picture is a frame or a field, and which fields belong together.
// The zero PicStruct is a frame, or a picture of which nothing is said.
type PicStruct uint8

// The values that matter here. The others are frames, some of which are shown for longer.
const (
	fieldTop PicStruct = iota + 1
	fieldBottom
	frameTopFirst // a frame of two fields, the top one first
	frameBottomFirst
)

const (
	topAfter PicStruct = iota + 9 // a field that belongs to the one shown before it
	bottomAfter
	topBefore // a field that belongs to the one shown after it
	bottomBefore
)

// Field reports whether the picture is a field.
func (p PicStruct) Field() bool {
	return p == fieldTop || p == fieldBottom || p >= topAfter && p <= bottomBefore
}

// Bottom reports whether it is a bottom field, with the second line of a frame, or a frame that begins with one.
func (p PicStruct) Bottom() bool {
	return p == fieldBottom || p == bottomAfter || p == bottomBefore || p == frameBottomFirst
}

// Interlaced reports whether it is a frame of two fields.
func (p PicStruct) Interlaced() bool { return p == frameTopFirst || p == frameBottomFirst }

// After reports whether the picture is a field that says it is the second of its frame.
func (p PicStruct) After() bool { return p == topAfter || p == bottomAfter }

// Before reports whether it is one that says it is the first.
func (p PicStruct) Before() bool { return p == topBefore || p == bottomBefore }

// readPicStruct returns what the picture timing message of a unit of H.265 says; sps governs the unit. The message begins with (ITU-T H.265
// section D.2.3)
//
//	pic_struct (4)  source_scan_type (2, 1: progressive)  duplicate_flag (1)
//
// if the sequence has frame_field_info_present_flag, and else with something else.
func readPicStruct(nals [][]byte, sps *h265.SPS) PicStruct {
	if sps == nil || sps.VUI == nil || !sps.VUI.FrameFieldInfoPresentFlag {
		return 0
	}
	var space []byte
	for _, n := range nals {
		if len(n) < 3 || typeH265(n) != h265.NALUType_PREFIX_SEI_NUT || forbidden(n) || layerH265(n) > 0 {
			continue
		}
		for kind, payload := range seiMessages(n, 2, &space) {
			if kind != seiPicTiming || len(payload) == 0 {
				continue
			}
			r := bitio.NewReader(payload, 0)
			p, scan := PicStruct(r.U(4)), r.U(2)
			if p.Field() != sps.VUI.FieldSeqFlag || p.Interlaced() && scan == 1 {
				return 0 // it contradicts itself, or has the form of fields alone
			}
			return p
		}
	}
	return 0
}
