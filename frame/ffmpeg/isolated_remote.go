package ffmpeg

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"iter"
	"math"
	"os"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/ffmpeg/internal/child"
	"github.com/livestill/livestill/internal/bitstream"
	"github.com/livestill/livestill/internal/tail"
)

// A remote is a GOP that a child decodes, seen from this process.
type remote struct {
	d     *Isolated
	child *child.Child // nil before the first unit
	name  frame.Codec
	units tail.List[remoteUnit]
	start time.Time // of the first
	open  bool      // the child is in the middle of the GOP
	last  error     // why the child must not be used again
	buf   []byte
	inUse int64 // bytes of pictures, as Stats has them
}

// A remoteUnit is what is kept of a unit.
type remoteUnit struct {
	pts  time.Duration
	time time.Time
	key  bool
	due  bool // its picture may be wanted, and has not come
}

// So many units behind it no picture comes any more, but from a child that is not well: it is half an hour, where decoders buffer 16 pictures
// (H.264 A.3.1), or twice as many where timestamps are in disorder.
const mostDue = 1 << 16

// follow is that of Decoder.
func (r *remote) follow(ctx context.Context, units iter.Seq2[frame.AccessUnit, bool], yield func(frame.Latent, error) bool) error {
	for u, wanted := range units {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if r.child == nil {
			r.name = u.Codec
			if err := r.refuse(&u); err != nil {
				return err
			}
			if err := r.begin(ctx); err != nil {
				return err
			}
		}
		if len(u.Data) > maxUnit {
			return &Error{Step: "check", Codec: r.name, Err: fmt.Errorf("%w: a unit of %d bytes", frame.ErrTooCostly, len(u.Data))}
		}
		if r.units.Len() == 0 {
			r.start = u.Time
		}
		r.units.Add(remoteUnit{pts: u.PTS, time: u.Time, key: u.Key, due: wanted})
		r.units.Forget(r.units.Len() - mostDue)
		o := request{
			Kind: reqUnit, Codec: u.Codec, Key: u.Key, Lost: u.Lost, Wanted: wanted,
			PTS: int64(u.PTS), Time: int64(u.Time.Sub(r.start)),
		}
		if u.Colours != nil {
			o.Colours = *u.Colours
		}
		if enough, err := r.show(ctx, &o, u.Data, yield); enough || err != nil {
			return err
		}
	}
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case r.child == nil:
		return &Error{Step: "check", Err: fmt.Errorf("%w: no units", ErrGOP)}
	}
	_, err := r.show(ctx, &request{Kind: reqFinish}, nil, yield)
	return err
}

// refuse returns the error of a GOP that its first unit rules out, as Decoder has it: no child need be lost to that.
func (r *remote) refuse(first *frame.AccessUnit) error {
	if err := begins(first); err != nil {
		return err
	}
	return r.d.check(first.Codec, bitstream.SizeOf(*first))
}

// begin gets a child. If that has ended while it was idle, through no fault of the GOP, another one.
func (r *remote) begin(ctx context.Context) (err error) {
	const tries = 3
	for range tries {
		r.last = nil
		if r.child, err = r.d.pool.Take(ctx); err != nil {
			if ctx.Err() == nil {
				err = &Error{Step: "start", Codec: r.name, Err: err}
			}
			return err
		}
		r.child.Begin()
		_, a, _, err := r.ask(ctx, &request{
			Kind: reqBegin, Threads: int32(r.d.threads()), MaxPixels: int64(r.d.maxPixels()), MaxMemory: r.d.maxMemory(),
		}, nil)
		if err == nil && a.Kind != ansMore {
			err = r.nonsense("it does not begin")
		}
		if r.open = true; err == nil {
			r.d.stats.gops.Add(1)
		}
		if err == nil || ctx.Err() != nil {
			return err
		}
	}
	return r.last
}

