package ffmpeg

import (
	"bytes"
	"slices"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/bitstream"
)

// What a unit's headers say of its place in the stream.
type place struct {
	gap    bool // a picture that others refer to is missing before it, or it was there before
	alone  bool // no other unit refers to it, so its damage is its own
	spare  bool // the same, and it is a whole frame, so the decoder can do without it
	second bool // it is the second field of the picture that the unit before is the first of
	open   bool // decoding began without an IDR picture
	dirty  bool // so it lies before the point at which a recovery point promises clean pictures
	broken bool // it holds bytes that no encoder writes
}

// A surveyor reads the headers of the units of a GOP in H.264 or H.265; of others it tells nothing.
//
// FFmpeg fills gaps with copies of the picture before and says nothing, so they are looked for here, and so are pictures that come
// again, as where a stream goes on with units of another one from an earlier place: in H.264 frame_num counts the pictures that are
// referred to (ITU-T H.264 section 7.4.3), and see roll; of H.265 see order. What cannot be read counts as in order; the decoder
// will have more to say about it.
//
// The count may begin anew without a key unit by memory management control operation 5. No known live encoder does that; a GOP
// that does is taken to have a gap there.
type surveyor struct {
	count counter
	order order
	nals  [][]byte // of the newest unit
	cut   bool     // supplemental messages are left out of them
}

// place returns the place of the next unit.
func (s *surveyor) place(u *frame.AccessUnit) (p place) {
	if u.Codec != frame.H264 && u.Codec != frame.H265 {
		return p
	}
	s.nals = bitstream.SplitAnnexB(s.nals[:0], u.Data)
	if u.Codec == frame.H264 {
		p = s.count.unit(s.nals)
	} else {
		p = s.order.unit(s.nals)
	}
	p.broken = slices.ContainsFunc(s.nals, impossible)
	s.nals, s.cut = withoutMessages(u.Codec, s.nals)
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
	counts   bool   // it was seen to go up: encoders that leave it as it is are forgiven
	disabled bool   // by a stream that allows gaps, or has several sequences at once
	single   fields // which field the unit before is, if it is a single one that waits for the other
	number   uint64 // its frame_num
	roll     roll
	started  bool   // a unit came
	open     bool   // the first was no IDR picture, but at best a recovery point
	dirty    uint64 // pictures that are referred to, up to the first that it promises to be clean
}

// unit reads the NAL units of an access unit.
//
//	NAL unit (7.3.1):       | 0 | nal_ref_idc (2) | nal_unit_type (5) |
//	slice header (7.3.3):   first_mb ue | slice_type ue | pps_id ue | colour_plane_id (2), if planes are separate | frame_num
func (c *counter) unit(nals [][]byte) place {
	const slice, partition, idr = 1, 2, 5
	p := place{}
	first := true
	var parity fields
	for _, n := range nals {
		kind := h264.NALUType(n[0] & 0x1f)
		if kind == h264.NALUTypeSPS {
			c.sequence(n)
		}
		if kind != slice && kind != partition && kind != idr {
			continue
		}
		refers := n[0]&0x60 != 0
		if !first && c.sps.FrameMbsOnlyFlag {
			p.alone = p.alone && !refers
			continue
		}
		h, ok := c.head(n)
		num := h.num
		parity |= h.field
		if !first {
			p.alone = p.alone && !refers
			continue
		}
		first = false
		p.alone = !refers
		p.second, c.number = ok && kind != idr && num == c.number, num
		switch {
		case !ok:
		case kind == idr:
			c.begun, c.last = true, num
		default:
			next := (c.last + 1) % c.modulus()
			again := num == c.last && c.counts && refers && h.field == 0
			p.gap = c.begun && (again || num != c.last && num != next)
			c.counts = c.counts || c.begun && refers && num == next
			if refers || p.gap {
				c.begun, c.last = true, num
			}
		}
		if ok && h.counted {
			p.gap = c.roll.again(h, int(c.sps.Log2MaxPicOrderCntLsbMinus4)+4, kind == idr, refers) || p.gap
		}
	}
	if p.second = p.second && c.single|parity == top|bottom && parity != top|bottom; p.second || parity == top|bottom {
		parity = 0
	}
	c.single = parity
	if !first {
		c.recover(nals, &p)
	}
	p.spare = p.alone && c.known && c.sps.FrameMbsOnlyFlag && !p.gap
	return p
}

// recover follows a recovery point that decoding began at. FFmpeg knows which pictures it leaves unclean, but says nothing of those that
// it holds back to the end.
func (c *counter) recover(nals [][]byte, p *place) {
	if !c.started {
		c.started = true
		c.open = !slices.ContainsFunc(nals, func(n []byte) bool { return n[0]&0x1f == byte(h264.NALUTypeIDR) })
		c.dirty, _ = bitstream.Recovery(nals)
	} else if !p.alone && !p.second && c.dirty > 0 {
		c.dirty--
	}
	p.open, p.dirty = c.open, c.open && c.dirty > 0
}

func (c *counter) sequence(n []byte) {
	var sps h264.SPS
	if len(n) > bitstream.MaxSet || sps.Unmarshal(n) != nil {
		return
	}
	if c.known && sps.ID != c.sps.ID || sps.GapsInFrameNumValueAllowedFlag {
		c.disabled = true
	}
	c.sps, c.known = sps, true
}

// modulus returns MaxFrameNum, equation 7-10.
func (c *counter) modulus() uint64 { return 1 << (c.sps.Log2MaxFrameNumMinus4 + 4) }

// Fields are a set of the two fields of a picture.
type fields uint8

const (
	top fields = 1 << iota
	bottom
)

// A head is what the header of a slice says of its picture.
type head struct {
	num     uint64 // frame_num
	field   fields // the one that it is of, if it is of one
	lsb     int    // of its picture order count
	counted bool   // that is there
}

// head reads on in the header of a slice:
//
//	frame_num (4 to 16)  field_pic_flag, unless all are frames  bottom_field_flag, if that is set
//	idr_pic_id ue, of an IDR picture  pic_order_cnt_lsb (4 to 16), if the order is told by that
func (c *counter) head(n []byte) (h head, ok bool) {
	// Four codes of up to 63 bits, and up to 36 more: 36 bytes, and the emulation prevention among them.
	const most, idr = 56, 5
	if !c.known || c.disabled || c.sps.Log2MaxFrameNumMinus4 > 12 {
		return h, false
	}
	b := h264.EmulationPreventionRemove(n[:min(len(n), most)])
	r := bitReader{bytes: b, pos: 8, end: 8 * len(b)}
	for range 3 {
		r.ue()
	}
	if c.sps.SeparateColourPlaneFlag {
		r.u(2)
	}
	h.num = r.u(int(c.sps.Log2MaxFrameNumMinus4) + 4)
	ok = !r.failed
	if !c.sps.FrameMbsOnlyFlag && r.u(1) == 1 {
		if h.field = top; r.u(1) == 1 {
			h.field = bottom
		}
	}
	if n[0]&0x1f == idr {
		r.ue()
	}
	if c.sps.PicOrderCntType == 0 && c.sps.Log2MaxPicOrderCntLsbMinus4 <= 12 {
		h.lsb = int(r.u(int(c.sps.Log2MaxPicOrderCntLsbMinus4) + 4))
		h.counted = !r.failed
	}
	return h, ok
}
