package ffmpeg

// #include "buffers.h"
// #include "raw.h"
import "C"

import (
	"context"
	"fmt"
	"iter"
	"math"
	"strconv"
	"time"

	"github.com/asticode/go-astiav"

	"github.com/livestill/livestill/frame"
)

// libav reads up to this many bytes past the end of a packet (AV_INPUT_BUFFER_PADDING_SIZE), and they must be zero.
const padding = 64

// What FFmpeg makes of one unit takes as long as there are pictures in it, and no context stops it. H.264 and H.265 have a picture, and as
// many as they refer to may be made up where they are missing; MJPEG has two fields.
const (
	mostBegun  = 2 * maxAhead
	mostFields = 2
)

// A session is the decoding of one GOP. Packets carry the index of their unit as timestamp, so that a frame is known to be of a
// unit whatever the publisher's timestamps are.
type session struct {
	d      *Decoder
	name   frame.Codec
	id     *astiav.Codec
	codec  *astiav.CodecContext
	pics   *C.ls_buffers // those of codec
	packet *astiav.Packet
	frame  *astiav.Frame // what is received into
	units  []unit        // those that were sent
	survey surveyor
	floor  *floor // nil without one
	size   size   // by the headers of the newest key unit
	held   int64  // bytes of pictures, as Stats has them
	trail  trail
	queue  *queue[*astiav.Frame]

	offered []*astiav.Frame // by a child, which can develop them until the next unit

	buf   []byte        // a unit and its padding
	due   bool          // a picture was wanted
	given bool          // one came
	last  error         // the latest error of the decoder
	clear bool          // the first clean picture was sent, if decoding began without one
	clean time.Duration // and its PTS
	sum   uint64        // of the picture that was shown last
	since time.Time     // when it was first shown
}

// A unit is what is kept of an access unit.
type unit struct {
	pts    time.Duration
	time   time.Time
	key    bool
	wanted bool // its picture may be
	place  place
	hidden bool    // it may rightly have none
	qp     float32 // effective quantiser of its picture
}

