// Package sched decodes on demand: each GOP of a stream once, as far as captures want it, for all that want pictures of it.
//
// A capture asks for the pictures of units of a GOP (Demand). A decoding, which has a goroutine, decodes the GOP from its key unit on. It goes
// on from where it is when another capture wants more, and waits for that a while. One that is kept warm follows the stream. Of each stream
// one decoding at a time works; it has memory of the Budget for that, and a place of the Decoder.
//
// Its files, from what captures call to what is below:
//
//	sched.go      the Scheduler, and the stream that it has
//	picture.go    the picture of a unit, whatever that takes
//	pin.go        what keeps a decoding for the neighbours of a picture
//	demand.go     what captures want, and Decode, which has it made
//	demands.go    what is wanted of a decoding
//	numbers.go    what units are called while a History forgets some
//	decoding.go   the decoding of a GOP
//	upright.go    its pictures turned as they are to be seen
//	state.go      what a decoding does next, and why
//	resources.go  what it needs for that
//	warm.go       a decoding that keeps up with the stream
//	irreplaceable.go  and that has been given what is forgotten
//	verdict.go    what is known of a GOP before it is decoded
//	recent.go     what was found of GOPs, kept for a while
//	fruitless.go  GOPs and streams of which no picture comes
//	reserve.go    memory that captures of one picture share
//	batch.go      a Decoder that wants a GOP at once
//	ids.go        what pictures and units are told apart by
//	errors.go     errors, those of capture
package sched

import (
	"context"
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"github.com/livestill/livestill/capture/internal/shared"
	"github.com/livestill/livestill/frame"
)

// A Decoder is a capture.Decoder. It may also be a capture.Follower, a capture.Coster, a capture.Header and a capture.Fields.
type Decoder interface {
	Decode(ctx context.Context, g frame.GOP, from time.Time) iter.Seq2[*frame.Picture, error]
}

// A follower is a Decoder that gives pictures as it is given units: see capture.Follower.
type follower interface {
	Reserve(ctx context.Context, stream string) (frame.Place, error)
	Follow(ctx context.Context, units iter.Seq2[frame.AccessUnit, bool]) iter.Seq2[frame.Latent, error]
}

// A Source is a stream, and how it is to be decoded.
type Source struct {
	History *frame.History
	Decoder Decoder

	Rotate      int           // as in capture.Camera; one that it may be
	Warm        time.Duration // as in capture.Camera
	MaxDecoding time.Duration // as in capture.Camera; zero means 30 seconds
	Budget      *frame.Budget

	Group *shared.Group // whose goroutines decode
}

// A Scheduler decodes one stream, for any number of captures at a time.
type Scheduler struct {
	Source
	follower follower
	stepwise bool // the Decoder gives pictures as it is given units; it does not want the whole GOP first
	coster   interface {
		Cost(key frame.AccessUnit) frame.Cost
	} // nil if the Decoder is none
	header interface {
		Header(key frame.AccessUnit) []byte
	} // nil if the Decoder is none
	fielder interface {
		Fields(key frame.AccessUnit) bool
	} // nil if the Decoder is none
	recalls <-chan struct{} // as of ffmpeg.Isolated: receives when a decoding that nobody waits for is to end; nil if it never is

	pictures     shared.Calls[unitID, result]
	headers      recent[ID, []byte]
	costs        recent[ID, frame.Cost]
	fields       recent[ID, bool]
	closed       recent[ID, bool]
	verdicts     recent[surroundings, bool]
	reservations reservations
	beginning    shared.Semaphore // of decodings that wait for memory, and then to work
	working      shared.Semaphore // of decodings: a stream with many keeps no others from decoding

	units     atomic.Int64 // that were decoded
	processor atomic.Int64 // nanoseconds for which places were taken

	mu        sync.Mutex
	stream    string        // name, kept after the stream ends
	live      chan struct{} // closed when the stream ends; nil while there is none
	begins    chan struct{} // closed when the next stream begins; nil while nobody waits
	ended     time.Time     // when the last stream has ended; zero before that
	decodings []*decoding   // that have not ended
	captured  time.Time     // when the newest capture came
	again     bool          // the newest capture came soon after the one before
	flushed   bool          // a warm decoding has ended for captures, which had to have its last pictures
	fruitless fruitless
	failing   bool // see account
}

