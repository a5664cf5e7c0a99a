// Package capture makes finished stills of live streams: what is captured (Moment), of which stream (Camera, Hub), whether it may
// be (Policy, Moderator), and what becomes of it (Enhancer, Encoder, Store, Notifier).
//
//	cam := &capture.Camera{
//		Decoder: &ffmpeg.Decoder{},
//		Store:   &store.Dir{Path: "stills"},
//	}
//	go (&rtmp.Server{Handler: cam}).ListenAndServe(ctx)
//	still, err := cam.Capture(ctx, capture.Request{
//		Moment: capture.Ago(2 * time.Second),
//	})
//
// With an Enhancer that merges a picture with its neighbours in time (Merger), a capture may wait for those after it
// (Request.Lookahead), or deliver twice: a quick still at once, and then the better one (Camera.Refine).
package capture

import (
	"cmp"
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/livestill/livestill/capture/internal/sched"
	"github.com/livestill/livestill/capture/internal/shared"
	"github.com/livestill/livestill/frame"
)

// A Camera remembers the recent past of one live stream and captures stills of it. Its fields are the steps of a capture, in the
// order they run; all but the Decoder may be nil. They must not change once the Camera is in use: what is to change while a stream is live is
// for a hook to look up each time, as a PolicyFunc does, and a Hub asks NewCamera anew when a stream begins.
//
// The order keeps promises: nothing that Policy or Moderator refused is ever encoded or stored, an error of theirs refuses, and
// pixels are compressed once, at the end. Nothing is decoded while nobody captures, but see Warm.
//
// Captures of the same moments at the same time share the work: each picture is decoded, enhanced and encoded once, each unit
// decoded once if the Decoder is a Follower. Each has its own run of Policy, Moderator, Finisher, Sealer, Store and Notifier; a picture that a
// Finisher has changed is encoded for its capture alone. For that a picture and its file are kept for a quarter of a second after a capture,
// and while the stream is live the decoder's state.
//
// What is shared has a context without values, which ends when nobody waits for it any more. So a capture that gives up returns at once, while
// its Decoder, Enhancer and Encoder may run for a moment. ServeStream waits for them. When no stream is live, before it and after it, a capture
// leaves nothing behind: it waits for its Decoder to end, unless it gives up.
//
// A hook that panics fails its capture, as an *Error that tells the step, with a PanicError. So does a Decoder, Enhancer or Encoder that calls
// runtime.Goexit, without one; the others are on the goroutine of the capture, which ends then. One that hangs delays its own capture until
// that gives up; only a Decoder, and what a hook does in frame.Work, keeps others from the processor.
//
// Of one decoded, enhanced and moderated picture come several files if there are Variants. They are scaled and encoded at the same time, each in a
// place of the Decoder. Finisher, Sealer and Store are called for each file, of Variants on goroutines that the capture waits for, at the same time
// as for the others. Nothing is stored before all files are made, and the still itself is put last. A capture fails if one of its files does, and the
// Error names that; then some Variants may be in the Store, the still itself is not. Capture the same picture again with the same Request.ID, which is
// that of the Error, and it has all, each once: a Moment of At or AtPTS means the same one as long as it is remembered. The newest is another by then, as that of Ago is, and
// the Variants of the first stay in the Store until they are deleted. But where a Variant lacks its Encoder (ErrUnsupported), the others come, and
// Still.Variants says so.
//
// If the Enhancer is a Merger, a capture keeps many pictures while these are gathered and merged. So one capture at a time does that. Others
// wait, and keep no more than the picture that they have decoded; but one of them may have kept the neighbours that came before it.
type Camera struct {
	Policy    Policy
	Decoder   Decoder
	Enhancer  Enhancer
	Moderator Moderator
	Finisher  Finisher
	Variants  []Variant // other files of each still; requests may choose
	Encoder   Encoder   // of the still itself; nil means JPEG{}
	Encoders  []Encoder // others, for Variants that name their Type
	Sealer    Sealer
	Store     Store // nil keeps the still with the caller alone
	Notifier  Notifier

	// Rotate turns all pictures clockwise by so many degrees, for a camera
	// that hangs upside down or on its side: 0, 90, 180 or 270. Any other
	// value fails each capture with ErrRotate. The stream's own rotation,
	// as its Signal has it, comes first. All hooks see pictures turned.
	Rotate int

	// History is the recent past. Set its bounds before the stream begins.
	History frame.History

	// Warm keeps the newest picture at hand: a decoder follows the stream,
	// never further behind than this, so that no more than that, and one
	// picture, is left to decode. A nanosecond keeps it at one picture; two
	// seconds bound what a GOP of ten costs, and decode nothing of shorter
	// ones. The price is that nearly all of the stream is decoded, captured
	// or not. Zero decodes for captures only.
	//
	// The decoder has memory of the Budget all the time, and a child of
	// an ffmpeg.Isolated: when others want these, some Cameras are not warm
	// until their next key picture. One whose Decoder is no Follower never
	// is.
	//
	// Where a stream sends no key picture for so long that its GOP is too
	// much for the History, the newest picture can be had from this decoder
	// alone, as long as it lasts and keeps up.
	Warm time.Duration

	// MaxDecoding is the time that one capture may take to decode a GOP, as
	// long as it has a place of the Decoder; zero means 30 seconds. What
	// takes longer is an ErrTooCostly. It bounds Followers only: a GOP that
	// goes to Decode at once ends with its context.
	MaxDecoding time.Duration

	// Budget bounds the memory of Histories and captures, of this Camera
	// and of all that share it; nil means frame.DefaultBudget. It knows
	// what a Decoder takes that is a Coster.
	//
	// A capture has memory from the decoding of its picture until the
	// Store has the still: a hook that captures and waits for that, other
	// than the Policy and the Notifier, may wait until its context ends.
	Budget *frame.Budget

	once    sync.Once
	decodes *sched.Scheduler // made by scheduler

	running shared.Group // goroutines that work for captures

	standIns shared.Calls[standInID, *frame.Picture]
	scores   shared.Calls[sched.ID, Scores]
	enhanced shared.Calls[enhancedID, enhanced]
	files    shared.Calls[fileID, []byte]
	scaled   shared.Calls[fileID, []scaled] // of siblings
	variants shared.Calls[fileID, []byte]

	merging     shared.Semaphore // of captures that keep neighbours; made by scheduler
	prefetching atomic.Bool      // a capture has a prefetch
	stats       counters
	serving     atomic.Pointer[frame.Stream] // nil unless a stream is live
	ended       atomic.Pointer[error]        // why the last stream has ended; nil if its publisher left properly
	claim       claim                        // of the Hub whose publishers it serves
	discreet    atomic.Bool                  // a Hub has it: whoever captures need not know whose stream it was
}

