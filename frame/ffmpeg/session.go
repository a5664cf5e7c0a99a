package ffmpeg

// #include "raw.h"
import "C"

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/asticode/go-astiav"

	"github.com/livestill/livestill/frame"
)

// libav reads up to this many bytes past the end of a packet (AV_INPUT_BUFFER_PADDING_SIZE), and they must be zero.
const padding = 64

// A session is the decoding of one GOP. Packets carry the index of their unit as timestamp, so that a frame is known to be of a
// unit whatever the publisher's timestamps are.
type session struct {
	d      *Decoder
	g      frame.GOP
	codec  *astiav.CodecContext
	packet *astiav.Packet
	frame  *astiav.Frame // what is received into
	queue  *queue[*astiav.Frame]
	places []place // by unit
	late   int     // for how many units an error of the decoder can be overdue
	fields []bool  // by unit: its picture was coded as fields
	buf    []byte  // a unit and its padding
	last   error   // the latest error of the decoder
}

// open opens a decoder for g. The options:
//   - strict: reorder by what the stream's level allows, not by a guess that drops pictures when it proves wrong
//   - err_detect, output_corrupt: notice damage, and give the picture all the same, flagged. What "careful" and "aggressive" add
//     is harmless to sane H.264; other decoders refuse what real encoders write.
//   - unaligned: crop to the exact column
//   - venc_params: tell the quantisers
func (d *Decoder) open(g frame.GOP) (*session, error) {
	quiet()
	name := g[0].Codec
	id, _ := codecID(name)
	codec := astiav.FindDecoder(id)
	if codec == nil {
		return nil, &Error{Step: "open", Codec: name, Err: ErrUnsupported}
	}
	detect := "crccheck+bitstream+buffer"
	if name == frame.H264 {
		detect += "+careful+aggressive"
	}
	threads := d.threads()
	if len(g) == 1 || name == frame.H264 {
		threads = 1 // see Decoder.Threads
	}
	options := astiav.NewDictionary()
	defer options.Free()
	for _, o := range [][2]string{
		{"threads", strconv.Itoa(threads)},
		{"strict", "strict"},
		{"err_detect", detect},
		{"flags", "+output_corrupt+unaligned"},
		{"max_pixels", strconv.Itoa(d.maxPixels())},
		{"export_side_data", "venc_params"},
	} {
		if err := options.Set(o[0], o[1], 0); err != nil {
			return nil, &Error{Step: "open", Codec: name, Err: err}
		}
	}

	s := &session{d: d, g: g, fields: make([]bool, len(g)), places: places(g), late: threads - 1}
	s.queue = newQueue[*astiav.Frame](g, s.hidden)
	s.codec = astiav.AllocCodecContext(codec)
	s.packet = astiav.AllocPacket()
	s.frame = astiav.AllocFrame()
	d.live.Add(3)
	if err := s.codec.Open(codec, options); err != nil {
		s.close()
		return nil, &Error{Step: "open", Codec: name, Err: err}
	}
	return s, nil
}

// close frees everything.
func (s *session) close() {
	for _, f := range s.queue.rest() {
		s.free(f)
	}
	s.frame.Free()
	s.packet.Free()
	s.codec.Free()
	s.d.live.Add(-3)
}

func (s *session) free(f *astiav.Frame) {
	f.Free()
	s.d.live.Add(-1)
}

// run decodes the GOP and yields its pictures. It returns the error that ends the sequence, nil if it ended well or the caller
// had enough.
func (s *session) run(ctx context.Context, from time.Time, yield func(*frame.Picture, error) bool) error {
	due, given := 0, 0
	for i := range s.g {
		if !s.g[i].Time.Before(from) {
			due++
		}
	}
	for i := 0; i <= len(s.g); i++ {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		switch {
		case i == len(s.g):
			s.drain()
		case s.inspect(i) && s.g[i].Time.Before(from):
			s.queue.forgo(i)
		default:
			s.send(i)
		}
		for {
			unit, f, corrupt, ok := s.queue.take()
			if !ok {
				break
			}
			if s.g[unit].Time.Before(from) {
				s.free(f)
				continue
			}
			if ctx.Err() != nil {
				s.free(f)
				return context.Cause(ctx)
			}
			p, err := s.picture(unit, f)
			s.free(f)
			if err != nil {
				return &Error{Step: "convert", Codec: s.g[unit].Codec, Err: err}
			}
			p.Corrupt = p.Corrupt || corrupt
			given++
			if !yield(p, nil) {
				return nil
			}
		}
	}
	if due > 0 && given == 0 {
		err := ErrNoPicture
		if s.last != nil {
			err = fmt.Errorf("%w: %w", ErrNoPicture, s.last)
		}
		return &Error{Step: "receive", Codec: s.g[0].Codec, Err: err}
	}
	return nil
}

