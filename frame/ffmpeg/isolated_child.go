package ffmpeg

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/ffmpeg/internal/child"
	"github.com/livestill/livestill/frame/ffmpeg/internal/tone"
)

// A child has no more threads for one GOP, whatever it is told.
const mostThreads = 64

// Child was called.
var hasChild atomic.Bool

// Child makes the program able to be the child of an Isolated, which is the same program executed anew. It belongs at the very top of
// main, or of TestMain, without any condition:
//
//	func main() {
//		ffmpeg.Child()
//		flag.Parse()
//		...
//
// In a child it decodes, and never returns. In any other process it returns at once. Variables are initialized in children too, and init
// functions run; a child has neither the arguments nor the environment of its parent.
func Child() {
	hasChild.Store(true)
	if len(os.Args) > 0 && os.Args[0] == child.Name {
		if err := child.Main(greet); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
}

// greet says hello, and serves.
func greet(socket io.ReadWriter, shared []byte, confined bool, headroom func() bool) error {
	if err := writeAnswer(socket, &answer{Kind: ansHello, Confined: confined}, nil); err != nil {
		return err
	}
	return serve(socket, shared, headroom)
}

// serve is what a child does: it decodes one GOP after the other, as it is told, until there are no more requests. Images are made in the
// memory that it shares. It gives a GOP up when there is no headroom.
func serve(socket io.ReadWriter, shared []byte, headroom func() bool) error {
	var cubes tone.Cubes
	for {
		o, _, err := readRequest(socket)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case o.Kind != reqBegin:
			return fmt.Errorf("request %d where a GOP begins", o.Kind)
		}
		s := &served{socket: socket, headroom: headroom}
		s.decoder.Threads, s.decoder.MaxPixels, s.decoder.MaxMemory = int(min(o.Threads, mostThreads)), int(o.MaxPixels), o.MaxMemory
		s.decoder.shared, s.decoder.kept = shared, &cubes
		if err := s.gop(); err != nil {
			return err
		}
	}
}

// A served is the decoding of one GOP in a child.
type served struct {
	socket    io.ReadWriter
	decoder   Decoder
	headroom  func() bool    // there is memory for a picture more
	codec     frame.Codec    // of the newest unit
	short     bool           // there was no headroom
	say       []byte         // what is said together with what comes next
	offered   []frame.Latent // with the newest unit
	finishing bool           // all units are there
	abandoned bool
	err       error // of the socket, or a request that makes no sense
}

// gop decodes one GOP. Its error is one after which the child can do no more.
func (s *served) gop() (err error) {
	ctx, abandon := context.WithCancel(context.Background())
	defer abandon()
	defer func() {
		if v := recover(); v != nil {
			err = &Error{Step: "child", Err: fmt.Errorf("%w: panic: %v", ErrCrashed, v)}
			_ = writeAnswer(s.socket, &answer{Kind: ansDone}, err)
		}
	}()
	var last error
	for l, err := range s.decoder.Follow(ctx, func(yield func(frame.AccessUnit, bool) bool) { s.units(yield, abandon) }) {
		if err != nil {
			last = err
		} else if !s.offer(l) {
			break
		}
	}
	if s.err != nil {
		return s.err
	}
	switch {
	case s.abandoned:
		last = nil
	case s.short:
		last = &Error{Step: "receive", Codec: s.codec, Err: fmt.Errorf("%w: more memory than a child may take", frame.ErrTooCostly)}
	}
	return writeAnswer(s.socket, &answer{Kind: ansDone}, last)
}

// ask says a, and returns the request that follows; ok is false if the GOP is over, whatever the reason.
func (s *served) ask(a *answer, fault error) (o request, data []byte, ok bool) {
	a.InUse = s.decoder.stats.inUse.Load()
	s.say = appendAnswer(s.say, a, fault)
	if _, s.err = s.socket.Write(s.say); s.err == nil {
		o, data, s.err = readRequest(s.socket)
	}
	s.say = s.say[:0]
	s.abandoned = o.Kind == reqAbandon
	return o, data, s.err == nil && !s.abandoned
}

