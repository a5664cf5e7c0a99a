package ffmpeg

// #include "buffers.h"
// #include "raw.h"
import "C"

import (
	"errors"
	"fmt"
	"time"

	"github.com/asticode/go-astiav"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/bitstream"
)

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
	sequences, _ := bitstream.SequencesAV1(data)
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
	f.MoveRef(s.frame)
	if !s.queue.put(i, f) {
		f.Free()
	}
}

// damaged tells whether the decoder saw errors that spread to what refers to the picture. In H.264 the corrupt flag alone says
// something else: that the decoder started at a recovery point (D.2.8) which this picture still lies before. It has an end.
func damaged(c frame.Codec, raw *C.ls_raw) bool {
	return raw.errors != 0 || raw.corrupt != 0 && c != frame.H264
}
