package ffmpeg

import (
	"context"
	"fmt"
	"iter"
	"runtime"
	"sync"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/ffmpeg/internal/places"
	"github.com/livestill/livestill/frame/ffmpeg/internal/tone"
)

// The largest picture decoded if MaxPixels is not set: 8K, the largest that H.264 level 6.2 and H.265 level 6.2 make room for.
const defaultMaxPixels = 8192 * 4320

// What the pictures of a GOP may take while it is decoded, if MaxMemory is not set. A picture of 8K 4:2:0 takes 51 MiB, one of 4K 13 MiB: it
// is enough for 4K with 16 references, the most that there are, and for 8K with the five of H.264 level 6.2.
const defaultMaxMemory = 512 << 20

// More threads than this gain little on the sizes that live streams have, and each keeps pictures of its own.
const defaultMaxThreads = 4

// A Decoder makes pictures of GOPs. The zero Decoder is ready to use. It keeps nothing between two GOPs, so there is nothing to
// close, and any number of goroutines may decode at once. It must not be copied after first use.
type Decoder struct {
	// Threads is how many decode a picture, as far as its codec and encoder
	// allow that; zero means one per core, at most four. H.264 always has
	// one: with more, FFmpeg hands out pictures before it knows their
	// errors (up to version 6) and quantisers (up to 8). So has H.265: with
	// more, malformed streams crash FFmpeg 5.1, such as one that FuzzSize
	// found.
	Threads int

	// Concurrent is how many places there are: GOPs that are decoded at a
	// time, and what a Camera does with the pictures; others wait. Zero
	// means one fewer than GOMAXPROCS, but one at least: while libav works
	// a processor, Go's goroutines may wait for it up to 10 ms, and those
	// that take streams in should not. Beside each that is taken for long
	// in one go another is opened, so that up to twice as many may be in
	// use: a stream of huge pictures delays nobody.
	Concurrent int

	// MaxPixels is the most that a picture may have; larger ones are
	// refused, and pixels are not made square if that makes one larger.
	// Zero means 8192 x 4320.
	MaxPixels int

	// MaxMemory bounds the bytes of decoded pictures that decoding one GOP
	// takes at a time; zero means 512 MiB. A GOP that takes more ends with
	// an error that is a frame.ErrTooCostly.
	MaxMemory int64

	once   sync.Once
	places *places.Places
	stats  counts
	tones  tone.Cubes
	kept   *tone.Cubes // of the child that this is in, instead of tones
	shared []byte      // memory that images are made in, one over the other; nil means that each has its own
}

// Decode yields the pictures of g that were shown at or after from, in presentation order; the zero time yields all. PTS, Time
// and Key are those of the access unit a picture was decoded from. The pictures belong to the caller. Where timestamps contradict
// the order that the stream is coded for, that order may prevail.
//
// Decoding goes on to the end of g, so whoever wants one picture passes g only up to its unit.
//
// A picture is Corrupt if the decoder saw errors in it or in anything before it in decoding order that it may refer to, if a
// unit before it is Lost or has no picture, and if it lies before the point at which a recovery point promises clean pictures.
// A damaged unit whose picture cannot be told at all is left out. If that leaves none where some were due, or if decoding cannot
// begin, the sequence ends with a nil picture and an *Error; with the cause of ctx, if that ends first.
//
// Errors are what FFmpeg finds, and what it does not ask for but can be known: in H.264 and H.265 missing references, impossible bytes
// and slices that are missing; in H.264 pictures that do not end where their data ends. Of 12 GOPs in which one bit was flipped, broken
// pictures passed for good
//   - of progressive H.264 with CABAC in none; of more damage, one in a thousand may end at the right place by chance
//   - of H.264 with CAVLC, interlaced H.264, MPEG-4 part 2 and MJPEG in one or two: bits such as signs are valid either way
//   - of H.265 and AV1 in eight to eleven, VP8 and VP9 in nearly all: whatever their arithmetic decoders read is valid
//
// Truncated units are found in H.264, MPEG-4, MJPEG and AV1, mostly in H.265, hardly in VP8 and VP9. Units that are missing or in another
// order are found in H.264 and H.265, mostly in AV1, not in MPEG-4, VP8 and VP9; in H.264 also those that come again. A unit of another
// stream or GOP is found in no codec if it fits by what it says of its place, or if what it skips is nothing that others refer to. Its
// pixels would not tell surely, either: where a residual has little to do with the picture it is added to, as there, it may be
// that of new detail, of a cross-fade or of noise. So Lost counts most.
//
// Parameter sets that are damaged may decode to other pictures: compare Header with that of the GOPs around, as capture.Camera does.
//
// Whatever a stranger sends, no picture shows what was not decoded for it, and memory and time have a bound: see MaxPixels and MaxMemory.
// Units of more NAL units, parameter sets, slices, scans or pictures than any encoder makes are treated as damaged. What FFmpeg does of one unit no
// context ends; of all that was tried to make it long the worst are 0.4 s of a processor at 1080p and 3 s at 4K, for slices that overlap.
//
// While the sequence is ranged over, it takes one of the Concurrent places; waiting for one ends with ctx.
func (d *Decoder) Decode(ctx context.Context, g frame.GOP, from time.Time) iter.Seq2[*frame.Picture, error] {
	return decode(ctx, d, g, from)
}

