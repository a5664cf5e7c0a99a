package capture

import (
	"context"
	"errors"
	"image"
	"io"
	"iter"
	"sync"
	"time"

	"github.com/livestill/livestill/frame"
)

// A Policy says who may capture what, before anything is done for the request. Its error refuses, and reaches the caller as it is:
// see Deny. It is called on the goroutine of the capture, and ctx is that of the capture: whoever ignores it delays the capture beyond its
// deadline.
type Policy interface {
	Allow(ctx context.Context, r Request) error
}

// A Decoder decompresses. Decode yields the pictures of g that were shown at or after from, in presentation order. It marks as
// Corrupt what damage reached, and yields an error as its last pair when it cannot go on. It must be safe for concurrent use;
// ffmpeg.Decoder is one.
//
// Captures share what it decodes, so that it runs on goroutines of the Camera's. ctx ends when no capture waits for the pictures any more,
// and Decode is to return soon then: it may still run for a moment after the capture has returned that it began for. See Camera for who
// waits for it. It may keep g, which is immutable; the pictures are the Camera's.
type Decoder interface {
	Decode(ctx context.Context, g frame.GOP, from time.Time) iter.Seq2[*frame.Picture, error]
}

// A Follower is a Decoder that decodes a GOP while it arrives, and goes on where it was when more is wanted: with it, captures of the
// same seconds share the decoding.
//
// Follow decodes the units of one GOP. With each unit comes a bool. True says that the unit's picture may be wanted. False says that it is
// not, and the unit is only decoded since other pictures refer to it. Follow yields the pictures in presentation order, each as soon as
// it is known, before it takes another unit. When the units end, it yields the pictures that it still has. For a unit that rightly has
// no picture it may yield a Latent that says so: see frame.Latent. ctx ends when no capture waits for its pictures any more, and none
// will since no more units come, or since the stream has ended. As with Decode, Follow is to return soon then.
//
// Reserve waits until ctx ends for a Place, which is leave to work the processor for the stream that it names, or in the name of
// frame.Failing. So not all is done at once that is wanted at once, and streams come in meanwhile. Follow is given units while there is a
// Place only. What runs in frame.Work has one, too.
type Follower interface {
	Decoder
	Reserve(ctx context.Context, stream string) (frame.Place, error)
	Follow(ctx context.Context, units iter.Seq2[frame.AccessUnit, bool]) iter.Seq2[frame.Latent, error]
}

// A Coster is a Decoder that tells beforehand what memory it takes to decode a GOP that begins with a key unit. It tells the zero Cost
// if it cannot know. Less than zero counts as zero. Cost is called for a GOP once or a few times, by any number of goroutines.
type Coster interface {
	Decoder
	Cost(key frame.AccessUnit) frame.Cost
}

// A Fields is a Decoder that tells whether pictures of a GOP that begins with a key unit may have two fields, each of an instant of its own:
// Latent.Second. Fields is called as Cost is.
type Fields interface {
	Decoder
	Fields(key frame.AccessUnit) bool
}

// A Header is a Decoder that tells what in a key unit governs its whole GOP: the parameter sets. Damage there may decode to another
// picture with no error, of another size or quantiser. But streams hardly ever change them, so that damage is what one GOP has
// alone. Header returns nil if there is nothing of the kind. What it returns may be a part of the unit; it is called as Cost is.
type Header interface {
	Header(key frame.AccessUnit) []byte
}

// An Enhancer makes a better picture of b.Picture(). It returns a new Picture, or that one untouched; the pictures of b are not
// its own to write to. The Burst is of that picture alone, unless the Enhancer is a Merger.
//
// Captures share what it makes, so that it runs on a goroutine of the Camera's, for several pictures at a time. ctx has no values of any
// capture's, and ends when none waits for the picture any more. Enhance is to return soon then: it may still run for a moment after the
// capture has returned that it began for. See Camera for who waits for it. What works the processor for long does so in frame.Work.
type Enhancer interface {
	Enhance(ctx context.Context, b *frame.Burst) (*frame.Picture, error)
}

// A Moderator looks at the finished picture before it is encoded or stored. Any error refuses the picture, a failure of the
// moderator's own too. It sees all of the picture before Variants are made of it; if some are to be made of the decoded picture, that one as well,
// right after. It must not write to p. It is called on the goroutine of the capture, and ctx is that of the capture: whoever ignores it
// delays the capture beyond its deadline.
type Moderator interface {
	Moderate(ctx context.Context, r Request, p *frame.Picture) error
}

// A Finisher makes the picture of one request alone, of the one that the Moderator has seen: with the name of who asked for it, or a mark that
// tells where it came from. It returns another picture, or p untouched: then the file of other captures is shared. It must not write to p. It is
// called for each file of a capture, with the picture at its size, and VariantOf tells of which: for the still itself on the goroutine of the
// capture, for Variants on others at the same time. ctx is that of the capture: whoever ignores it delays the capture beyond its deadline.
type Finisher interface {
	Finish(ctx context.Context, r Request, p *frame.Picture) (*frame.Picture, error)
}

// An Encoder makes an image file of a picture. Type is the file's media type, like "image/jpeg". It must not write to p. One that
// writes nothing, and returns nil, is for those who want Still.Picture alone: Data is empty then, and so is what a Store keeps.
//
// Captures share the file, so that Encode runs on a goroutine of the Camera's, for several pictures at a time. ctx has no values of any
// capture's, and ends when none waits for the file any more. Encode is to return soon then: it may still run for a moment after the capture
// has returned that it began for. See Camera for who waits for it. What works the processor for long does so in frame.Work.
type Encoder interface {
	Encode(ctx context.Context, w io.Writer, p *frame.Picture) error
	Type() string
}