// show gives the child a request, and yields the pictures that are out then. It reports whether the caller has had enough.
func (r *remote) show(ctx context.Context, o *request, data []byte, yield func(frame.Latent, error) bool) (enough bool, err error) {
	last := o.Kind == reqFinish
	for {
		latents, a, told, err := r.ask(ctx, o, data)
		if err != nil {
			return false, err
		}
		for i := range latents {
			if enough = !r.latent(ctx, &latents[i], yield); enough {
				return true, nil
			}
			if r.last != nil {
				return false, r.last
			}
		}
		switch {
		case a.Kind == ansMore && !last:
			return false, nil
		case a.Kind == ansDone && (told != nil || last):
			r.open = false
			if errors.Is(told, ErrCrashed) || errors.Is(told, frame.ErrTooCostly) {
				r.last = told // its memory may be full of what is left
			}
			return false, told
		case a.Kind != ansLatent:
			return false, r.nonsense(fmt.Sprintf("answer %d", a.Kind))
		}
		o, data = &request{Kind: reqProceed}, nil
	}
}

// latent yields the picture that the child tells of.
func (r *remote) latent(ctx context.Context, a *answer, yield func(frame.Latent, error) bool) bool {
	u, over := r.units.At(int(a.Unit)), false
	l := frame.Latent{Unit: int(a.Unit), PTS: u.pts, Corrupt: a.Corrupt, EffectiveQP: finite(a.EffectiveQP), Hidden: a.Hidden}
	if !a.Hidden {
		r.d.stats.pictures.Add(1)
		develop := func(second bool) (*frame.Picture, error) {
			if over {
				return nil, &Error{Step: "convert", Codec: r.name, Err: errors.New("too late: the next picture has come")}
			}
			p, err := r.develop(ctx, a.Unit, second)
			if err == nil {
				p.PTS, p.Time, p.Key, p.Corrupt, p.EffectiveQP = u.pts, u.time, u.key, l.Corrupt, l.EffectiveQP
			}
			return p, err
		}
		l.Develop = func() (*frame.Picture, error) { return develop(false) }
		if a.Second {
			l.Second = func() (*frame.Picture, error) { return develop(true) }
		}
	}
	defer func() { over = true }()
	return yield(l, nil)
}

// develop gets the pixels of the picture that the child has told of, and what else is known of them only now.
func (r *remote) develop(ctx context.Context, unit uint32, second bool) (*frame.Picture, error) {
	_, a, told, err := r.ask(ctx, &request{Kind: reqDevelop, Unit: unit, Second: second}, nil)
	switch {
	case err != nil:
		return nil, err
	case a.Kind == ansFailed && told != nil:
		return nil, told
	case a.Kind != ansPixels:
		return nil, r.nonsense(fmt.Sprintf("answer %d", a.Kind))
	}
	ratio := image.YCbCrSubsampleRatio(a.Ratio)
	switch ratio {
	case image.YCbCrSubsampleRatio444, image.YCbCrSubsampleRatio422, image.YCbCrSubsampleRatio420:
	default:
		return nil, r.nonsense(ratio.String())
	}
	if n := uint64(a.Width) * uint64(a.Height); n == 0 || n > uint64(r.d.maxPixels()) {
		return nil, r.nonsense(fmt.Sprintf("a picture of %d by %d", a.Width, a.Height))
	}
	img := image.NewYCbCr(image.Rect(0, 0, int(a.Width), int(a.Height)), ratio)
	at := int64(0)
	for _, plane := range [...][]byte{img.Y, img.Cb, img.Cr} {
		if _, err := r.child.Shared.ReadAt(plane, at); err != nil {
			return nil, r.nonsense(err.Error())
		}
		at += int64(len(plane))
	}
	if err := r.child.Shared.Trim(); err != nil {
		return nil, r.nonsense(err.Error())
	}
	return &frame.Picture{YCbCr: img, QP: finite(a.QP), Frozen: time.Duration(a.Frozen), Signal: a.Signal, Changes: a.Changes}, nil
}

