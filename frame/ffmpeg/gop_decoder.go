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
	"github.com/livestill/livestill/frame/ffmpeg/internal/reorder"
	"github.com/livestill/livestill/internal/bitstream"
	"github.com/livestill/livestill/internal/tail"
)

// libav reads up to this many bytes past the end of a packet (AV_INPUT_BUFFER_PADDING_SIZE), and they must be zero.
const padding = 64

// What FFmpeg makes of one unit takes as long as there are pictures in it, and no context stops it. H.264 and H.265 have a picture, and as
// many as they refer to may be made up where they are missing; MJPEG has two fields.
const (
	mostBegun  = 2 * reorder.MaxAhead
	mostFields = 2
)

// A gopDecoder decodes one GOP. Packets carry the index of their unit as timestamp, so that a frame is known to be of a
// unit whatever the publisher's timestamps are.
type gopDecoder struct {
	d       *Decoder
	codec   frame.Codec
	decoder *astiav.Codec
	libav   *astiav.CodecContext
	buffers *C.ls_buffers // of libav's pictures
	packet  *astiav.Packet
	frame   *astiav.Frame // what is received into

	units    tail.List[unit] // those that were taken
	start    time.Duration   // PTS of the first
	tracker  bitstream.Tracker
	headers  *bitstream.Headers  // of the newest unit
	guardRow *bitstream.GuardRow // nil without one
	size     bitstream.Size      // by the headers of the newest key unit
	told     *bitstream.Size     // the same, for the units up to the next one
	light    bitstream.LightLevels
	inUse    int64 // bytes of pictures, as Stats has them
	qp       effectiveQP
	reorder  *reorder.Buffer[*astiav.Frame]

	offered []*astiav.Frame // by a child, which can develop them until the next unit

	buf     []byte        // a unit and its padding
	due     bool          // a picture was wanted
	given   bool          // one came
	last    error         // the latest error of libav
	clear   bool          // the first clean picture was sent, if decoding began without one
	clean   time.Duration // and its PTS
	lasting lasting       // of the picture that was shown last

	interlacing interlacing
}

// A unit is what is kept of an access unit.
type unit struct {
	pts     time.Duration
	time    time.Time
	key     bool
	wanted  bool // its picture may be
	status  bitstream.Status
	size    *bitstream.Size  // by the headers of the key unit before
	qp      float32          // effective quantiser of its picture
	fields  frame.FieldOrder // of its picture
	offered bool             // its second field was, which is in the frame of the unit before

	colours *frame.Colours // as the access unit has them
}

// open opens a gopDecoder for a GOP that begins with first.
func (d *Decoder) open(first *frame.AccessUnit) (*gopDecoder, error) {
	if err := begins(first); err != nil {
		return nil, err
	}
	quiet()
	id, _ := codecID(first.Codec)
	decoder := astiav.FindDecoder(id)
	if decoder == nil {
		return nil, &Error{Step: "open", Codec: first.Codec, Err: ErrUnsupported}
	}
	g := &gopDecoder{d: d, codec: first.Codec, decoder: decoder}
	g.read(first)
	g.size = g.headers.Size
	if err := d.check(g.codec, g.size); err != nil {
		return nil, err
	}
	if g.codec == frame.H264 {
		g.guardRow = bitstream.NewGuardRow(g.headers)
	}
	g.reorder = reorder.New[*astiav.Frame](func(i int) bool {
		s := &g.units.At(i).status
		return s.Hidden || s.SecondField
	})
	g.packet = astiav.AllocPacket()
	g.frame = astiav.AllocFrame()
	if err := g.begin(); err != nil {
		g.close()
		return nil, err
	}
	d.stats.gops.Add(1)
	return g, nil
}

