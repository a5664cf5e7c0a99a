package flv

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/bitstream"
)

const (
	// So far apart the timestamps of one picture's tags may be: some encoders read the clock for each. Pictures of 60 fps are further apart.
	sameInstant = 10 * time.Millisecond

	// So long a picture waits for more of it, after what came of it last.
	maxWait = 100 * time.Millisecond

	maxPieces  = 8 << 10  // NAL units that wait; 8 MiB in slices as small as a packet are 6,000
	maxJoined  = 8 << 20  // bytes of them, unless it is said; a key picture of 2160p60 at 50 Mbit/s has 1 to 3 MiB
	keptMemory = 64 << 10 // bytes, for the next picture
	sliceSize  = 24       // bytes of memory for a slice, beside what it is of

	// So many bytes of a slice tell whether the next one is of the same picture: 44 of its header, with emulation prevention two thirds more.
	headerSize = 80
)

// A joining puts pictures of H.264 and H.265 together that come in several tags: one for each slice, or for each NAL unit, as from DJI's drones.
//
// As long as all slices of a picture come in one tag, it is a unit at once. Once they did not, each picture waits for the tag in which the next
// begins, or for maxWait. The first one that comes in several tags is cut off, unless it is the first of a Video whose FirstWaits is set; the
// unit after it is Lost.
type joining struct {
	several bool // pictures come in several tags
	any     bool // there was a picture

	previous []byte        // the beginning of the slice before
	last     time.Duration // the timestamp of its tag

	data    []byte // of the NAL units that wait: of a picture, or before one
	ends    []int  // where each of them ends
	nals    [][]byte
	open    bool  // a picture waits
	damaged bool  // something of it was left out
	picture dated // its times
}

// add has NAL units wait. It returns false if there are too many, or more bytes than may be.
func (j *joining) add(nals [][]byte, most int) bool {
	for _, n := range nals {
		if len(j.ends) == maxPieces || len(j.data)+len(n) > most {
			return false
		}
		j.data = append(j.data, n...)
		j.ends = append(j.ends, len(j.data))
	}
	return true
}

// split returns the NAL units that wait. They are valid until the next call of add.
func (j *joining) split() [][]byte {
	j.nals = j.nals[:0]
	start := 0
	for _, end := range j.ends {
		j.nals = append(j.nals, j.data[start:end])
		start = end
	}
	return j.nals
}

// empty forgets the NAL units that wait.
func (j *joining) empty() {
	if j.buffered() > keptMemory {
		j.data, j.ends, j.nals = nil, nil, nil
	}
	j.data, j.ends, j.open, j.damaged = j.data[:0], j.ends[:0], false, false
}

// forget forgets all but how pictures come.
func (j *joining) forget() { *j = joining{several: j.several, any: j.any} }

func (j *joining) buffered() int { return cap(j.data) + 8*cap(j.ends) + sliceSize*cap(j.nals) }

// goesOnAt reports whether a picture waits, and one with the given timestamp may be the same.
func (j *joining) goesOnAt(timestamp time.Duration) bool {
	return j.open && (timestamp-j.last).Abs() <= sameInstant
}

// Buffered returns the bytes of memory for what waits.
func (v *Video) Buffered() int { return v.joining.buffered() }

// Due returns when the picture that waits for more of it is to wait no longer; zero if there is none.
func (v *Video) Due() time.Time {
	if !v.joining.open {
		return time.Time{}
	}
	return v.joining.picture.arrival.Add(maxWait)
}

// Flush has the picture that waits for more of it wait no longer, if there is one. What is wrong with it the next Take tells.
func (v *Video) Flush() {
	j := &v.joining
	if j.open {
		v.make(j.split(), j.damaged, j.picture)
		j.empty()
	}
}

// make makes a unit of NAL units.
func (v *Video) make(nals [][]byte, damaged bool, u dated) {
	if damaged {
		v.sequence.Lost()
	}
	data, key, err := v.sequence.UnitOf(nals)
	if err != nil {
		_ = v.wrong(err) // which the next Take returns, if it ends the stream
		v.lost = true
		return
	}
	v.made(data, key, damaged, u)
}