// finite returns a number that a child has told; zero if it is none.
func finite(v float32) float32 {
	if math.Abs(float64(v)) <= math.MaxFloat32 {
		return v
	}
	return 0
}

// ask gives the child a request and waits for its answer, and for the latents that come before it, or are it. They are of units whose
// pictures are due. told is the error that it tells. After an error of its own the child is dead.
func (r *remote) ask(ctx context.Context, o *request, data []byte) (latents []answer, a answer, told, err error) {
	if r.last != nil {
		return nil, a, nil, r.last
	}
	r.buf = appendRequest(r.buf[:0], o, data)
	timeout := r.d.Timeout
	if timeout <= 0 {
		timeout = defaultTimeout
	}
	begun := time.Now()
	err = r.child.Exchange(ctx, r.buf, timeout, func(answers io.Reader) error {
		for {
			if a, told, err = readAnswer(answers); err != nil || a.Kind != ansLatent {
				return err
			}
			u := r.units.At(int(a.Unit))
			if u == nil || !u.due {
				return nil // see below
			}
			u.due = false
			latents = append(latents, a)
			if o.Kind != reqUnit {
				return nil
			}
		}
	})
	r.account(o, &a, time.Since(begun))
	if err != nil {
		return nil, a, nil, r.broken(ctx, err, time.Since(begun))
	}
	if a.Kind == ansLatent && (o.Kind == reqUnit || len(latents) == 0) {
		return nil, a, nil, r.nonsense("a picture that is not due")
	}
	return latents, a, told, nil
}

// account tells Stats of a request and its answer.
func (r *remote) account(o *request, a *answer, took time.Duration) {
	if o.Kind == reqUnit {
		r.d.stats.units.Add(1)
	}
	if o.Kind == reqUnit || o.Kind == reqFinish || o.Kind == reqProceed {
		r.d.stats.work(took)
	}
	r.use(a.InUse)
}

// use notes how many bytes the pictures of the child take, as it says.
func (r *remote) use(bytes int64) {
	bytes = min(max(bytes, 0), r.d.pool.Memory)
	r.d.stats.use(bytes - r.inUse)
	r.inUse = bytes
}

// broken ends a child that an exchange with failed, and returns why it did.
func (r *remote) broken(ctx context.Context, err error, took time.Duration) error {
	r.child.Kill()
	switch late := errors.Is(err, os.ErrDeadlineExceeded); {
	case late && ctx.Err() != nil:
		r.last = context.Cause(ctx)
	case late:
		r.fail(fmt.Errorf("%w: %v", ErrHung, took.Round(time.Second)))
	default:
		r.fail(fmt.Errorf("%w: %s", ErrCrashed, r.child.End()))
	}
	return r.last
}

// nonsense ends a child that says what it cannot say if it is well.
func (r *remote) nonsense(what string) error {
	r.child.Kill()
	r.fail(fmt.Errorf("%w: it was killed, since it made no sense: %s", ErrCrashed, what))
	return r.last
}

func (r *remote) fail(err error) {
	r.last = &Error{Step: "child", Codec: r.name, Err: r.d.pool.Blame(err)}
}

// leave gives the child back, or ends it if it is not well.
func (r *remote) leave(ctx context.Context) {
	c := r.child
	if c == nil {
		return
	}
	r.use(0)
	if r.open && r.last == nil {
		var a answer
		err := c.Dismiss(ctx, appendRequest(r.buf[:0], &request{Kind: reqAbandon}, nil), func(answers io.Reader) (err error) {
			a, _, err = readAnswer(answers)
			return err
		})
		r.open = err != nil || a.Kind != ansDone
	}
	if r.open || r.last != nil || r.d.Fresh || c.Worn() || c.Slowed() || c.Shared.Trim() != nil {
		c.Kill()
	} else {
		r.d.pool.Put(c)
	}
	r.d.pool.Refill(ctx)
}
