package mp4

import "github.com/livestill/livestill/internal/bitstream"

// readMatrix reads how a track is to be shown in its header, from behind its id (ISO/IEC 14496-12 section 8.3.2); angles are rounded to multiples of
// 90 degrees. A point (x, y) of a picture is shown at (ax + cy + x', bx + dy + y').
//
//	reserved (32)  duration (32, 64 from version 1 on)  reserved (64)  layer, group, volume, reserved (16 each)
//	a b u  c d v  x' y' w, all of 32 bits, as fixed-point numbers
func readMatrix(r *reader, version byte) (o bitstream.Orientation) {
	r.skip(4)
	r.long(version)
	r.skip(8 + 8)
	number := func() int64 { return int64(int32(r.u32())) }
	a, b := number(), number()
	r.skip(4)
	c, d := number(), number()
	if r.ended {
		return o
	}
	if o.Mirrored = a*d < b*c; o.Mirrored {
		a, b = -a, -b
	}
	switch {
	case b > 0 && b > max(a, -a):
		o.Rotation = 90
	case b < 0 && -b > max(a, -a):
		o.Rotation = 270
	case a < 0:
		o.Rotation = 180
	}
	return o
}
