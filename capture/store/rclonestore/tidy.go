package rclonestore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rclone/rclone/fs"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/store"
	"github.com/livestill/livestill/capture/store/internal/keep"
	"github.com/livestill/livestill/capture/store/internal/truth"
)

// A round goes once through all folders.
type round struct {
	keep.Round
	folders []string // that are left
}

// Tidy deletes what is over Keep, and goes on where Puts are, until all is within Keep that was there when it was called. It deletes what can be
// deleted, and tells then what cannot. Whoever puts rarely, but has much to forget, may call it.
func (r *Store) Tidy(ctx context.Context) error {
	if err := r.checkKeep(); err != nil {
		return err
	}
	ctx = bounded(ctx)
	if err := r.tidier.Tidy(ctx, func(ctx context.Context) error { return r.tidyStep(ctx, "") }); err != nil {
		return failed(ctx, "tidy", err)
	}
	return nil
}

// checkKeep tells if stills cannot be known from other files.
func (r *Store) checkKeep() error {
	if r.Keep == (store.Keep{}) {
		return nil
	}
	if _, _, err := r.Template.Select(capture.Selection{Before: time.Unix(0, 0)}); err != nil {
		return fmt.Errorf("rclonestore: Keep needs a Template with {date}: %w", err)
	}
	return nil
}

// tidyStep works on a folder. What was put just now, if anything, stays.
func (r *Store) tidyStep(ctx context.Context, put string) error {
	ctx, config := fs.AddConfig(ctx)
	config.UseServerModTime = true // else S3 is asked for that of each file
	calls := r.join()
	defer calls.leave()
	f, err := calls.open(ctx)
	if err != nil {
		return err
	}
	if r.round == nil {
		r.tidier.Begin()
		r.round = &round{folders: []string{""}}
	}
	last := len(r.round.folders) - 1
	folder := r.round.folders[last]
	r.round.folders = r.round.folders[:last]
	old, err := r.tooOld(ctx, calls, f, folder, put)
	var notes []note
	if err == nil {
		notes, err = await(ctx, &calls.running, func() ([]note, error) { return r.removeOld(ctx, f, old), nil })
	}
	if err != nil {
		r.round = nil
		return err
	}
	for _, n := range notes {
		r.tidier.Note(n.err)
		if n.removed {
			r.round.Removed++
		} else {
			r.round.Kept.Add(n.o.ModTime(ctx), n.o.Size())
		}
	}
	if len(r.round.folders) > 0 {
		return nil
	}
	if over := r.round.Next(keep.Bounds{Count: r.Keep.Count, Bytes: r.Keep.Bytes}); over.Any {
		r.round = &round{Round: keep.Round{Surplus: over}, folders: []string{""}}
	} else {
		r.round = nil
		r.tidier.End()
	}
	return nil
}

// tooOld looks through a folder, and returns the stills in it that are too old, or were found to be over the bounds.
func (r *Store) tooOld(ctx context.Context, calls *calls, f fs.Fs, folder, put string) (old []fs.Object, err error) {
	_, read, err := r.Template.Select(capture.Selection{})
	if err != nil {
		return nil, err
	}
	for page, err := range calls.pages(ctx, f, folder) {
		if errors.Is(err, fs.ErrorDirNotFound) { // deleted meanwhile, or not made yet
			return old, nil
		} else if err != nil {
			return nil, err
		}
		for _, entry := range page {
			name := entry.Remote()
			o, isFile := entry.(fs.Object)
			if !isFile && enters(name, false) {
				r.round.folders = append(r.round.folders, name)
			}
			if _, isStill := read(name); !isFile || !isStill {
				continue
			}
			stored := o.ModTime(ctx)
			if name != put && (r.Keep.Age > 0 && time.Since(stored) > r.Keep.Age || r.round.Surplus.Takes(stored, o.Size())) {
				old = append(old, o)
			} else {
				r.round.Kept.Add(stored, o.Size())
			}
		}
	}
	return old, nil
}

// A note says what has become of a still that was to be removed.
type note struct {
	o       fs.Object
	removed bool
	err     error
}

// removeOld removes stills and what was told of them, unless they were put again since they were listed.
func (r *Store) removeOld(ctx context.Context, f fs.Fs, old []fs.Object) (notes []note) {
	for _, o := range old {
		n := note{o: o}
		if n.removed, n.err = r.removeOne(ctx, f, o); n.err != nil {
			n.err = fmt.Errorf("%s: %w", o.Remote(), n.err)
		}
		notes = append(notes, n)
	}
	return notes
}

func (r *Store) removeOne(ctx context.Context, f fs.Fs, o fs.Object) (removed bool, err error) {
	end, err := r.begin(ctx, o.Remote())
	if err != nil {
		return false, err
	}
	defer end()
	switch err := unchanged(ctx, f, o); {
	case errors.Is(err, fs.ErrorObjectNotFound):
		return true, nil
	case errors.Is(err, errReplaced):
		return false, nil
	case err != nil:
		return false, err
	}
	if _, err := removeFile(ctx, f, o); err != nil {
		return false, err
	}
	told, err := find(ctx, f, truth.FileOf(o.Remote()))
	if told != nil {
		_, err = removeFile(ctx, f, told)
	}
	return true, err
}