// pieces takes in NAL units: a picture, a part of one, or what comes before or after one.
func (v *Video) pieces(t tag, timestamp time.Duration, arrival time.Time) error {
	if !v.follow(t) {
		return nil
	}
	nals, framing, err := v.sequence.Split(t.data)
	defer clear(nals) // keep no reference to the body
	damaged := err != nil
	if !v.begun && v.sequence.Lacks() != "" {
		if found := bitstream.CodecOf(nals); found != 0 && found != v.sequence.Codec {
			v.change(found)
			v.called = t.codec
		}
	}
	switch {
	case len(nals) == 0:
		v.miss(timestamp)
		if err == nil {
			err = errors.New("picture of no bytes")
		}
	case slices.ContainsFunc(nals, v.isSlice):
		u := dated{frame.AccessUnit{PTS: timestamp + t.offset, DTS: timestamp}, arrival}
		err = cmp.Or(err, v.join(nals, damaged, timestamp, u))
	default:
		if damaged {
			v.miss(timestamp)
		}
		v.wait(nals)
	}
	if err != nil {
		return v.wrong(err)
	}
	return v.habits.remark(v.called, v.sequence.Codec, framing)
}

func (v *Video) isSlice(n []byte) bool { return bitstream.IsSlice(v.sequence.Codec, n) }

// follow goes over to the codec of a tag, if it is another. ok is false for what is late of the codec before: it has no parameter sets.
func (v *Video) follow(t tag) (ok bool) {
	codec := t.codec
	if codec == v.called || codec == v.sequence.Codec {
		return true
	}
	if v.sequence.Codec != 0 {
		other := bitstream.Assembler{Codec: codec}
		nals, _, _ := other.Split(t.data)
		if codec = bitstream.CodecOf(nals); codec == 0 {
			return false
		}
	}
	v.Flush()
	v.change(codec)
	v.called = t.codec
	return true
}

// wait has NAL units wait that are no slices. Those that come before a picture end the one before; others belong to it.
func (v *Video) wait(nals [][]byte) {
	j := &v.joining
	if j.open && bitstream.Opens(v.sequence.Codec, nals[0]) {
		v.Flush()
	}
	v.keep(nals)
}

// keep has NAL units wait, and remembers the parameter sets among them. It returns false if they are too many: then nothing waits.
func (v *Video) keep(nals [][]byte) bool {
	if err := v.sequence.Note(nals); err != nil {
		_ = v.wrong(err)
	}
	ok := v.joining.add(nals, cmp.Or(v.MaxJoined, maxJoined))
	if !ok {
		v.joining.empty()
	}
	return ok
}

// leaveOut notes that slices are left out of the stream.
func (v *Video) leaveOut() {
	v.lost = true
	v.sequence.Lost()
}

// join takes in slices, and what comes with them. The error tells, once, that the rest of a picture is cut off.
func (v *Video) join(nals [][]byte, damaged bool, timestamp time.Duration, u dated) (err error) {
	j := &v.joining
	var last []byte
	begins, certain := v.sequence.Begins(j.previous, nals)
	switch {
	case begins || !certain && (timestamp-j.last).Abs() > sameInstant:
		lacksFirst := certain && !slices.ContainsFunc(nals, func(n []byte) bool { return v.isSlice(n) && bitstream.Opens(v.sequence.Codec, n) })
		v.start(nals, damaged || lacksFirst, u)
	case j.open:
		j.several, j.damaged, j.picture.arrival = true, j.damaged || damaged, u.arrival
		if !v.keep(nals) {
			v.leaveOut()
		}
	default:
		if !j.several {
			err = errors.New("a picture comes in several messages: the rest of the first such picture is left out, others are joined")
		}
		j.several = true
		v.leaveOut()
	}
	for _, n := range nals {
		if v.isSlice(n) {
			last = n
		}
	}
	j.previous, j.last = append(j.previous[:0], last[:min(len(last), headerSize)]...), timestamp
	return err
}

// start takes in slices that begin a picture.
func (v *Video) start(nals [][]byte, damaged bool, u dated) {
	v.Flush()
	j := &v.joining
	waits := j.several || v.FirstWaits && !j.any
	j.any = true
	switch {
	case !waits && len(j.ends) == 0:
		v.make(nals, damaged, u)
	case v.keep(nals):
		j.open, j.damaged, j.picture = true, damaged, u
		if !waits {
			v.Flush()
		}
	default:
		v.leaveOut()
	}
}
