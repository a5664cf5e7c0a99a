package ffmpeg

import (
	"context"
	"fmt"
	"iter"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/livestill/livestill/frame"
)

// The largest picture decoded if MaxPixels is not set: 8K, the largest that H.264 level 6.2 and H.265 level 6.2 make room for.
const defaultMaxPixels = 8192 * 4320

// More threads than this gain little on the sizes that live streams have, and each holds pictures of its own.
const defaultMaxThreads = 4

// A Decoder makes pictures of GOPs. The zero Decoder is ready to use. It holds nothing between two GOPs, so there is nothing to
// close, and any number of goroutines may decode at once. It must not be copied after first use.
type Decoder struct {
	// Threads is how many decode a GOP; zero means one per core, at most four. H.264 always has one: with more, FFmpeg hands
	// out pictures before it knows their errors (up to version 6) and quantisers (up to 8).
	Threads int

	Concurrent int // GOPs decoded at a time, others wait; zero means GOMAXPROCS
	MaxPixels  int // pictures with more are refused, against bombs; zero means 8192 x 4320

	once  sync.Once
	slots chan struct{}
	live  atomic.Int64 // libav objects that are not freed yet
}

// Decode yields the pictures of g that were shown at or after from, in presentation order; the zero time yields all. PTS, Time
// and Key are those of the access unit a picture was decoded from. The pictures belong to the caller.
//
// Decoding goes on to the end of g, so whoever wants one picture passes g only up to its unit.
//
// A picture is Corrupt if the decoder saw errors in it or in anything before it in decoding order that it may refer to, if a
// unit before it is Lost or has no picture, and if it lies before the point at which a recovery point promises clean pictures.
// A damaged unit whose picture cannot be told at all is left out. If that leaves none where some were due, or if decoding cannot
// begin, the sequence ends with a nil picture and an *Error; with the cause of ctx, if that ends first.
//
// Errors are what FFmpeg finds, and for H.264 missing references and impossible bytes too. Bits that flip may still decode to
// another picture with no error, most often under CABAC; of H.265, VP8 and VP9 FFmpeg says little, and there Lost counts most.
//
// While the sequence is ranged over, it takes one of the Concurrent places; waiting for one ends with ctx.
func (d *Decoder) Decode(ctx context.Context, g frame.GOP, from time.Time) iter.Seq2[*frame.Picture, error] {
	return func(yield func(*frame.Picture, error) bool) {
		if err := check(g); err != nil {
			yield(nil, err)
			return
		}
		if err := d.acquire(ctx); err != nil {
			yield(nil, err)
			return
		}
		defer func() { <-d.slots }()
		s, err := d.open(g)
		if err != nil {
			yield(nil, err)
			return
		}
		defer s.close()
		if err := s.run(ctx, from, yield); err != nil {
			yield(nil, err)
		}
	}
}

// check tells what g lacks of being a GOP that can be decoded.
func check(g frame.GOP) error {
	if len(g) == 0 {
		return &Error{Step: "check", Err: fmt.Errorf("%w: no units", ErrGOP)}
	}
	codec := g[0].Codec
	if _, ok := codecID(codec); !ok {
		return &Error{Step: "check", Codec: codec, Err: ErrUnsupported}
	}
	if !g[0].Key {
		return &Error{Step: "check", Codec: codec, Err: fmt.Errorf("%w: begins with a unit that is not a key unit", ErrGOP)}
	}
	for i := range g {
		if g[i].Codec != codec {
			return &Error{Step: "check", Codec: codec, Err: fmt.Errorf("%w: unit %d is %v", ErrGOP, i, g[i].Codec)}
		}
	}
	return nil
}

// acquire waits for a slot.
func (d *Decoder) acquire(ctx context.Context) error {
	d.once.Do(func() {
		n := d.Concurrent
		if n <= 0 {
			n = runtime.GOMAXPROCS(0)
		}
		d.slots = make(chan struct{}, n)
	})
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	select {
	case d.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (d *Decoder) threads() int {
	if d.Threads > 0 {
		return d.Threads
	}
	return min(runtime.GOMAXPROCS(0), defaultMaxThreads)
}

func (d *Decoder) maxPixels() int {
	if d.MaxPixels > 0 {
		return d.MaxPixels
	}
	return defaultMaxPixels
}