// The Variants of this many pictures are kept for other captures.
const keptPictures = 4

// scheduler returns what decodes for captures.
func (c *Camera) scheduler() *sched.Scheduler {
	c.once.Do(func() {
		c.merging = make(shared.Semaphore, 1)
		c.scaled.Most = keptPictures
		c.variants.Most = keptPictures * len(c.Variants)
		c.decodes = sched.New(sched.Source{
			History: &c.History, Decoder: c.Decoder, Warm: c.Warm, MaxDecoding: c.MaxDecoding, Budget: c.Budget, Group: &c.running,
			Rotate: c.Rotate,
		})
	})
	return c.decodes
}

// ServeStream takes in the units of s until it ends, and waits for what captures have begun meanwhile, if nobody else does. When ctx ends, it
// hangs up on the publisher with the cause: at once if s.Close is set, else at the next unit. It refuses a second stream at the same time with
// ErrLive. What an earlier stream left in the History remains until it is too old, so that the last seconds can be captured after the end.
//
// A hook that goes on when its context has ended delays the end of ServeStream. By then the stream counts as ended: another may begin.
func (c *Camera) ServeStream(ctx context.Context, s *frame.Stream) error {
	_, err := c.serve(ctx, s)
	return err
}

// serve is ServeStream. It has begun unless another stream is there.
func (c *Camera) serve(ctx context.Context, s *frame.Stream) (begun bool, err error) {
	decodes := c.scheduler()
	if !decodes.Begin(s.Name) {
		return false, ErrLive
	}
	defer c.running.Wait()
	c.ended.Store(nil)
	defer func() {
		if err != nil {
			c.ended.Store(&err)
		}
		decodes.End()
	}()
	if c.History.Budget == nil {
		c.History.Budget = c.Budget
	}
	c.History.Cut()
	defer c.History.Cut()
	c.stats.units.Store(0)
	c.stats.lost.Store(0)
	c.stats.begun.Store(false)
	c.serving.Store(s)
	defer c.serving.Store(nil)
	if s.Close != nil {
		defer context.AfterFunc(ctx, func() { hangUp(s, context.Cause(ctx)) })()
	}
	if c.Warm > 0 && c.Decoder != nil {
		ctx, end := context.WithCancel(ctx)
		var warming sync.WaitGroup
		defer warming.Wait()
		defer end()
		warming.Go(func() { decodes.KeepWarm(ctx) })
	}
	cues := containCues(s)
	var check frame.Check
	for u, err := range s.Units {
		if err == nil {
			err = cmp.Or(*cues, check.Unit(&u))
		}
		switch {
		case err != nil:
			return true, err
		case s.Close == nil && ctx.Err() != nil:
			return true, context.Cause(ctx)
		}
		c.stats.took(&u)
		c.History.Add(u)
	}
	return true, *cues
}

// hangUp closes a stream. What its source panics with is only logged: nobody waits for it.
func hangUp(s *frame.Stream, cause error) {
	err := contain(func() error {
		s.Close(cause)
		return nil
	})
	if err != nil {
		slog.Default().Error("a stream's Close panicked", "err", err)
	}
}

// Capture makes a still as r asks. It waits for what the moment needs: for the stream to begin, for the future to come; bound it
// with ctx. Its error is an *Error. If ctx ends first, and there is no picture of the stream at all, it tells what is lacking, as Live does.
func (c *Camera) Capture(ctx context.Context, r Request) (*Still, error) {
	return c.capture(ctx, r, nil)
}

// capture is Capture of another picture than the last one, whose place it takes; nil for any.
func (c *Camera) capture(ctx context.Context, r Request, last *sched.ID) (*Still, error) {
	w := c.begun(r, last)
	defer w.close(ctx)
	err := w.untilDecoded(ctx)
	if err == nil {
		err = w.finish(ctx, w.reach)
	}
	w.endPrefetch()
	s, err := w.end(ctx, err)
	if err == nil && last != nil {
		*last = w.id
	}
	return s, err
}