// New returns a Scheduler of a stream that is not live yet.
func New(s Source) *Scheduler {
	if s.MaxDecoding <= 0 {
		s.MaxDecoding = defaultDecoding
	}
	if s.Budget == nil {
		s.Budget = frame.DefaultBudget
	}
	n := &Scheduler{Source: s, beginning: make(shared.Semaphore, 1), working: make(shared.Semaphore, 1)}
	n.verdicts.most = mostVerdicts
	if n.follower, n.stepwise = s.Decoder.(follower); !n.stepwise {
		n.follower = batch{s.Decoder}
	}
	n.coster, _ = s.Decoder.(interface {
		Cost(key frame.AccessUnit) frame.Cost
	})
	n.header, _ = s.Decoder.(interface {
		Header(key frame.AccessUnit) []byte
	})
	n.fielder, _ = s.Decoder.(interface {
		Fields(key frame.AccessUnit) bool
	})
	if d, ok := s.Decoder.(interface{ Recalls() <-chan struct{} }); ok {
		n.recalls = d.Recalls()
	}
	return n
}

// Begin says that a stream is live. It is false if one is already.
func (s *Scheduler) Begin(stream string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.live != nil {
		return false
	}
	s.live, s.stream = make(chan struct{}), stream
	if s.begins != nil {
		close(s.begins)
		s.begins = nil
	}
	return true
}

// End says that the stream has ended. Decodings go on as long as captures wait for pictures of them, and no longer.
func (s *Scheduler) End() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.live)
	s.live, s.ended = nil, time.Now()
	for _, d := range s.decodings {
		d.warm, d.pinned = false, false
		d.wake()
	}
}

// Live returns what is closed when the stream ends; nil if none is live.
func (s *Scheduler) Live() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.live
}

// LiveChanged returns what is closed when the stream ends, or the next one begins.
func (s *Scheduler) LiveChanged() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.live != nil {
		return s.live
	}
	if s.begins == nil {
		s.begins = make(chan struct{})
	}
	return s.begins
}

// Ended returns when the last stream has ended; the zero time if one is live, or none was.
func (s *Scheduler) Ended() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.live != nil {
		return time.Time{}
	}
	return s.ended
}

// Stream returns the name of the stream that is, or was last, live; empty before the first.
func (s *Scheduler) Stream() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stream
}

// Captured takes note that a capture has come.
func (s *Scheduler) Captured() {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.again = now.Sub(s.captured) < shared.Retention+reorderTimeout
	s.captured = now
}

// Settle waits for the decodings that nobody needs any more, until ctx ends. While a stream is live there are none to wait for: they wait for
// other captures, and whoever serves the stream waits for them.
func (s *Scheduler) Settle(ctx context.Context) {
	for _, d := range s.unneeded() {
		select {
		case <-d.done:
		case <-ctx.Done():
			return
		}
	}
}

// unneeded returns the decodings that are to end since nobody needs them.
func (s *Scheduler) unneeded() (unneeded []*decoding) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.live != nil {
		return nil
	}
	for _, d := range s.decodings {
		if !d.needed() {
			unneeded = append(unneeded, d)
		}
	}
	return unneeded
}

// Work has a place of the Decoder while do works the processor.
func (s *Scheduler) Work(ctx context.Context, do func() error) error {
	place, err := s.follower.Reserve(ctx, s.Stream())
	if err != nil {
		return err
	}
	defer place.Release()
	began := time.Now()
	defer func() { s.processor.Add(int64(time.Since(began))) }()
	return do()
}

// Stats returns how many units were decoded, and for how long places were taken to decode and to Work.
func (s *Scheduler) Stats() (units int, processor time.Duration) {
	return int(s.units.Load()), time.Duration(s.processor.Load())
}
