package ffmpeg

// #cgo pkg-config: libavfilter
// #include <stdlib.h>
// #include "filter.h"
// #include "raw.h"
import "C"

import (
	"context"
	"errors"
	"fmt"
	"image"
	"runtime"
	"strings"
	"time"
	"unsafe"

	"github.com/asticode/go-astiav"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/pixels"
)

// How many pictures a graph may give for each it got before it counts as endless.
const maxOutput = 1000

// A Filter is a graph of FFmpeg's filters that makes pictures of pictures, written as ffmpeg's option -vf has it:
//
//	ffmpeg.Filter("hqdn3d,unsharp=5:5:0.6")
//
// It is an enhancer for a capture.Camera, and any number of goroutines may use it at once. The empty Filter leaves pictures as they are.
// Which filters there are depends on the FFmpeg that is linked; hqdn3d, for one, is only in those under the GPL.
//
// Pictures go into the graph as they are, of the full range and BT.601, and said to be so. What comes out may be of any size and pixel
// format, and is converted back; its aspect ratio is not applied, nor is transparency. A graph that makes pictures of more than 8192 x
// 4320, anywhere in it, is refused.
//
// A graph is code. Some filters read and write files and devices or talk to the network (movie, lut3d, metadata, zmq); some work for as
// long as they are told to, which may be for ever (boxblur, while in expressions), and no context stops FFmpeg in the midst of a
// picture. Take graphs from those only whom you trust.
type Filter string