// A Sealer makes the file of one request alone: with metadata, or signed. It is given the still as the Store will get it, Location and the
// steps to come left out, and returns another file of the same type, or s.Data untouched. It must not write to s, nor to s.Data, which other
// captures share. It is called for each file of a capture, which Still.Variant names: for the still itself on the goroutine of the capture, for
// Variants on others at the same time. ctx is that of the capture: whoever ignores it delays the capture beyond its deadline.
type Sealer interface {
	Seal(ctx context.Context, s *Still) (file []byte, err error)
}

// A Notifier is told how each capture ended, as its last step. Nothing that goes wrong in it fails one but a panic: then the still is kept,
// and the caller has an Error. It is called on the goroutine of the capture, which returns when Notify has. ctx has the values of that of the
// capture. It does not end with it, but ten seconds after the call began: whoever ignores it delays the end of the capture.
type Notifier interface {
	Notify(ctx context.Context, e Event)
}

// An Event is the end of a capture: either Still or Err is set.
type Event struct {
	Request Request
	Still   *Still
	Err     error
}

// PolicyFunc makes a Policy of a function.
type PolicyFunc func(ctx context.Context, r Request) error

// Allow calls f.
func (f PolicyFunc) Allow(ctx context.Context, r Request) error { return f(ctx, r) }

// EnhancerFunc makes an Enhancer of a function.
type EnhancerFunc func(ctx context.Context, b *frame.Burst) (*frame.Picture, error)

// Enhance calls f.
func (f EnhancerFunc) Enhance(ctx context.Context, b *frame.Burst) (*frame.Picture, error) {
	return f(ctx, b)
}

// ModeratorFunc makes a Moderator of a function.
type ModeratorFunc func(ctx context.Context, r Request, p *frame.Picture) error

// Moderate calls f.
func (f ModeratorFunc) Moderate(ctx context.Context, r Request, p *frame.Picture) error {
	return f(ctx, r, p)
}

// FinisherFunc makes a Finisher of a function.
type FinisherFunc func(ctx context.Context, r Request, p *frame.Picture) (*frame.Picture, error)

// Finish calls f.
func (f FinisherFunc) Finish(ctx context.Context, r Request, p *frame.Picture) (*frame.Picture, error) {
	return f(ctx, r, p)
}

// SealerFunc makes a Sealer of a function.
type SealerFunc func(ctx context.Context, s *Still) (file []byte, err error)

// Seal calls f.
func (f SealerFunc) Seal(ctx context.Context, s *Still) (file []byte, err error) { return f(ctx, s) }

// NotifierFunc makes a Notifier of a function.
type NotifierFunc func(ctx context.Context, e Event)

// Notify calls f.
func (f NotifierFunc) Notify(ctx context.Context, e Event) { f(ctx, e) }

// Policies are one Policy: the first error refuses. None allows.
type Policies []Policy

// Allow asks one after the other.
func (p Policies) Allow(ctx context.Context, r Request) error {
	for _, each := range p {
		if err := each.Allow(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// Moderators are one Moderator: the first error refuses. None lets all pass.
type Moderators []Moderator

// Moderate asks one after the other.
func (m Moderators) Moderate(ctx context.Context, r Request, p *frame.Picture) error {
	for _, each := range m {
		if err := each.Moderate(ctx, r, p); err != nil {
			return err
		}
	}
	return nil
}

// Finishers are one Finisher: each is given what the one before has made.
type Finishers []Finisher

// Finish calls one after the other.
func (f Finishers) Finish(ctx context.Context, r Request, p *frame.Picture) (_ *frame.Picture, err error) {
	for _, each := range f {
		if p, err = each.Finish(ctx, r, p); p == nil || err != nil {
			return nil, err
		}
	}
	return p, nil
}

// Sealers are one Sealer: each is given what the one before has made.
type Sealers []Sealer

// Seal calls one after the other.
func (f Sealers) Seal(ctx context.Context, s *Still) (file []byte, err error) {
	sealed := *s
	for _, each := range f {
		if sealed.Data, err = each.Seal(ctx, &sealed); err != nil {
			return nil, err
		}
	}
	return sealed.Data, nil
}

// Notifiers are one Notifier: all are told at the same time, and one that panics keeps none of the others from it.
type Notifiers []Notifier

// Notify tells all of them.
func (n Notifiers) Notify(ctx context.Context, e Event) {
	var telling sync.WaitGroup
	failed := make([]error, len(n))
	for i, each := range n {
		telling.Go(func() {
			failed[i] = contain(func() error {
				each.Notify(ctx, e)
				return nil
			})
		})
	}
	telling.Wait()
	if err := errors.Join(failed...); err != nil {
		panic(err) // which the Camera contains
	}
}

// Apply makes an Enhancer of a filter that works on one picture in place, such as an enhance.Chain. It works on a copy.
func Apply(filter interface {
	Apply(ctx context.Context, img *image.YCbCr) error
}) Enhancer {
	return EnhancerFunc(func(ctx context.Context, b *frame.Burst) (*frame.Picture, error) {
		p := b.Picture().Clone()
		return p, frame.Work(ctx, func(ctx context.Context) error { return filter.Apply(ctx, p.YCbCr) })
	})
}
