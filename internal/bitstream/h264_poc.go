package bitstream

// How many pictures a pictureOrders remembers, at least: more than a minute. One that comes again later than that is not found out.
const minRemembered = 4096

// A pictureOrders tells the pictures of an H.264 stream that come again, where frame_num cannot, since nothing refers to them: no two between
// two IDR pictures have the same picture order count (ITU-T H.264 section 8.2.1).
//
// A count that is left out says nothing: who must send less drops pictures that nothing refers to.
type pictureOrders struct {
	newer map[pictureOrder]bool // the newest since the last IDR picture
	older map[pictureOrder]bool // those before them; what was there before that is forgotten
	last  int                   // the count that others are counted from
}

// A pictureOrder is that of one frame, or field.
type pictureOrder struct {
	count int
	field fields
}

// repeated takes the next picture, and reports whether it was there before.
func (o *pictureOrders) repeated(p *pictureH264, maxLSB int) bool {
	lsb := int(p.lsb)
	switch {
	case p.idr():
		o.newer, o.older, o.last = nil, nil, 0
	case o.newer == nil: // decoding begins within a stream
		o.last = lsb
	}
	if o.newer == nil {
		o.newer = map[pictureOrder]bool{}
	}
	at := pictureOrder{orderCount(lsb, o.last, maxLSB), p.field}
	if p.nalRefIDC != 0 {
		o.last = at.count
	}
	again := (o.newer[at] || o.older[at]) && len(o.newer)+len(o.older) > 1 // an encoder that knows no order may count nothing
	if len(o.newer) == minRemembered {
		o.newer, o.older = map[pictureOrder]bool{}, o.newer
	}
	o.newer[at] = true
	return again
}

// orderCount returns the picture order count that ends in lsb, modulo a power of two, and is nearest to the last (ITU-T H.264 section 8.2.1.1,
// H.265 equation 8-1).
func orderCount(lsb, last, maxLSB int) int {
	n := last - last&(maxLSB-1) + lsb
	switch {
	case n < last && last-n >= maxLSB/2:
		return n + maxLSB
	case n > last && n-last > maxLSB/2:
		return n - maxLSB
	default:
		return n
	}
}
