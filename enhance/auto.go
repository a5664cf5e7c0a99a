package enhance

import (
	"github.com/livestill/livestill/frame"
)

// Auto measures first, and then does what helps a picture, or nothing: neighbours in time are merged into it, see Fuse; on its own it gets
// back what a single picture tells of its errors, see Deblock. A picture whose errors are too small to be seen stays as it is.
type Auto struct {
	Effort Effort // as in Fuse
	Style  Style
}

// A Style says what a better picture is.
type Style int8

const (
	// Faithful is as close to the scene as can be: the zero Style.
	Faithful Style = iota

	// Crisp is Faithful, and then sharpened, which people like and which no measure of fidelity does: edges get steeper, but no halo, and
	// nothing is amplified that may be left of noise or blocks.
	Crisp
)

// Neighbours names the pictures that are worth decoding, as Fuse does.
func (a Auto) Neighbours(gops []frame.GOP, gop, unit int) [][]int {
	return Fuse{Effort: a.Effort}.Neighbours(gops, gop, unit)
}