// units yields the units that are sent. In between the pictures that were offered are developed.
func (s *served) units(yield func(frame.AccessUnit, bool) bool, abandon func()) {
	a, fault := answer{Kind: ansMore}, error(nil)
	for {
		// Where it is refused memory, libav may see damage and go on.
		if s.short = !s.headroom(); s.short {
			abandon()
			return
		}
		o, data, ok := s.ask(&a, fault)
		a, fault = answer{Kind: ansMore}, nil
		l := slices.IndexFunc(s.offered, func(l frame.Latent) bool { return l.Unit == int(o.Unit) && !l.Hidden })
		switch {
		case !ok:
			abandon()
			return
		case o.Kind == reqFinish:
			s.finishing = true
			return
		case o.Kind == reqDevelop && l >= 0:
			a, fault = s.develop(s.offered[l], o.Second)
			continue
		case o.Kind != reqUnit:
			s.err = fmt.Errorf("request %d where a unit is due", o.Kind)
			abandon()
			return
		}
		s.codec, s.offered = o.Codec, s.offered[:0]
		u := frame.AccessUnit{Codec: o.Codec, Key: o.Key, Lost: o.Lost, PTS: time.Duration(o.PTS), Time: time.Unix(0, o.Time), Data: data}
		if o.Colours != (frame.Colours{}) {
			u.Colours = &o.Colours
		}
		if !yield(u, o.Wanted) {
			return
		}
	}
}

// offer tells of a picture, with what is said next; when the GOP comes to its end, that is at once. It returns false if the GOP is over.
func (s *served) offer(l frame.Latent) bool {
	a, fault := answer{Kind: ansLatent, Unit: uint32(l.Unit), Corrupt: l.Corrupt, Hidden: l.Hidden, Second: l.Second != nil, EffectiveQP: l.EffectiveQP}, error(nil)
	if !s.finishing {
		s.offered = append(s.offered, l)
		s.say = appendAnswer(s.say, &a, nil)
		return true
	}
	for {
		o, _, ok := s.ask(&a, fault)
		switch {
		case !ok:
			return false
		case o.Kind == reqProceed:
			return true
		case o.Kind != reqDevelop || l.Hidden:
			s.err = fmt.Errorf("request %d where a picture is offered", o.Kind)
			return false
		}
		a, fault = s.develop(l, o.Second)
	}
}

// develop makes the picture, in the shared memory.
func (s *served) develop(l frame.Latent, second bool) (answer, error) {
	latent := l.Develop
	if second && l.Second != nil {
		latent = l.Second
	}
	p, err := latent()
	if err == nil && (len(p.Y) == 0 || &p.Y[0] != &s.decoder.shared[0]) {
		err = &Error{Step: "convert", Err: fmt.Errorf("%w: a picture of %d by %d", frame.ErrTooCostly, p.Rect.Dx(), p.Rect.Dy())}
	}
	if err != nil {
		return answer{Kind: ansFailed}, err
	}
	return answer{
		Kind: ansPixels, Width: uint32(p.Rect.Dx()), Height: uint32(p.Rect.Dy()), Ratio: uint8(p.SubsampleRatio),
		QP: p.QP, Frozen: int64(p.Frozen), Signal: p.Signal, Changes: p.Changes,
	}, nil
}

// newImage is image.NewYCbCr, but in the shared memory, if there is any and it is large enough.
func (d *Decoder) newImage(r image.Rectangle, ratio image.YCbCrSubsampleRatio) *image.YCbCr {
	luma, chroma := planeSizes(r.Dx(), r.Dy(), ratio)
	if luma+2*chroma > len(d.shared) {
		return image.NewYCbCr(r, ratio)
	}
	y, cb, cr := d.shared[:luma], d.shared[luma:luma+chroma], d.shared[luma+chroma:luma+2*chroma]
	img := &image.YCbCr{Y: y, Cb: cb, Cr: cr, YStride: r.Dx(), CStride: r.Dx(), SubsampleRatio: ratio, Rect: r}
	if ratio != image.YCbCrSubsampleRatio444 {
		img.CStride = (r.Dx() + 1) / 2
	}
	return img
}

// planeSizes returns how many bytes the planes of a picture take, which lie one behind the other: luma, and twice chroma.
func planeSizes(w, h int, ratio image.YCbCrSubsampleRatio) (luma, chroma int) {
	cw, ch := w, h
	if ratio != image.YCbCrSubsampleRatio444 {
		cw = (w + 1) / 2
	}
	if ratio == image.YCbCrSubsampleRatio420 {
		ch = (h + 1) / 2
	}
	return w * h, cw * ch
}