// Enhance sends the pictures of b through the graph, in order, up to the target and not beyond, and returns what the graph shows at the
// target's time: the last picture it makes that is not later, counted from the first that went in; if all are later, the first.
// Pictures of another size, damaged ones, and those out of order do not go in, except for the target.
//
// If the graph is at fault the error is an *Error with ErrGraph or, if all went well but no picture came, ErrNoPicture. If ctx has
// ended, it is the cause of that.
func (f Filter) Enhance(ctx context.Context, b *frame.Burst) (*frame.Picture, error) {
	quiet()
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	target := b.Picture()
	if f == "" {
		return target, nil
	}
	if err := pixels.Check(target); err != nil {
		return nil, f.fail("check", fmt.Errorf("%w: %w", ErrUnsupported, err))
	}
	img, format := encodable(target.YCbCr)
	r := &run{filter: f, graph: new(C.ls_graph), format: format, size: img.Rect.Size()}
	for _, p := range b.Pictures[:b.Target] {
		if !p.Corrupt && p.PTS < target.PTS && r.fits(p) && (len(r.pictures) == 0 || p.PTS > r.pictures[len(r.pictures)-1].PTS) {
			r.pictures = append(r.pictures, p)
		}
	}
	r.pictures = append(r.pictures, target)
	defer r.close()
	if err := r.open(); err != nil {
		return nil, err
	}
	err := frame.Work(ctx, func(ctx context.Context) (err error) {
		img, err = r.play(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	made := *target
	made.YCbCr = img
	return &made, nil
}

// fail returns the error of a step.
func (f Filter) fail(step string, err error) error {
	return &Error{Step: step, Graph: string(f), Err: err}
}

// A run is a graph with the pictures that go through it.
type run struct {
	filter   Filter
	graph    *C.ls_graph
	format   astiav.PixelFormat
	size     image.Point
	pictures []*frame.Picture // the last is the target
	outputs  int
	best     *astiav.Frame // of what came out, what is shown at the target's time; nil before something came
	shown    time.Duration // when it is shown, since the first that went in
}

// fits tells whether a picture can go into the same graph as the target.
func (r *run) fits(p *frame.Picture) bool {
	if pixels.Check(p) != nil {
		return false
	}
	img, format := encodable(p.YCbCr)
	return format == r.format && img.Rect.Size() == r.size
}

func (r *run) open() error {
	if strings.IndexByte(string(r.filter), 0) >= 0 {
		return r.filter.fail("parse", fmt.Errorf("%w: a zero byte in it", ErrGraph))
	}
	from := &C.ls_source{
		format: C.int(r.format), width: C.int(r.size.X), height: C.int(r.size.Y),
		threads: C.int(min(runtime.GOMAXPROCS(0), defaultMaxThreads)),
	}
	if n := len(r.pictures); n > 1 {
		from.rate_den = C.int((r.pictures[n-1].PTS - r.pictures[0].PTS).Milliseconds())
		from.rate_num = C.int(1000 * (n - 1))
	}
	text := C.CString(string(r.filter))
	defer C.free(unsafe.Pointer(text))
	if err := C.ls_graph_open(r.graph, text, from); err < 0 {
		return r.refusal(text, err)
	}
	if r.graph.pixels > defaultMaxPixels {
		return r.filter.fail("configure", fmt.Errorf("%w: it makes pictures of %d pixels", ErrGraph, r.graph.pixels))
	}
	return nil
}

// refusal returns the error of a graph that could not be opened.
func (r *run) refusal(text *C.char, err C.int) error {
	g := r.graph
	switch {
	case g.step == C.LS_PARSE:
		return r.filter.fail("parse", fmt.Errorf("%w: %w", ErrGraph, blame(text, err)))
	case g.step == C.LS_LINK && g.sound != 0:
		return r.filter.fail("link", fmt.Errorf("%w: it takes or gives sound", ErrGraph))
	case g.step == C.LS_LINK && (g.inputs != 1 || g.outputs != 1):
		return r.filter.fail("link", fmt.Errorf("%w: it has %d open inputs and %d open outputs, not one of each", ErrGraph, g.inputs, g.outputs))
	case g.step == C.LS_LINK:
		return r.filter.fail("link", fmt.Errorf("%w: %w", ErrGraph, astiav.Error(err)))
	}
	return r.filter.fail("configure", fmt.Errorf("%w for pictures of %d x %d: %w", ErrGraph, r.size.X, r.size.Y, astiav.Error(err)))
}

// blame says what is wrong with a text that could not be parsed.
func blame(text *C.char, err C.int) error {
	const most = 200 // bytes of a filter that an error repeats; chosen, not measured
	buf := make([]byte, most)
	culprit := C.ls_graph_blame(text, (*C.char)(unsafe.Pointer(unsafe.SliceData(buf))), most)
	n := strings.IndexByte(string(buf), 0)
	filter := string(buf[:n])
	name, options, _ := strings.Cut(filter, "=")
	switch {
	case culprit == 0: // each filter is right, so it is what is around them
		return astiav.Error(err)
	case name == "":
		return errors.New("a filter is missing")
	case astiav.Error(culprit) == astiav.ErrFilterNotFound:
		return fmt.Errorf("%q: %w", name, astiav.ErrFilterNotFound)
	}
	return fmt.Errorf("filter %q with options %q: %w", name, options, astiav.Error(culprit))
}

func (r *run) close() {
	if r.best != nil {
		r.best.Free()
	}
	C.ls_graph_close(r.graph)
}

// play sends the pictures through the graph and returns that of the target's time.
func (r *run) play(ctx context.Context) (*image.YCbCr, error) {
	first := r.pictures[0].PTS
	wanted := (r.pictures[len(r.pictures)-1].PTS - first).Round(moment)
	for i := 0; i <= len(r.pictures) && !r.passed(wanted); i++ {
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		if err := r.send(i, first, wanted); err != nil {
			return nil, err
		}
		if err := r.receive(ctx, wanted); err != nil {
			return nil, err
		}
	}
	if r.best == nil {
		return nil, r.filter.fail("filter", ErrNoPicture)
	}
	raw := new(C.ls_raw)
	C.ls_read(r.best.UnsafePointer(), raw)
	if raw.whole == 0 || int64(raw.width)*int64(raw.height) > defaultMaxPixels || raw.layout == C.LS_OTHER {
		return nil, r.filter.fail("convert", fmt.Errorf("%w: it made a picture of %d x %d", ErrGraph, raw.width, raw.height))
	}
	if raw.siting == sitingUnspecified {
		raw.siting = sitingCenter // as it went in
	}
	if raw.layout == C.LS_GBR {
		raw.full = 1 // libswscale makes no other, and leaves the tag as it was
	}
	img, err := planesToJPEG(raw, image.NewYCbCr)
	if err != nil {
		return nil, r.filter.fail("convert", err)
	}
	return img, nil
}

// passed tells whether nothing that is still to come out can be what is shown at a time.
func (r *run) passed(at time.Duration) bool { return r.best != nil && r.shown >= at }

// send sends the i-th picture into the graph, counting time from the first; after the last, the end.
func (r *run) send(i int, first, last time.Duration) error {
	if i == len(r.pictures) {
		return r.end(last)
	}
	f, err := copied(encodable(r.pictures[i].YCbCr))
	if err != nil {
		return r.filter.fail("filter", err)
	}
	defer f.Free()
	C.ls_full(f.UnsafePointer(), C.int64_t(r.pictures[i].PTS-first))
	return r.sent(C.ls_graph_send(r.graph, f.UnsafePointer()))
}

// end tells the graph that there is no more, and that the last picture is on show for as long as those before it: filters that change
// the rate leave out one that is not.
func (r *run) end(last time.Duration) error {
	each := 40 * time.Millisecond // if there were none before
	if n := len(r.pictures); n > 1 {
		each = last / time.Duration(n-1)
	}
	return r.sent(C.ls_graph_end(r.graph, C.int64_t(last+each)))
}

// sent returns what sending led to. A graph that has ended, as trim does, takes nothing more; that is no error.
func (r *run) sent(err C.int) error {
	if err < 0 && astiav.Error(err) != astiav.ErrEof {
		return r.filter.fail("filter", astiav.Error(err))
	}
	return nil
}

// receive takes what comes out of the graph, up to the picture that is shown at a time.
func (r *run) receive(ctx context.Context, wanted time.Duration) error {
	for !r.passed(wanted) {
		f := astiav.AllocFrame()
		err := astiav.Error(C.ls_graph_receive(r.graph, f.UnsafePointer()))
		if err < 0 {
			f.Free()
			if err == astiav.ErrEof || err == astiav.ErrEagain {
				return nil
			}
			return r.filter.fail("filter", err)
		}
		r.outputs++
		at := r.time(f.Pts())
		if r.best != nil && at > wanted {
			r.shown = at
			f.Free()
			return nil
		}
		if r.best != nil {
			r.best.Free()
		}
		r.best, r.shown = f, at
		if r.outputs > maxOutput*len(r.pictures) {
			return r.filter.fail("filter", fmt.Errorf("%w: it gives pictures without end", ErrGraph))
		}
		if err := context.Cause(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Times that are no further apart are the same: filters round them to time bases of their own.
const moment = time.Microsecond

// time returns a timestamp of the graph as the time since its first picture.
func (r *run) time(pts int64) time.Duration {
	seconds := float64(pts) * float64(r.graph.tb_num) / float64(r.graph.tb_den)
	return time.Duration(seconds * float64(time.Second)).Round(moment)
}
