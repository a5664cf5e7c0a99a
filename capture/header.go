package capture

import (
	"bytes"
	"math/bits"

	"github.com/livestill/livestill/frame"
)

// A Header is a Decoder that tells what in a key unit governs its whole GOP: the parameter sets. Damage there may decode to another
// picture with no error, of another size or quantiser. But streams hardly ever change them, so that damage is what one GOP has
// alone. Header returns nil if there is nothing of the kind.
type Header interface {
	Header(key frame.AccessUnit) []byte
}

// How many bits of a header damage changes, when nothing follows yet that would tell a change for good from damage.
const slip = 2

// trusted returns how many of the units of a remembered GOP can be trusted as far as is known without decoding: those before the first
// that is lost, or none if its header is damaged.
func (c *Camera) trusted(g frame.GOP) int {
	if h, ok := c.Decoder.(Header); ok && odd(h, &c.History, g) {
		return 0
	}
	return firstLost(g)
}

// odd reports whether the header of a GOP is damaged: if it differs from those of the GOPs before and after it, which are the same. At
// either end of what is remembered it must differ from those of two others, and that hardly at all: a stream that changes for good
// changes more.
func odd(d Header, h *frame.History, g frame.GOP) bool {
	gops, i := h.Around(g, 2)
	if i < 0 {
		return false
	}
	head := func(i int) []byte { return d.Header(gops[i][0]) }
	mine := head(i)
	var others [][]byte // the nearest first
	for _, k := range []int{i - 1, i + 1} {
		if k < 0 || k >= len(gops) {
			continue
		}
		if others = append(others, head(k)); bytes.Equal(others[len(others)-1], mine) {
			return false
		}
	}
	if len(others) == 2 {
		for _, k := range []int{i - 2, i + 2} { // a stream may change its header by turns
			if k >= 0 && k < len(gops) && bytes.Equal(head(k), mine) {
				return false
			}
		}
		return bytes.Equal(others[0], others[1])
	}
	switch {
	case len(gops) < 3:
		return false
	case i == 0:
		others = append(others, head(2))
	default:
		others = append(others, head(i-2))
	}
	return bytes.Equal(others[0], others[1]) && flipped(mine, others[0]) <= slip
}

// flipped returns how many bits of two headers differ.
func flipped(a, b []byte) (n int) {
	if len(a) != len(b) {
		return 8 * max(len(a), len(b))
	}
	for i := range a {
		n += bits.OnesCount8(a[i] ^ b[i])
	}
	return n
}