// Reserve waits for one of the Concurrent places until ctx ends. It is for whoever has units at hand for Follow; to wait for more of them
// takes no place. stream names whose work it is: the one that has used the least time goes first.
func (d *Decoder) Reserve(ctx context.Context, stream string) (frame.Place, error) {
	return d.reserve(ctx, stream, func() int { return 0 })
}

// reserve is Reserve. beyond tells how many calls of children take long.
func (d *Decoder) reserve(ctx context.Context, stream string, beyond func() int) (frame.Place, error) {
	d.once.Do(func() {
		most := d.Concurrent
		if most <= 0 {
			most = max(1, runtime.GOMAXPROCS(0)-1)
		}
		d.places = places.New(most, beyond)
	})
	return d.places.Reserve(ctx, stream)
}

// A follower is a Decoder, or an Isolated.
type follower interface {
	Reserve(ctx context.Context, stream string) (frame.Place, error)
	Follow(ctx context.Context, units iter.Seq2[frame.AccessUnit, bool]) iter.Seq2[frame.Latent, error]
}

func decode(ctx context.Context, d follower, g frame.GOP, from time.Time) iter.Seq2[*frame.Picture, error] {
	return func(yield func(*frame.Picture, error) bool) {
		place, err := d.Reserve(ctx, "")
		if err != nil {
			yield(nil, err)
			return
		}
		defer place.Release()
		for l, err := range d.Follow(ctx, func(yield func(frame.AccessUnit, bool) bool) {
			for _, u := range g {
				if place.Yield(ctx) != nil || !yield(u, !u.Time.Before(from)) {
					return
				}
			}
		}) {
			if l.Hidden {
				continue
			}
			var p *frame.Picture
			if err == nil {
				p, err = l.Develop()
			}
			if !yield(p, err) || err != nil {
				return
			}
		}
	}
}

// Follow is Decode of a GOP that comes bit by bit: with each unit comes whether its picture is wanted, or only what refers to it. All
// that can be told of the units so far is yielded before the next is asked for, so that the decoder can wait for it, and go on. What
// cannot be told until later units are known, since pictures are coded in another order than they are shown, comes then, or
// when the units end.
//
// Follow takes no place of Concurrent by itself: see Reserve.
func (d *Decoder) Follow(ctx context.Context, units iter.Seq2[frame.AccessUnit, bool]) iter.Seq2[frame.Latent, error] {
	return func(yield func(frame.Latent, error) bool) {
		if err := d.follow(ctx, units, yield); err != nil {
			yield(frame.Latent{}, err)
		}
	}
}

// begins tells what a unit lacks of being the first of a GOP.
func begins(u *frame.AccessUnit) error {
	if _, ok := codecID(u.Codec); !ok {
		return &Error{Step: "check", Codec: u.Codec, Err: ErrUnsupported}
	}
	if !u.Key {
		return &Error{Step: "check", Codec: u.Codec, Err: fmt.Errorf("%w: begins with a unit that is not a key unit", ErrGOP)}
	}
	return nil
}

func (d *Decoder) cubes() *tone.Cubes {
	if d.kept != nil {
		return d.kept
	}
	return &d.tones
}

func (d *Decoder) threads() int {
	if d.Threads > 0 {
		return d.Threads
	}
	return min(runtime.GOMAXPROCS(0), defaultMaxThreads)
}

func (d *Decoder) maxMemory() int64 {
	if d.MaxMemory > 0 {
		return d.MaxMemory
	}
	return defaultMaxMemory
}

func (d *Decoder) maxPixels() int {
	if d.MaxPixels > 0 {
		return d.MaxPixels
	}
	return defaultMaxPixels
}