// begin opens libav's decoder.
func (g *gopDecoder) begin() (err error) {
	pixels := g.d.maxPixels()
	if g.codec == frame.AV1 { // its decoder has buffers of its own
		pixels = int(min(int64(pixels), orAssumed(g.size).Pixels()))
	}
	if g.guardRow != nil {
		pixels = min(pixels+g.guardRow.Frame.Pixels(), math.MaxInt32) // which is what FFmpeg counts up to
	}
	options := astiav.NewDictionary()
	defer options.Free()
	for _, o := range append(g.options(), option{"max_pixels", strconv.Itoa(pixels)}) {
		if err := options.Set(o.name, o.value, 0); err != nil {
			return &Error{Step: "open", Codec: g.codec, Err: err}
		}
	}
	g.libav = astiav.AllocCodecContext(g.decoder)
	if g.buffers, err = buffers(g.libav, g.expected()); err != nil {
		return &Error{Step: "open", Codec: g.codec, Err: err}
	}
	if err := g.libav.Open(g.decoder, options); err != nil {
		return &Error{Step: "open", Codec: g.codec, Err: err}
	}
	return nil
}

// An option is one of libav's.
type option struct{ name, value string }

// options returns what libav's decoder is told:
//   - thread_type: with slices no picture is delayed, nor its errors
//   - strict: reorder by what the stream's level allows, not by a guess that drops pictures when it proves wrong
//   - err_detect, output_corrupt: notice damage, and give the picture all the same, flagged. What "careful" and "aggressive" add
//     is harmless to sane H.264; other decoders refuse what real encoders write.
//   - unaligned: crop to the exact column
//   - low_delay: dav1d too delays no picture
//   - venc_params: tell the quantisers
func (g *gopDecoder) options() []option {
	threads, detect, flags := g.d.threads(), "crccheck+bitstream+buffer", "+output_corrupt+unaligned"
	switch g.codec {
	case frame.H264:
		threads = 1 // see Decoder.Threads
		detect += "+careful+aggressive"
	case frame.H265:
		threads = 1
	case frame.MJPEG: // else errors of a scan are only logged
		detect += "+explode"
	case frame.AV1:
		flags += "+low_delay"
	case frame.VP8, frame.VP9, frame.MPEG4:
	}
	return []option{
		{"threads", strconv.Itoa(threads)},
		{"thread_type", "slice"},
		{"strict", "strict"},
		{"err_detect", detect},
		{"flags", flags},
		{"export_side_data", "venc_params"},
	}
}

// expected says what libav's pictures must be like.
func (g *gopDecoder) expected() *C.ls_expect {
	e := &C.ls_expect{bytes: C.int64_t(g.d.allowed(g.size)), pixels: C.int64_t(mostGrowth * g.size.Pixels())}
	e.each = mostBegun
	if g.codec == frame.MJPEG {
		e.each = mostFields
	}
	if g.hasCanaries() {
		e.canaries = 1
	}
	if g.guardRow != nil {
		expectGuardRow(e, &g.guardRow.Frame)
	}
	return e
}

// expectGuardRow says what FFmpeg's pictures must be like if it reads the parameter sets as we do.
func expectGuardRow(e *C.ls_expect, f *bitstream.GuardedFrame) {
	e.row = 1
	e.width, e.height = C.int(f.Width), C.int(f.Height)
	e.shown_width, e.shown_height = C.int(f.ShownWidth), C.int(f.ShownHeight)
	e.chroma, e.depth = C.int(f.ChromaFormat), C.int(f.BitDepth)
}

// hasCanaries reports whether canaries are put into the blocks of pictures, to tell those that nothing was decoded to. FFmpeg does not ask
// whether the slices of H.265 cover the picture, nor whether a picture of VP8 is whole; in H.264 it does, but not of fields. What they leave out
// is what was in the memory before.
func (g *gopDecoder) hasCanaries() bool {
	return g.codec == frame.H265 || g.codec == frame.VP8 || g.codec == frame.H264 && g.guardRow == nil
}

// end frees the decoder.
func (g *gopDecoder) end() {
	if g.libav == nil {
		return
	}
	g.libav.Free()
	g.libav = nil
	if g.buffers != nil {
		C.ls_buffers_close(g.buffers)
		g.buffers = nil
	}
}

// account tells Stats what the pictures take.
func (g *gopDecoder) account() {
	inUse := int64(0)
	if g.buffers != nil {
		inUse = int64(C.ls_buffers_in_use(g.buffers))
	}
	g.d.stats.use(inUse - g.inUse)
	g.inUse = inUse
}

