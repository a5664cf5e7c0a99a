package ffmpeg

import (
	"bytes"
	"slices"

	"github.com/bluenviron/mediacommon/v2/pkg/bits"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/nal"
)

// What a unit's headers say of its place in the stream.
type place struct {
	gap    bool // a picture that others refer to is missing before it
	alone  bool // no other unit refers to it, so its damage is its own
	spare  bool // the same, and it is a whole frame, so the decoder can do without it
	broken bool // it holds bytes that no encoder writes
}

// A surveyor reads the headers of the units of an H.264 GOP; of H.265 it tells only what is broken, of others nothing.
//
// FFmpeg fills gaps with copies of the picture before and says nothing, so they are looked for here: frame_num counts the
// pictures that are referred to (ITU-T H.264 section 7.4.3). What cannot be read counts as in order; the decoder will have more
// to say about it.
//
// The count may begin anew without a key unit by memory management control operation 5. No known live encoder does that; a GOP
// that does is taken to have a gap there.
type surveyor struct {
	count counter
	nals  [][]byte
}

// place returns the place of the next unit.
func (s *surveyor) place(u *frame.AccessUnit) (p place) {
	if u.Codec != frame.H264 && u.Codec != frame.H265 {
		return p
	}
	s.nals = nal.SplitAnnexB(s.nals[:0], u.Data)
	if u.Codec == frame.H264 {
		p = s.count.unit(s.nals)
	}
	p.broken = slices.ContainsFunc(s.nals, impossible)
	return p
}

// impossible tells whether a NAL unit holds what emulation prevention rules out (H.264 7.4.1, H.265 7.4.2).
func impossible(n []byte) bool {
	return bytes.Contains(n, []byte{0, 0, 0}) || bytes.Contains(n, []byte{0, 0, 2})
}

// A counter follows frame_num.
type counter struct {
	sps      h264.SPS
	known    bool   // sps is
	begun    bool   // last is known
	last     uint64 // frame_num of the last picture that is referred to
	disabled bool   // by a stream that allows gaps, or has several sequences at once
}

// unit reads the NAL units of an access unit.
//
//	NAL unit (7.3.1):       | 0 | nal_ref_idc (2) | nal_unit_type (5) |
//	slice header (7.3.3):   first_mb ue | slice_type ue | pps_id ue | colour_plane_id (2), if planes are separate | frame_num
func (c *counter) unit(nals [][]byte) place {
	const slice, partition, idr = 1, 2, 5
	p := place{}
	first := true
	for _, n := range nals {
		kind := h264.NALUType(n[0] & 0x1f)
		if kind == h264.NALUTypeSPS {
			c.sequence(n)
		}
		if kind != slice && kind != partition && kind != idr {
			continue
		}
		refers := n[0]&0x60 != 0
		if !first {
			p.alone = p.alone && !refers
			continue
		}
		first = false
		p.alone = !refers
		num, ok := c.frameNum(n)
		switch {
		case !ok:
		case kind == idr:
			c.begun, c.last = true, num
		default:
			p.gap = c.begun && num != c.last && num != (c.last+1)%c.modulus()
			if refers || p.gap {
				c.begun, c.last = true, num
			}
		}
	}
	p.spare = p.alone && c.known && c.sps.FrameMbsOnlyFlag && !p.gap
	return p
}

func (c *counter) sequence(n []byte) {
	var sps h264.SPS
	if sps.Unmarshal(n) != nil {
		return
	}
	if c.known && sps.ID != c.sps.ID || sps.GapsInFrameNumValueAllowedFlag {
		c.disabled = true
	}
	c.sps, c.known = sps, true
}

// modulus returns MaxFrameNum, equation 7-10.
func (c *counter) modulus() uint64 { return 1 << (c.sps.Log2MaxFrameNumMinus4 + 4) }

// frameNum reads the frame_num of a slice.
func (c *counter) frameNum(n []byte) (num uint64, ok bool) {
	// Three codes of up to 63 bits, and up to 18 more: 26 bytes, and the emulation prevention among them.
	const most = 40
	if !c.known || c.disabled || c.sps.Log2MaxFrameNumMinus4 > 12 {
		return 0, false
	}
	b := h264.EmulationPreventionRemove(n[:min(len(n), most)])[1:]
	pos := 0
	for range 3 {
		if _, err := bits.ReadGolombUnsigned(b, &pos); err != nil {
			return 0, false
		}
	}
	if c.sps.SeparateColourPlaneFlag {
		pos += 2
	}
	num, err := bits.ReadBits(b, &pos, int(c.sps.Log2MaxFrameNumMinus4)+4)
	return num, err == nil
}
