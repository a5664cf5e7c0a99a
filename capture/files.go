package capture

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/livestill/livestill/capture/internal/sched"
	"github.com/livestill/livestill/capture/internal/shared"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/pixels"
)

// A file is an image file of a capture on its way: that of the still itself, or of a Variant.
type file struct {
	*record
	camera  *Camera
	variant *Variant // nil for the still itself
	encoder Encoder
	id      fileID
	scored  func() // waits for the Scores; nil for a Variant

	siblings *siblings // of a Variant, which is one of them
	place    int       // among them
}

// A fileError is the *Error of one file of several, which is that of the capture.
type fileError struct{ error }

// A fileID tells image files apart.
type fileID struct {
	sched.ID
	own *frame.Picture // what it is made of, if that is not what all captures have: merged of neighbours that came meanwhile, or finished

	variant string  // the Name of one of the Camera's
	shape   Variant // of one of an asker's own, without Name and Encoder
}

// begunFiles returns the files that a capture is to make, the still itself first if it is one of them.
func (w *capture) begunFiles(enhanced fileID) (all []*file) {
	c := w.camera
	if w.choice.still {
		all = append(all, &file{record: &w.record, camera: c, encoder: c.encoder(), id: enhanced, scored: w.awaitScores})
	}
	for _, v := range w.choice.variants {
		still := *w.still
		still.Variant, still.Steps = v.Name, slices.Clone(still.Steps)
		id := enhanced
		if v.Plain {
			still.Picture, still.Merged, id.own = w.picture, 0, nil
			still.Steps = slices.DeleteFunc(still.Steps, func(s Step) bool { return s.Name == StepGather || s.Name == StepEnhance })
		}
		f := &file{record: &record{still: &still}, camera: c, variant: v.Variant, encoder: v.encoder, id: id}
		f.changes = still.Picture.Changes
		if f.id.variant = v.Name; v.own {
			f.id.variant, f.id.shape = "", *v.Variant
			f.id.shape.Name, f.id.shape.Encoder = "", nil
		}
		if v.own && v.Encoder != nil { // which files of others it makes is not known
			p := *still.Picture
			still.Picture, f.id.own = &p, &p
		}
		all = append(all, f)
	}
	group(all)
	return all
}

// makeFiles makes the files. A Variant that lacks its encoder says so; it is an error if all do.
func (w *capture) makeFiles(ctx context.Context, files []*file) error {
	err := each(ctx, files, func(ctx context.Context, f *file) error { return f.make(ctx) })
	w.awaitScores()
	if err != nil {
		return err
	}
	if w.choice.variants != nil {
		w.done(StepVariants, "", time.Now())
	}
	for _, f := range files {
		f.still.Scores = w.still.Scores
	}
	if w.camera.Sealer != nil {
		err = each(ctx, made(files), func(ctx context.Context, f *file) error { return f.seal(ctx) })
	}
	if len(made(files)) == 0 {
		return files[0].still.Err
	}
	return err
}

// made returns those of the files that are there.
func made(files []*file) (there []*file) {
	for _, f := range files {
		if f.still.Err == nil {
			there = append(there, f)
		}
	}
	return there
}

// each does something for all files at once: for the still itself on this goroutine. The first error ends the context of the others, and is an
// *Error.
func each(ctx context.Context, files []*file, do func(ctx context.Context, f *file) error) error {
	if len(files) == 1 && files[0].variant == nil {
		return do(ctx, files[0])
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var failing sync.Once
	var failed error
	var working sync.WaitGroup
	defer working.Wait() // also when a hook ends this goroutine
	begin := func(f *file) {
		err, returned := error(nil), false
		defer func() {
			if !returned {
				err = f.failed(ctx, f.running, shared.ErrExit)
			}
			if err != nil {
				failing.Do(func() { failed = err })
				cancel()
			}
		}()
		err = do(ctx, f)
		returned = true
	}
	for _, f := range files {
		if f.variant != nil {
			working.Go(func() { begin(f) })
		}
	}
	for _, f := range files {
		if f.variant == nil {
			begin(f)
		}
	}
	working.Wait()
	return failed
}

// make makes a file. That the Encoder of a Variant is not there is no error of its own, but the still says so.
func (f *file) make(ctx context.Context) error {
	c, s := f.camera, f.still
	var scaler any
	if f.variant != nil {
		scaler = f.variant
	}
	err := f.run(ctx,
		step{StepScale, scaler, func() (err error) {
			s.Picture, err = f.scale(ctx)
			return err
		}},
		step{StepFinish, c.Finisher, func() error {
			p, err := c.Finisher.Finish(context.WithValue(c.working(ctx), variantKey{}, s.Variant), s.Request, s.Picture)
			if err == nil {
				err = pixels.Check(p)
			}
			if p != s.Picture {
				s.Picture, f.id.own = p, p
			}
			return err
		}},
		step{StepEncode, f.encoder, func() (err error) {
			s.Type = f.encoder.Type()
			files, p := &c.files, s.Picture
			if f.variant != nil {
				files = &c.variants
			}
			s.Data, err = files.Do(ctx, &c.running, f.id, func(ctx context.Context) ([]byte, error) { return f.encode(ctx, p) })
			if f.scored != nil {
				f.scored()
			}
			return err
		}},
	)
	var failed *Error
	if f.variant != nil && errors.As(err, &failed) && failed.Step == StepEncode && errors.Is(err, ErrUnsupported) {
		s.Err, s.Picture = err, nil
		return nil
	}
	return err
}

// encode makes the image file of a picture.
func (f *file) encode(ctx context.Context, p *frame.Picture) ([]byte, error) {
	var data bytes.Buffer
	ctx = f.camera.working(ctx)
	var err error
	if e, ok := f.encoder.(QualityEncoder); ok && f.variant != nil && f.variant.Quality != 0 {
		err = e.EncodeQuality(ctx, &data, p, f.variant.Quality)
	} else {
		err = f.encoder.Encode(ctx, &data, p)
	}
	return slices.Clip(data.Bytes()), err // without room behind it: several stills share it
}

// seal seals a file.
func (f *file) seal(ctx context.Context) error {
	c, s := f.camera, f.still
	return f.run(ctx, step{StepSeal, c.Sealer, func() error {
		sealed, err := c.Sealer.Seal(c.working(ctx), s)
		if err == nil && len(sealed) == 0 && len(s.Data) > 0 {
			err = errors.New("the sealed file has no bytes")
		}
		s.Data = slices.Clip(sealed)
		return err
	}})
}

// putFiles stores the files: the still itself last, so that whoever finds it finds all.
func (w *capture) putFiles(ctx context.Context) error {
	store := w.camera.Store
	files := made(w.all)
	var variants []*file
	for _, f := range files {
		if f.variant != nil {
			variants = append(variants, f)
		}
	}
	err := each(ctx, variants, func(ctx context.Context, f *file) error {
		return f.run(ctx, step{StepStore, store, func() (err error) {
			f.still.Location, err = store.Put(ctx, f.still)
			return err
		}})
	})
	if err != nil {
		return fileError{err}
	}
	if w.choice.still {
		w.still.Location, err = store.Put(ctx, w.still)
	}
	return err
}

// tellVariants hands out what was made beside the still itself. If that was not asked for, it has no picture, for none was
// finished, and was not stored.
func (w *capture) tellVariants() {
	for _, f := range w.all {
		if f.variant != nil {
			w.still.Variants = append(w.still.Variants, f.still)
		}
	}
	if !w.choice.still {
		w.still.Picture = nil
		w.still.Steps = slices.DeleteFunc(w.still.Steps, func(s Step) bool { return s.Name == StepStore })
	}
}
