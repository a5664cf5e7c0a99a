package ffmpeg

import (
	"context"
	"iter"
	"math"
	"sync"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/ffmpeg/internal/child"
	"github.com/livestill/livestill/frame/ffmpeg/internal/places"
)

const (
	defaultMemory      = 1 << 30          // an 8K picture with its references, as H.264 level 6.2 allows them
	defaultTimeout     = 10 * time.Second // fifty times what the largest picture takes: others may be at work, too
	defaultMaxChildren = 32               // chosen, not measured
)

// An Isolated is a Decoder that keeps libavcodec out of this process: whatever a stream does to it, what it costs is an error of
// the captures of that stream. It is what to take whenever strangers publish.
//
// libavcodec runs in children of this process. They are the same program, executed anew, so that there is nothing to deploy, and
// never another version: main must begin with a call of Child, without which there is an ErrNoChild. A child works on one GOP at a time. It
// crashes (ErrCrashed), hangs (ErrHung) or runs out of memory (frame.ErrTooCostly, or ErrCrashed) alone; it is killed then, and another
// takes its place. One spare child is always ready; the others end when they have been idle for ten seconds. All end with this process,
// however that ends, or by Close.
//
// A child can open no files and no sockets, and has none but a socket to this process. It gets neither arguments nor environment nor open
// files of this process, and no core is dumped of it. On Linux with seccomp, on amd64 and arm64, the kernel refuses it all system calls
// that decoding does not need: see Children.Confined. The memory that both share, through which pixels come, is read by this process
// alone, and copied; all that a child says is checked. Still, one that a stream has taken over could lie about pictures: see Fresh.
//
// It makes the very same pictures and errors as Decoder. At 1080p a key picture takes 2 to 3 ms longer, and each unit before the picture a
// quarter of a millisecond. A child takes 20 MiB beside what it decodes, up to 16 MiB for the pictures that both share, and 0.15 s of processor
// time to start. It needs Linux; elsewhere there is an errors.ErrUnsupported.
//
// The zero Isolated is ready to use, by any number of goroutines. It must not be copied after first use.
type Isolated struct {
	// Decoder has fields that count here as well; its own Decode and Follow
	// work in this process.
	Decoder

	// Memory is what a child may take, in bytes, beside what each takes to
	// start with; zero means 1 GiB.
	Memory int64

	// Timeout is how long a child may take for one unit, or one picture;
	// zero means ten seconds. Other streams do not wait for that: while it
	// takes more than 50 ms another has its place beside it, and after a
	// second it gets what the others leave of the processor.
	Timeout time.Duration

	// MaxChildren is how many GOPs may be open at once, each of which has a
	// child once it has got a unit; others wait. Zero means 32. A Camera
	// that is kept Warm has one all the time, until others wait: then some
	// Cameras are not warm until their next key picture. When one has
	// waited for a second, the child that has taken the longest for a unit,
	// and more than a second, is given up.
	MaxChildren int

	// Fresh gives each GOP a child of its own, so that none sees two
	// streams. It costs the start of a process each time, most of it before
	// the GOP comes. Otherwise children are used again.
	Fresh bool

	lazy    sync.Once
	pool    *child.Pool
	permits chan struct{}
	recalls chan struct{}
}

// Children tells of the children of an Isolated.
type Children struct {
	Running, Idle int
	Started       int64 // since the beginning
	Crashed, Hung int64 // while they worked

	// Confined says that the kernel refuses what decoding does not need. It
	// is known once a child runs.
	Confined bool
}

// Children tells how they are.
func (d *Isolated) Children() Children {
	d.init()
	return Children(d.pool.Count())
}

// Close ends all children and waits for them. What is being decoded ends with an error, and so does all that comes later.
func (d *Isolated) Close() {
	d.init()
	d.pool.Close()
}

func (d *Isolated) init() {
	d.lazy.Do(func() {
		n := d.MaxChildren
		if n <= 0 {
			n = defaultMaxChildren
		}
		d.permits, d.recalls = make(chan struct{}, n), make(chan struct{})
		if d.pool == nil {
			d.pool = newPool(d.Memory, d.maxPixels())
		}
	})
}

func newPool(memory int64, maxPixels int) *child.Pool {
	if memory <= 0 {
		memory = defaultMemory
	}
	return &child.Pool{Memory: memory, Shared: largestPicture(maxPixels), Hello: readHello, Start: child.Start}
}

// largestPicture returns the bytes of the largest picture.
func largestPicture(maxPixels int) int64 { return 3 * int64(min(maxPixels, math.MaxInt32)) }

// Decode is Decoder.Decode.
func (d *Isolated) Decode(ctx context.Context, g frame.GOP, from time.Time) iter.Seq2[*frame.Picture, error] {
	return func(yield func(*frame.Picture, error) bool) {
		// Before the place: who has one must not wait for what others have who wait for a place.
		leave, err := d.admit(ctx)
		if err != nil {
			yield(nil, err)
			return
		}
		defer leave()
		for p, err := range decode(ctx, admitted{d}, g, from) {
			if !yield(p, err) {
				return
			}
		}
	}
}

// Recalls returns a channel from which whoever has GOPs open only since they may be of use later is to receive, and then to end one: others
// wait for its child. A Camera does so with what it keeps warm, and with what it keeps for captures to come.
func (d *Isolated) Recalls() <-chan struct{} {
	d.init()
	return d.recalls
}

// Follow is Decoder.Follow.
func (d *Isolated) Follow(ctx context.Context, units iter.Seq2[frame.AccessUnit, bool]) iter.Seq2[frame.Latent, error] {
	return func(yield func(frame.Latent, error) bool) {
		leave, err := d.admit(ctx)
		if err != nil {
			yield(frame.Latent{}, err)
			return
		}
		defer leave()
		for l, err := range (admitted{d}).Follow(ctx, units) {
			if !yield(l, err) {
				return
			}
		}
	}
}

// admit waits until there may be one child more.
func (d *Isolated) admit(ctx context.Context) (leave func(), err error) {
	d.init()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if !hasChild.Load() {
		return nil, &Error{Step: "start", Err: ErrNoChild}
	}
	leave = func() { <-d.permits }
	select {
	case d.permits <- struct{}{}:
		return leave, nil
	default:
	}
	overdue := time.NewTicker(child.Slow)
	defer overdue.Stop()
	recalls := d.recalls
	for {
		select {
		case d.permits <- struct{}{}:
			return leave, nil
		case recalls <- struct{}{}:
			recalls = nil // one is enough, unless a capture needs it after all
		case <-overdue.C:
			recalls = d.recalls
			d.pool.GiveUp()
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// Reserve is Decoder.Reserve. A call of a child that takes long has no place that others wait for.
func (d *Isolated) Reserve(ctx context.Context, stream string) (frame.Place, error) {
	d.init()
	return d.reserve(ctx, stream, func() int { return d.pool.Late(places.HandOff) })
}

// An admitted is an Isolated that may have a child more.
type admitted struct{ *Isolated }

func (d admitted) Follow(ctx context.Context, units iter.Seq2[frame.AccessUnit, bool]) iter.Seq2[frame.Latent, error] {
	return func(yield func(frame.Latent, error) bool) {
		r := &remote{d: d.Isolated}
		err := func() error {
			defer r.leave(ctx)
			return r.follow(ctx, units, yield)
		}()
		if err != nil {
			yield(frame.Latent{}, err)
		}
	}
}