// close frees everything.
func (g *gopDecoder) close() {
	if half := g.interlacing.half; half != nil {
		g.leave(half.Picture)
	}
	g.precede(shownFields{})
	g.retire()
	for _, f := range g.reorder.Rest() {
		f.Free()
	}
	g.frame.Free()
	g.packet.Free()
	g.end()
	g.account()
}

// follow decodes units and yields their pictures. It returns the error that ends the sequence, nil if it ended well or the caller
// had enough.
func (d *Decoder) follow(ctx context.Context, units iter.Seq2[frame.AccessUnit, bool], yield func(frame.Latent, error) bool) (err error) {
	var g *gopDecoder
	defer func() {
		if g != nil {
			g.close()
		}
	}()
	for u, wanted := range units {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if g == nil {
			if g, err = d.open(&u); err != nil {
				return err
			}
		}
		err = g.take(&u, wanted)
		g.account()
		if err != nil {
			return err
		}
		if more := g.show(yield); !more {
			return nil
		}
	}
	switch {
	case g == nil:
		return &Error{Step: "check", Err: fmt.Errorf("%w: no units", ErrGOP)}
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return g.finish(yield)
}

// finish yields what comes when the units have ended. It returns an error if that is no picture at all where one was due. A patch is welcome,
// says FFmpeg of what it knows and cannot do.
func (g *gopDecoder) finish(yield func(frame.Latent, error) bool) error {
	g.drain()
	if !g.show(yield) || !g.alone(yield) || g.given || !g.due {
		return nil
	}
	err := ErrNoPicture
	switch {
	case errors.Is(g.last, astiav.ErrPatchwelcome):
		err = fmt.Errorf("%w: %w", ErrUnsupported, g.last)
	case g.last != nil:
		err = fmt.Errorf("%w: %w", ErrNoPicture, g.last)
	}
	return &Error{Step: "receive", Codec: g.codec, Err: err}
}

// retire frees the pictures that were offered with the unit before.
func (g *gopDecoder) retire() {
	for _, f := range g.offered {
		f.Free()
	}
	g.offered = g.offered[:0]
}

// read reads the headers of the next unit.
func (g *gopDecoder) read(u *frame.AccessUnit) {
	g.headers = g.tracker.Next(u)
	if g.told == nil || u.Key {
		size := g.headers.Size
		g.told = &size
	}
	if u.Key && u.Codec == frame.H264 {
		g.light = bitstream.ReadLightLevels(g.headers.NALs)
	}
	if g.headers.SEI > mostSEI {
		g.headers.DropSEI()
	}
}

// take decodes the next unit, unless nobody needs it.
func (g *gopDecoder) take(u *frame.AccessUnit, wanted bool) error {
	i := g.units.Len()
	if u.Codec != g.codec {
		return &Error{Step: "check", Codec: g.codec, Err: fmt.Errorf("%w: unit %d is %v", ErrGOP, i, u.Codec)}
	}
	g.retire()
	if i > 0 { // the headers of the first were read when this began
		g.read(u)
	} else {
		g.start = u.PTS
	}
	status := g.headers.Status
	g.d.stats.units.Add(1)
	g.units.Add(unit{pts: u.PTS, time: u.Time, key: u.Key, wanted: wanted, status: status, size: g.told, colours: u.Colours})
	g.reorder.Add(u.PTS, u.Key)
	g.units.Forget(g.oldest())
	g.due = g.due || wanted
	if u.Lost || status.MissingReference {
		g.reorder.Damage(i, false)
	}
	if status.NoIDR {
		if !status.BeforeRecovery && !g.clear {
			g.clear, g.clean = true, u.PTS
		}
		if !g.clear || u.PTS < g.clean {
			g.reorder.Damage(i, true)
		}
	}
	if status.Malformed {
		g.reorder.Damage(i, status.NonReference)
	}
	if status.Droppable && !wanted {
		g.reorder.Skip(i)
		return nil
	}
	return g.send(u)
}