// open opens a session for a GOP that begins with first.
func (d *Decoder) open(first *frame.AccessUnit) (*session, error) {
	quiet()
	name := first.Codec
	id, _ := codecID(name)
	codec := astiav.FindDecoder(id)
	if codec == nil {
		return nil, &Error{Step: "open", Codec: name, Err: ErrUnsupported}
	}
	s := &session{d: d, name: name, id: codec, size: sizeOf(first)}
	if err := d.check(name, s.size); err != nil {
		return nil, err
	}
	if name == frame.H264 {
		s.floor = newFloor(first.Data)
	}
	s.queue = newQueue[*astiav.Frame](func(i int) bool { return s.units[i].hidden || s.units[i].place.second })
	s.packet = astiav.AllocPacket()
	s.frame = astiav.AllocFrame()
	if err := s.begin(); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// begin opens a decoder. The options:
//   - thread_type: with slices no picture is held back, nor its errors
//   - strict: reorder by what the stream's level allows, not by a guess that drops pictures when it proves wrong
//   - err_detect, output_corrupt: notice damage, and give the picture all the same, flagged. What "careful" and "aggressive" add
//     is harmless to sane H.264; other decoders refuse what real encoders write.
//   - unaligned: crop to the exact column
//   - low_delay: dav1d too holds no picture back
//   - venc_params: tell the quantisers
func (s *session) begin() (err error) {
	threads, detect, flags := s.d.threads(), "crccheck+bitstream+buffer", "+output_corrupt+unaligned"
	if s.name == frame.H264 || s.name == frame.H265 {
		threads = 1 // see Decoder.Threads
	}
	if s.name == frame.H264 {
		detect += "+careful+aggressive"
	}
	if s.name == frame.MJPEG { // else errors of a scan are only logged
		detect += "+explode"
	}
	if s.name == frame.AV1 {
		flags += "+low_delay"
	}
	pixels := s.d.maxPixels()
	if s.name == frame.AV1 { // its decoder has buffers of its own
		pixels = int(min(int64(pixels), s.size.orAssumed().pixels()))
	}
	expect := &C.ls_expect{bytes: C.int64_t(s.d.allowed(s.size)), pixels: C.int64_t(mostGrowth * s.size.pixels())}
	expect.each = mostBegun
	if s.name == frame.MJPEG {
		expect.each = mostFields
	}
	if s.marked() {
		expect.marks = 1
	}
	if s.floor != nil {
		pixels = min(pixels+s.floor.pixels(), math.MaxInt32) // which is what FFmpeg counts up to
		s.floor.expect(expect)
	}
	options := astiav.NewDictionary()
	defer options.Free()
	for _, o := range [][2]string{
		{"threads", strconv.Itoa(threads)},
		{"thread_type", "slice"},
		{"strict", "strict"},
		{"err_detect", detect},
		{"flags", flags},
		{"max_pixels", strconv.Itoa(pixels)},
		{"export_side_data", "venc_params"},
	} {
		if err := options.Set(o[0], o[1], 0); err != nil {
			return &Error{Step: "open", Codec: s.name, Err: err}
		}
	}
	s.codec = astiav.AllocCodecContext(s.id)
	if s.pics, err = buffers(s.codec, expect); err != nil {
		return &Error{Step: "open", Codec: s.name, Err: err}
	}
	if err := s.codec.Open(s.id, options); err != nil {
		return &Error{Step: "open", Codec: s.name, Err: err}
	}
	return nil
}

// marked reports whether the blocks of pictures are marked where nothing was decoded. FFmpeg does not ask whether the slices of H.265 cover
// the picture, nor whether a picture of VP8 is whole; in H.264 it does, but not of fields. What they leave out is what the memory held.
func (s *session) marked() bool {
	return s.name == frame.H265 || s.name == frame.VP8 || s.name == frame.H264 && s.floor == nil
}

// end frees the decoder.
func (s *session) end() {
	if s.codec == nil {
		return
	}
	s.codec.Free()
	s.codec = nil
	if s.pics != nil {
		C.ls_buffers_close(s.pics)
		s.pics = nil
	}
}

// account tells Stats what the pictures hold.
func (s *session) account() {
	held := int64(0)
	if s.pics != nil {
		held = int64(C.ls_buffers_held(s.pics))
	}
	s.d.stats.hold(held - s.held)
	s.held = held
}

// close frees everything.
func (s *session) close() {
	s.retire()
	for _, f := range s.queue.rest() {
		f.Free()
	}
	s.frame.Free()
	s.packet.Free()
	s.end()
	s.account()
}

// follow decodes units and yields their pictures. It returns the error that ends the sequence, nil if it ended well or the caller
// had enough.
func (d *Decoder) follow(ctx context.Context, units iter.Seq2[frame.AccessUnit, bool], yield func(frame.Latent, error) bool) (err error) {
	var s *session
	defer func() {
		if s != nil {
			s.close()
		}
	}()
	more := true
	for u, wanted := range units {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if s == nil {
			if err := begins(&u); err != nil {
				return err
			}
			if s, err = d.open(&u); err != nil {
				return err
			}
			d.stats.gops.Add(1)
		}
		if u.Codec != s.name {
			return &Error{Step: "check", Codec: s.name, Err: fmt.Errorf("%w: unit %d is %v", ErrGOP, len(s.units), u.Codec)}
		}
		err = s.take(&u, wanted)
		s.account()
		if err != nil {
			return err
		}
		if more = s.show(yield); !more {
			return nil
		}
	}
	switch {
	case s == nil:
		return &Error{Step: "check", Err: fmt.Errorf("%w: no units", ErrGOP)}
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	s.drain()
	if !s.show(yield) || s.given || !s.due {
		return nil
	}
	err = ErrNoPicture
	if s.last != nil {
		err = fmt.Errorf("%w: %w", ErrNoPicture, s.last)
	}
	return &Error{Step: "receive", Codec: s.name, Err: err}
}

// retire frees the pictures that were offered with the unit before.
func (s *session) retire() {
	for _, f := range s.offered {
		f.Free()
	}
	s.offered = s.offered[:0]
}

// take decodes the next unit, unless nobody needs it.
func (s *session) take(u *frame.AccessUnit, wanted bool) error {
	s.retire()
	i, place := len(s.units), s.survey.place(u)
	s.d.stats.units.Add(1)
	s.units = append(s.units, unit{pts: u.PTS, time: u.Time, key: u.Key, wanted: wanted, place: place, hidden: hidden(u.Codec, u.Data)})
	s.queue.add(u.PTS, u.Key)
	s.due = s.due || wanted
	if u.Lost || place.gap {
		s.queue.spoil(i, false)
	}
	if place.open {
		if !place.dirty && !s.clear {
			s.clear, s.clean = true, u.PTS
		}
		if !s.clear || u.PTS < s.clean {
			s.queue.spoil(i, true)
		}
	}
	if place.broken {
		s.queue.spoil(i, place.alone)
	}
	if place.spare && !wanted {
		s.queue.forgo(i)
		return nil
	}
	return s.send(u)
}

// show yields what is ready. It returns false if the caller has had enough.
func (s *session) show(yield func(frame.Latent, error) bool) bool {
	for {
		i, f, corrupt, none, ok := s.queue.take()
		if !ok {
			return true
		}
		if none {
			// Of a unit that is shown before the first it cannot be told: what it refers to is not there.
			u := &s.units[i]
			if u.wanted && u.pts >= s.units[0].pts && !yield(frame.Latent{Unit: i, PTS: u.pts, Hidden: true}, nil) {
				return false
			}
			continue
		}
		if sum := uint64(C.ls_print(f.UnsafePointer())); sum != s.sum || s.since.IsZero() {
			s.sum, s.since = sum, s.units[i].time
		}
		more := s.latent(i, f, corrupt, yield)
		if s.d.room != nil {
			s.offered = append(s.offered, f)
		} else {
			f.Free()
		}
		if !more {
			return false
		}
	}
}

// latent yields the picture of unit i, if it is wanted.
func (s *session) latent(i int, f *astiav.Frame, corrupt bool, yield func(frame.Latent, error) bool) bool {
	u, since := &s.units[i], s.since
	if !u.wanted {
		return true
	}
	s.given = true
	s.d.stats.pictures.Add(1)
	raw := new(C.ls_raw)
	C.ls_read(f.UnsafePointer(), raw)
	corrupt = corrupt || raw.corrupt != 0 || raw.errors != 0
	return yield(frame.Latent{Unit: i, PTS: u.pts, Corrupt: corrupt, EffectiveQP: u.qp, Develop: func() (*frame.Picture, error) {
		img, err := s.convert(f, raw)
		if err != nil {
			return nil, &Error{Step: "convert", Codec: s.name, Err: err}
		}
		return &frame.Picture{
			YCbCr: img, PTS: u.pts, Time: u.time, Key: u.key, Corrupt: corrupt,
			QP: float32(raw.qp), EffectiveQP: u.qp, Frozen: u.time.Sub(since),
		}, nil
	}}, nil)
}
