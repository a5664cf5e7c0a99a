package ffmpeg

// A roll tells the pictures of an H.264 stream that come again, where frame_num cannot, since nothing refers to them: no two between
// two IDR pictures have the same picture order count (ITU-T H.264, 8.2.1).
//
// A count that is left out says nothing: who must send less drops pictures that nothing refers to.
type roll struct {
	here map[presence]bool // since the last IDR picture
	last int               // the count that others are counted from
}

// A presence is one picture, or field.
type presence struct {
	count int
	field fields
}

// again takes the next picture, whose count has so many bits in its header, and tells whether it was there before.
func (r *roll) again(h head, bits int, idr, refers bool) bool {
	switch {
	case idr:
		r.here, r.last = nil, 0
	case r.here == nil: // decoding begins within a stream
		r.last = h.lsb
	}
	if r.here == nil {
		r.here = map[presence]bool{}
	}
	p := presence{nearest(h.lsb, r.last, 1<<bits), h.field}
	if refers {
		r.last = p.count
	}
	again := r.here[p] && len(r.here) > 1 // an encoder that knows no order may count nothing
	r.here[p] = true
	return again
}
