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
	"github.com/livestill/livestill/frame/ffmpeg/internal/reorder"
	"github.com/livestill/livestill/internal/bitstream"
)

// send gives the newest unit to the decoder, and takes what comes out.
func (g *gopDecoder) send(u *frame.AccessUnit) error {
	i := g.units.Len() - 1
	switch {
	case len(u.Data) == 0: // to libav an empty packet is the end
		g.reorder.Lose(i)
		return nil
	case crowded(g.headers, g.size):
		g.fail(errCrowded)
		g.reorder.Lose(i)
		return nil
	}
	if err := g.adapt(u); err != nil {
		return err
	}
	refused := g.decode(u)
	if refused&C.LS_DIFFERS != 0 {
		if err := g.dropGuardRow(u); err != nil {
			return err
		}
		refused = g.decode(u)
	}
	if err := g.refusal(refused); err != nil {
		return err
	}
	// The picture of a second field is that of the first.
	if g.units.At(i).status.SecondField || inOrder(g.codec) {
		g.reorder.Lose(i)
	}
	return nil
}

// inOrder reports whether pictures of a codec are coded in the order they are shown in: what has not come with its unit does not come.
func inOrder(c frame.Codec) bool {
	return c == frame.VP8 || c == frame.VP9 || c == frame.AV1 || c == frame.MJPEG
}

// adapt goes by what the headers of the newest unit say of the pictures from it on.
func (g *gopDecoder) adapt(u *frame.AccessUnit) error {
	if g.headers.Declared > int64(g.d.maxPixels()) {
		return g.growth()
	}
	if first := g.units.Len() == 1; !first {
		if err := g.checkSequences(u.Key); err != nil {
			return err
		}
		if u.Key {
			if err := g.resize(g.headers.Size); err != nil {
				return err
			}
		}
	}
	if g.guardRow != nil && !g.guardRow.Fits(g.headers) {
		return g.dropGuardRow(u)
	}
	return nil
}

// checkSequences returns an error if a unit tells of a sequence of pictures that take more than the GOP may. It need not use it: FFmpeg makes tables
// for what parameter sets tell of, whether there are such pictures or not. A key unit of other codecs than AV1 may go on with others: see resize.
func (g *gopDecoder) checkSequences(key bool) error {
	for _, z := range g.headers.Sequences {
		if z.Pixels() == 0 && g.size.Pixels() > 0 || g.d.costOf(z).Decoding > g.d.allowed(g.size) {
			return g.growth()
		}
	}
	if !key && g.d.costOf(g.headers.Size).Decoding > g.d.allowed(g.size) {
		return g.growth()
	}
	return nil
}

// growth returns the error of a GOP with headers of pictures that are too large for it.
func (g *gopDecoder) growth() error {
	return &Error{Step: "send", Codec: g.codec, Err: fmt.Errorf("%w: its pictures become larger than the %d x %d that the headers of its GOP say",
		frame.ErrTooCostly, g.size.Width, g.size.Height)}
}

// resize goes on with pictures of another size.
func (g *gopDecoder) resize(to bitstream.Size) error {
	g.size = to
	C.ls_buffers_allow(g.buffers, C.int64_t(mostGrowth*to.Pixels()))
	return g.d.check(g.codec, to)
}

// dropGuardRow goes on with the newest unit without a guard row. Where that is no key unit, what it refers to is gone.
func (g *gopDecoder) dropGuardRow(u *frame.AccessUnit) error {
	if err := g.libav.SendPacket(nil); err != nil {
		g.fail(err)
	}
	g.receive()
	g.end()
	g.guardRow = nil
	if !u.Key {
		g.reorder.Damage(g.units.Len()-1, false)
	}
	return g.begin()
}

