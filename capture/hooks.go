package capture

import (
	"context"
	"image"
	"io"
	"iter"
	"time"

	"github.com/livestill/livestill/frame"
)

// A Policy says who may capture what, before anything is done for the request. Its error refuses, and reaches the caller as it is:
// see Deny.
type Policy interface {
	Allow(ctx context.Context, r Request) error
}

// A Decoder decompresses. Decode yields the pictures of g that were shown at or after from, in presentation order. It marks as
// Corrupt what damage reached, and yields an error as its last pair when it cannot go on. It must be safe for concurrent use;
// ffmpeg.Decoder is one. ctx ends when no capture waits for the pictures any more.
type Decoder interface {
	Decode(ctx context.Context, g frame.GOP, from time.Time) iter.Seq2[*frame.Picture, error]
}

// A Follower is a Decoder that can go on where it was: with it, captures of the same seconds share the decoding.
//
// Follow decodes units, which are a GOP, as they come; with each comes whether its picture may be wanted, or only what refers to it. It
// yields the pictures in presentation order, each as soon as it is known, before it takes another unit; what is left when the units
// end, then. Of a unit that rightly has no picture it may yield that: see frame.Latent. ctx ends when no more units come and no capture
// waits for what is left.
//
// Reserve waits for leave to work the processor for a stream, which it names, so that not all is done at once that is wanted at once,
// and streams come in meanwhile: Follow is given units while a Place is held only, and the Enhancer and the Encoder run there, too.
type Follower interface {
	Decoder
	Reserve(ctx context.Context, stream string) (frame.Place, error)
	Follow(ctx context.Context, units iter.Seq2[frame.AccessUnit, bool]) iter.Seq2[frame.Latent, error]
}

// A Coster is a Decoder that tells beforehand what memory it takes to decode a GOP that begins with a key unit. It tells the zero Cost
// if it cannot know. Less than zero is taken for zero.
type Coster interface {
	Decoder
	Cost(key frame.AccessUnit) frame.Cost
}

// An Enhancer makes a better picture of b.Picture(). It returns a new Picture, or that one untouched; the pictures of b are not
// its own to write to. The Burst is of that picture alone, unless the Enhancer is a Merger.
type Enhancer interface {
	Enhance(ctx context.Context, b *frame.Burst) (*frame.Picture, error)
}

// A Moderator looks at the finished picture before it is encoded or stored. Any error refuses the picture, a failure of the
// moderator's own too. It must not write to p.
type Moderator interface {
	Moderate(ctx context.Context, r Request, p *frame.Picture) error
}

// An Encoder makes an image file of a picture. Type is the file's media type, like "image/jpeg".
type Encoder interface {
	Encode(w io.Writer, p *frame.Picture) error
	Type() string
}

// A Notifier is told how each capture ended, as its last step. It cannot fail one: what goes wrong in it is its own affair.
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

// NotifierFunc makes a Notifier of a function.
type NotifierFunc func(ctx context.Context, e Event)

// Notify calls f.
func (f NotifierFunc) Notify(ctx context.Context, e Event) { f(ctx, e) }

// Apply makes an Enhancer of a filter that works on one picture in place, such as an enhance.Chain. It works on a copy.
func Apply(filter interface {
	Apply(ctx context.Context, img *image.YCbCr) error
}) Enhancer {
	return EnhancerFunc(func(ctx context.Context, b *frame.Burst) (*frame.Picture, error) {
		p := b.Picture().Clone()
		return p, filter.Apply(ctx, p.YCbCr)
	})
}