// inspect notes the damage that is known of unit i before it is decoded. It reports whether the unit need not be decoded unless its
// own picture is wanted.
func (s *session) inspect(i int) (spare bool) {
	if s.g[i].Lost || s.places[i].gap {
		s.queue.spoil(i, false)
	}
	if s.places[i].broken {
		s.queue.spoil(i, s.places[i].alone)
	}
	return s.places[i].spare
}

// send gives unit i to the decoder, and takes what comes out.
func (s *session) send(i int) {
	u := &s.g[i]
	if len(u.Data) == 0 { // to libav an empty packet is the end
		s.queue.lose(i)
		return
	}
	s.buf = append(s.buf[:0], u.Data...)
	s.buf = append(s.buf, make([]byte, padding)...)
	if err := s.packet.FromData(s.buf); err != nil {
		s.fail(i, err)
		s.queue.lose(i)
		return
	}
	s.packet.SetSize(len(u.Data))
	s.packet.SetPts(int64(i))
	s.packet.SetDts(int64(i))
	err := s.codec.SendPacket(s.packet)
	s.packet.Unref()
	if err != nil {
		s.fail(i, err)
	}
	s.receive(i)
}

// drain takes what the decoder still holds.
func (s *session) drain() {
	last := len(s.g) - 1
	if err := s.codec.SendPacket(nil); err != nil {
		s.fail(last, err)
	}
	s.receive(last)
	s.queue.drain()
}

// fail notes an error that came when unit i was the last one sent.
func (s *session) fail(i int, err error) {
	s.last = err
	for j := max(0, i-s.late); j <= i; j++ {
		s.queue.spoil(j, s.places[j].alone)
	}
}

// receive puts into the queue what the decoder has ready. Unit i was the last one sent.
func (s *session) receive(i int) {
	// Each unit gives at most one picture or error, so that a decoder gone wrong cannot keep this going.
	for range 2*len(s.g) + 2 {
		err := s.codec.ReceiveFrame(s.frame)
		if errors.Is(err, astiav.ErrEagain) || errors.Is(err, astiav.ErrEof) {
			return
		}
		if err != nil {
			s.fail(i, err)
			continue
		}
		s.keep(i)
	}
}

// keep puts the frame just received into the queue. Unit last was the last one sent.
func (s *session) keep(last int) {
	raw := new(C.ls_raw)
	C.ls_read(s.frame.UnsafePointer(), raw)
	i := int(raw.pts)
	if i < 0 || i >= len(s.g) {
		s.fail(last, errors.New("a picture of no unit"))
		s.frame.Unref()
		return
	}
	s.fields[i] = raw.interlaced != 0
	if damaged(s.g[i].Codec, raw) {
		s.queue.spoil(i, s.places[i].alone)
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

// picture makes the picture of unit i from its frame.
func (s *session) picture(i int, f *astiav.Frame) (*frame.Picture, error) {
	img, raw, err := s.convert(f)
	if err != nil {
		return nil, err
	}
	u := &s.g[i]
	return &frame.Picture{
		YCbCr: img, PTS: u.PTS, Time: u.Time, Key: u.Key, QP: float32(raw.qp),
		Corrupt: raw.corrupt != 0 || raw.errors != 0,
	}, nil
}

// hidden tells whether unit i may rightly have no picture of its own: because it says so, or because it is the second field of
// the picture before it.
func (s *session) hidden(i int) bool {
	return i > 0 && s.fields[i-1] || hidden(s.g[i].Codec, s.g[i].Data)
}
