package unpack

import (
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/bitstream"
)

// Bits of the byte that a VP9 payload begins with, RFC 9628 section 4.2.
const (
	vp9PictureID = 0x80
	vp9Predicted = 0x40
	vp9Layers    = 0x20
	vp9Flexible  = 0x10
	vp9Begins    = 0x08
	vp9Ends      = 0x04
	vp9Structure = 0x02
)

// A VP9 is the format of VP9, RFC 9628. Of a stream of several spatial layers it takes the base.
type VP9 struct {
	pieces
}

// add takes in the payload of a packet. A frame, or a superframe, begins with one packet and ends with another, or the same.
func (v *VP9) add(b []byte) bool {
	rest, layer, ok := vp9Descriptor(b)
	switch {
	case !ok || len(rest) == 0:
		return false
	case layer > 0:
		return true
	case (b[0]&vp9Begins != 0) != (len(v.data) == 0) || len(v.ends) > 0:
		return false
	}
	return v.append(rest) && (b[0]&vp9Ends == 0 || v.end())
}

func (v *VP9) finish(bool) (m made, err error) {
	if v.close() {
		v.reset()
		return made{damaged: true}, nil
	}
	return v.frame(frame.VP9, bitstream.VP9Key)
}

// cut drops the frame, whole or not: of a superframe, what follows is missing.
func (v *VP9) cut() { v.reset() }

// vp9Descriptor returns what follows the payload descriptor, and which spatial layer it is of, RFC 9628 section 4.2:
//
//	iplfbev+    i: [m, picture id (7, or 15 if m)]
//	            l: [tttussso  not f: [TL0PICIDX (8)]]                  s: spatial layer
//	            f and p: one to three of [P_DIFF (7), n]               n: another one follows
//	            v: the structure
func vp9Descriptor(b []byte) (rest []byte, layer byte, ok bool) {
	flags := b[0]
	next := func() (c byte) {
		if len(b) == 0 {
			ok = false
			return 0
		}
		c, b = b[0], b[1:]
		return c
	}
	ok = true
	next()
	if flags&vp9PictureID != 0 && next()&0x80 != 0 {
		next()
	}
	if flags&vp9Layers != 0 {
		layer = next() >> 1 & 7
		if flags&vp9Flexible == 0 {
			next()
		}
	}
	if flags&vp9Flexible != 0 && flags&vp9Predicted != 0 {
		for range 3 {
			if next()&1 == 0 {
				break
			}
		}
	}
	if flags&vp9Structure != 0 {
		vp9SkipStructure(next)
	}
	return b, layer, ok
}

// vp9SkipStructure skips the scalability structure, RFC 9628 section 4.2.1:
//
//	nnnyg000  y: n + 1 times [width (16), height (16)]  g: [N_G (8), N_G times [ttturr00, r times P_DIFF (8)]]
func vp9SkipStructure(next func() byte) {
	skip := func(n int) {
		for range n {
			next()
		}
	}
	head := next()
	if head&0x10 != 0 {
		skip(4 * (int(head>>5) + 1))
	}
	if head&0x08 != 0 {
		for range next() {
			skip(int(next() >> 2 & 3))
		}
	}
}
