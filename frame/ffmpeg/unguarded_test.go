package ffmpeg_test

import (
	"slices"

	"github.com/livestill/livestill/frame"
)

// unguarded returns a GOP of H.264 of the same pictures, that is decoded without a guard row: its first unit begins with another sequence
// parameter set, of 16x16 pixels, which has an id of its own and which nothing refers to.
func unguarded(g frame.GOP) frame.GOP {
	another := []byte{0, 0, 0, 1, 0x67, 66, 0xc0, 10, 0x04, 0x17, 0x79}
	g = slices.Clone(g)
	g[0].Data = slices.Concat(another, g[0].Data)
	return g
}
