package ffmpeg

// A roll tells the pictures of an H.264 stream that come again, where frame_num cannot, since nothing refers to them: no two between
// two IDR pictures have the same picture order count (ITU-T H.264, 8.2.1).
//
// A count that is left out says nothing: who must send less drops pictures that nothing refers to.
type roll struct {
	here   map[presence]bool // the newest since the last IDR picture
	before map[presence]bool // those before them; what was there before that is forgotten
	last   int               // the count that others are counted from
}

// How many pictures a roll remembers, at least: more than a minute. One that comes again later than that is not found out.
const mostPresent = 4096

// A presence is one picture, or field.
type presence struct {
	count int
	field fields
}

// again takes the next picture, whose count has so many bits in its header, and tells whether it was there before.
func (r *roll) again(h head, bits int, idr, refers bool) bool {
	switch {
	case idr:
		r.here, r.before, r.last = nil, nil, 0
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
	again := (r.here[p] || r.before[p]) && len(r.here)+len(r.before) > 1 // an encoder that knows no order may count nothing
	if len(r.here) == mostPresent {
		r.here, r.before = map[presence]bool{}, r.here
	}
	r.here[p] = true
	return again
}