// decode makes a packet of the newest unit, and takes what comes out. It returns why there was no buffer for a picture, if so.
func (g *gopDecoder) decode(u *frame.AccessUnit) (refused C.int) {
	i := g.units.Len() - 1
	switch g.buf = g.buf[:0]; {
	case g.guardRow != nil:
		g.buf = g.guardRow.AppendUnit(g.buf, g.headers)
	case g.headers.Changed:
		for _, n := range g.headers.NALs {
			g.buf = bitstream.AppendAnnexB(g.buf, n)
		}
	default:
		g.buf = append(g.buf, u.Data...)
	}
	size := len(g.buf)
	g.buf = append(g.buf, make([]byte, padding)...)
	if err := g.packet.FromData(g.buf); err != nil {
		g.fail(err)
		g.reorder.Lose(i)
		return 0
	}
	g.packet.SetSize(size)
	g.packet.SetPts(int64(i))
	g.packet.SetDts(int64(i))
	C.ls_buffers_begin(g.buffers)
	begun := time.Now()
	err := g.libav.SendPacket(g.packet)
	g.d.stats.work(time.Since(begun))
	g.packet.Unref()
	if refused = C.ls_buffers_refused(g.buffers); refused&C.LS_DIFFERS != 0 {
		return refused // it is no error yet
	}
	if err != nil {
		g.fail(err)
	}
	g.receive()
	return C.ls_buffers_refused(g.buffers)
}

// refusal returns the error that decoding ends with.
func (g *gopDecoder) refusal(refused C.int) error {
	var err error
	z := g.size
	switch {
	case refused&C.LS_LARGER != 0:
		err = fmt.Errorf("%w: a picture is much larger than the %d x %d that the headers of its GOP say", frame.ErrTooCostly, z.Width, z.Height)
	case refused&C.LS_COSTLY != 0 && z.Pixels() > 0:
		err = fmt.Errorf("%w: pictures of %d x %d with %d references take more than %d MiB", frame.ErrTooCostly, z.Width, z.Height, z.References,
			g.d.allowed(z)>>20)
	case refused&C.LS_COSTLY != 0:
		err = fmt.Errorf("%w: its pictures take more than %d MiB", frame.ErrTooCostly, g.d.allowed(z)>>20)
	default:
		return nil
	}
	return &Error{Step: "send", Codec: g.codec, Err: err}
}

// drain takes what the decoder still buffers.
func (g *gopDecoder) drain() {
	if err := g.libav.SendPacket(nil); err != nil {
		g.fail(err)
	}
	g.receive()
	g.reorder.Drain()
}

// fail notes an error that came when the newest unit was sent.
func (g *gopDecoder) fail(err error) {
	g.last = err
	i := g.units.Len() - 1
	g.reorder.Damage(i, g.units.At(i).status.NonReference)
}

// receive puts into the reorder buffer what the decoder has ready.
func (g *gopDecoder) receive() {
	const most = 4 * reorder.MaxAhead // that a decoder gives at a time, with all it buffers; one gone wrong cannot keep this going
	for range most {
		begun := time.Now()
		err := g.libav.ReceiveFrame(g.frame)
		g.d.stats.work(time.Since(begun))
		if errors.Is(err, astiav.ErrEagain) || errors.Is(err, astiav.ErrEof) {
			return
		}
		if err != nil {
			g.fail(err)
			continue
		}
		g.keep()
	}
}

// keep puts the frame just received into the reorder buffer.
func (g *gopDecoder) keep() {
	raw := new(C.ls_raw)
	C.ls_read(g.frame.UnsafePointer(), raw)
	i := int(raw.pts)
	u := g.units.At(i)
	if u == nil {
		if i < 0 || i >= g.units.Len() {
			g.fail(errors.New("a picture of no unit"))
		} // else it is another one of a unit that has long been shown
		g.frame.Unref()
		return
	}
	u.fields = interlaced(g.codec, u.status.PicStruct, frame.FieldOrder(raw.fields))
	u.qp = g.qp.next(scaleQP(g.codec, float64(raw.qp)), raw.intra != 0, raw.bi != 0)
	if damaged(g.codec, raw) || g.hasCanaries() && C.ls_canaries_left(g.frame.UnsafePointer()) != 0 {
		g.reorder.Damage(i, u.status.NonReference)
	}
	f := astiav.AllocFrame()
	f.MoveRef(g.frame)
	if !g.reorder.Put(i, f) {
		f.Free()
	}
}

// damaged tells whether the decoder saw errors that spread to what refers to the picture. In H.264 the corrupt flag alone says
// something else: that the decoder started at a recovery point (D.2.8) which this picture still lies before. It has an end.
func damaged(c frame.Codec, raw *C.ls_raw) bool {
	return raw.errors != 0 || raw.corrupt != 0 && c != frame.H264
}
