package ffmpeg

// #include "buffers.h"
// #include "raw.h"
import "C"

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"strconv"
	"time"

	"github.com/asticode/go-astiav"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/nal"
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
	if name == frame.H264 && !d.bare {
		s.floor = newFloor(first.Data)
	}
	s.queue = newQueue[*astiav.Frame](func(i int) bool { return s.units[i].hidden || s.units[i].place.second })
	s.packet = astiav.AllocPacket()
	s.frame = astiav.AllocFrame()
	d.live.Add(2)
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
func (s *session) begin() error {
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
	s.d.live.Add(1)
	if s.pics = buffers(s.codec, expect); s.pics == nil {
		return &Error{Step: "open", Codec: s.name, Err: errors.New("no way to its buffers")}
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
	s.d.live.Add(-1)
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
		s.free(f)
	}
	s.frame.Free()
	s.packet.Free()
	s.d.live.Add(-2)
	s.end()
	s.account()
}

func (s *session) free(f *astiav.Frame) {
	f.Free()
	s.d.live.Add(-1)
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
		s.free(f)
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
			s.free(f)
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

// send gives the newest unit to the decoder, and takes what comes out.
func (s *session) send(u *frame.AccessUnit) error {
	i := len(s.units) - 1
	switch {
	case len(u.Data) == 0: // to libav an empty packet is the end
		s.queue.lose(i)
		return nil
	case s.crowded(u.Data):
		s.fail(errCrowded)
		s.queue.lose(i)
		return nil
	}
	if s.name == frame.AV1 && i > 0 {
		if err := s.sequel(u.Data); err != nil {
			return err
		}
	}
	if u.Key && i > 0 {
		if err := s.resize(sizeOf(u)); err != nil {
			return err
		}
	}
	if s.floor != nil && !s.floor.fits(s.survey.nals) {
		if err := s.bare(u); err != nil {
			return err
		}
	}
	refused := s.decode(u)
	if refused&C.LS_DIFFERS != 0 {
		if err := s.bare(u); err != nil {
			return err
		}
		refused = s.decode(u)
	}
	if err := s.refusal(refused); err != nil {
		return err
	}
	if s.units[i].place.second { // its picture is that of the first field
		s.queue.lose(i)
	}
	if s.name == frame.VP8 || s.name == frame.VP9 || s.name == frame.AV1 || s.name == frame.MJPEG { // coded in the order they are shown
		s.queue.lose(i)
	}
	return nil
}

// sequel returns an error if a unit of AV1 begins a sequence of pictures that take more than the GOP may.
func (s *session) sequel(data []byte) error {
	sequences, _ := nal.SequencesAV1(data)
	for _, b := range sequences {
		z := sequenceAV1(b)
		if z.pixels() == 0 && s.size.pixels() > 0 || z.cost().Decoding > s.d.allowed(s.size) {
			return &Error{Step: "send", Codec: s.name, Err: fmt.Errorf("%w: its pictures become larger than the %d x %d that the headers of its GOP say",
				frame.ErrTooCostly, s.size.width, s.size.height)}
		}
	}
	return nil
}

// resize goes on with pictures of another size.
func (s *session) resize(to size) error {
	s.size = to
	C.ls_buffers_allow(s.pics, C.int64_t(mostGrowth*to.pixels()))
	return s.d.check(s.name, to)
}

// bare goes on with the newest unit without a floor. Where that is no key unit, what it refers to is gone.
func (s *session) bare(u *frame.AccessUnit) error {
	if err := s.codec.SendPacket(nil); err != nil {
		s.fail(err)
	}
	s.receive()
	s.end()
	s.floor = nil
	if !u.Key {
		s.queue.spoil(len(s.units)-1, false)
	}
	return s.begin()
}

// decode makes a packet of the newest unit, and takes what comes out. It returns why there was no buffer for a picture, if so.
func (s *session) decode(u *frame.AccessUnit) (refused C.int) {
	i := len(s.units) - 1
	switch s.buf = s.buf[:0]; {
	case s.floor != nil:
		s.buf = s.floor.unit(s.buf, s.survey.nals)
	case s.survey.cut:
		for _, n := range s.survey.nals {
			s.buf = annexB(s.buf, n)
		}
	default:
		s.buf = append(s.buf, u.Data...)
	}
	size := len(s.buf)
	s.buf = append(s.buf, make([]byte, padding)...)
	if err := s.packet.FromData(s.buf); err != nil {
		s.fail(err)
		s.queue.lose(i)
		return 0
	}
	s.packet.SetSize(size)
	s.packet.SetPts(int64(i))
	s.packet.SetDts(int64(i))
	C.ls_buffers_begin(s.pics)
	begun := time.Now()
	err := s.codec.SendPacket(s.packet)
	s.d.stats.work(time.Since(begun))
	s.packet.Unref()
	if refused = C.ls_buffers_refused(s.pics); refused&C.LS_DIFFERS != 0 {
		return refused // it is no error yet
	}
	if err != nil {
		s.fail(err)
	}
	s.receive()
	return C.ls_buffers_refused(s.pics)
}

// refusal returns the error that decoding ends with.
func (s *session) refusal(refused C.int) error {
	var err error
	z := s.size
	switch {
	case refused&C.LS_LARGER != 0:
		err = fmt.Errorf("%w: a picture is much larger than the %d x %d that the headers of its GOP say", frame.ErrTooCostly, z.width, z.height)
	case refused&C.LS_COSTLY != 0 && z.pixels() > 0:
		err = fmt.Errorf("%w: pictures of %d x %d with %d references take more than %d MiB", frame.ErrTooCostly, z.width, z.height, z.held,
			s.d.allowed(z)>>20)
	case refused&C.LS_COSTLY != 0:
		err = fmt.Errorf("%w: its pictures take more than %d MiB", frame.ErrTooCostly, s.d.allowed(z)>>20)
	default:
		return nil
	}
	return &Error{Step: "send", Codec: s.name, Err: err}
}

// drain takes what the decoder still holds.
func (s *session) drain() {
	if err := s.codec.SendPacket(nil); err != nil {
		s.fail(err)
	}
	s.receive()
	s.queue.drain()
}

// fail notes an error that came when the newest unit was sent.
func (s *session) fail(err error) {
	s.last = err
	i := len(s.units) - 1
	s.queue.spoil(i, s.units[i].place.alone)
}

// receive puts into the queue what the decoder has ready.
func (s *session) receive() {
	const most = 4 * maxAhead // that a decoder gives at a time, with all it holds back; one gone wrong cannot keep this going
	for range most {
		begun := time.Now()
		err := s.codec.ReceiveFrame(s.frame)
		s.d.stats.work(time.Since(begun))
		if errors.Is(err, astiav.ErrEagain) || errors.Is(err, astiav.ErrEof) {
			return
		}
		if err != nil {
			s.fail(err)
			continue
		}
		s.keep()
	}
}

// keep puts the frame just received into the queue.
func (s *session) keep() {
	raw := new(C.ls_raw)
	C.ls_read(s.frame.UnsafePointer(), raw)
	i := int(raw.pts)
	if i < 0 || i >= len(s.units) {
		s.fail(errors.New("a picture of no unit"))
		s.frame.Unref()
		return
	}
	s.units[i].qp = s.trail.next(scaleQP(s.name, float64(raw.qp)), raw.intra != 0, raw.bi != 0)
	if damaged(s.name, raw) || s.marked() && C.ls_marks_left(s.frame.UnsafePointer()) != 0 {
		s.queue.spoil(i, s.units[i].place.alone)
	}
	f := astiav.AllocFrame()
	s.d.live.Add(1)
	f.MoveRef(s.frame)
	if !s.queue.put(i, f) {
		s.free(f)
	}
}

// damaged tells whether the decoder saw errors that spread to what refers to the picture. In H.264 the corrupt flag alone says
// something else: that the decoder started at a recovery point (D.2.8) which this picture still lies before. It has an end.
func damaged(c frame.Codec, raw *C.ls_raw) bool {
	return raw.errors != 0 || raw.corrupt != 0 && c != frame.H264
}
