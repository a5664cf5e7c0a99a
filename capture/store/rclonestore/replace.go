package rclonestore

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"path"
	"strings"
	"time"

	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/object"
)

const (
	backstage = ".livestill" // the folder for what is not finished
	stamp     = "20060102T150405"
	stale     = time.Hour        // after which a file backstage is none that is being written
	tidying   = 10 * time.Second // for what is done after a failure, or beside
)

// staged tells whether uploads to f go backstage first: where they show before they are complete, and can be renamed.
func staged(f fs.Fs) bool {
	base := fs.UnWrapFs(f)
	if f.Features().Move == nil || base.Features().BucketBased {
		return false
	}
	switch fs.Type(base) {
	case "webdav", "hdfs", "union", "combine": // which do not say so, or not for all that they unite
		return true
	}
	return base.Features().PartialUploads
}

// upload makes a file, or replaces old, and checks what has arrived.
func (f file) upload(ctx context.Context, to fs.Fs, name string, old fs.Object) (o fs.Object, err error) {
	info := object.NewStaticObjectInfo(name, time.Now(), int64(len(f.data)), true, nil, to).WithMimeType(f.mediaType)
	if o = old; old != nil {
		err = old.Update(ctx, bytes.NewReader(f.data), info)
	} else {
		o, err = to.Put(ctx, bytes.NewReader(f.data), info)
	}
	if err != nil {
		return nil, err
	}
	if _, err = f.check(ctx, o); err != nil && old == nil {
		_ = o.Remove(ctx)
	}
	return o, err
}

// replace uploads backstage, and moves the file to where it belongs, in place of old if that is not nil.
func (f file) replace(ctx context.Context, to fs.Fs, old fs.Object) error {
	name := backstageName()
	made, err := f.upload(ctx, to, name, nil)
	if err == nil {
		err = context.Cause(ctx) // the backend may not know that it has ended
	}
	if err != nil {
		discard(ctx, to, name)
		return err
	}
	move := to.Features().Move
	var none error
	for range 3 {
		if _, err = move(ctx, made, f.key); err == nil {
			return nil
		}
		var there fs.Object
		if there, none = to.NewObject(ctx, f.key); none == nil {
			if f.is(ctx, there) || f.makeWay(ctx, to, made, there) == nil { // only the answer was lost, or the way not free
				return nil
			}
			old = there
			_, none = to.NewObject(ctx, f.key)
		}
		if !errors.Is(none, fs.ErrorObjectNotFound) {
			break
		}
		// The remote has deleted the old file and failed to rename, or somebody the folder, for its last file was deleted: again.
	}
	if old == nil || none == nil {
		discard(ctx, to, name)
	} // else it may be all there is of the still
	return err
}

// makeWay moves made to where old is, which goes backstage, and comes back if that fails.
func (f file) makeWay(ctx context.Context, to fs.Fs, made, old fs.Object) error {
	move, aside := to.Features().Move, backstageName()
	old, err := move(ctx, old, aside)
	beside, stop := tidy(ctx)
	defer stop()
	if err != nil {
		if _, none := to.NewObject(beside, f.key); !errors.Is(none, fs.ErrorObjectNotFound) {
			return err
		}
		var none error
		if old, none = to.NewObject(beside, aside); none != nil {
			return err
		} // else only the answer was lost
	}
	_, err = move(ctx, made, f.key)
	beside, stop = tidy(ctx)
	defer stop()
	if err != nil {
		_, back := move(beside, old, f.key)
		return errors.Join(err, back)
	}
	_ = old.Remove(beside) // if not now, then a sweep
	return nil
}

// tidy returns a context for what is to be done although ctx may have ended.
func tidy(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), tidying)
}

func backstageName() string {
	return backstage + "/" + time.Now().UTC().Format(stamp) + "-" + rand.Text()
}

// discard removes a file, if it is there, also when ctx has ended.
func discard(ctx context.Context, from fs.Fs, name string) {
	ctx, stop := tidy(ctx)
	defer stop()
	if o, err := from.NewObject(ctx, name); err == nil {
		_ = o.Remove(ctx)
	}
}

// sweep removes what Puts that were cut off have left backstage. Their names tell when; not all remotes do.
func sweep(ctx context.Context, f fs.Fs) {
	ctx, stop := context.WithTimeout(ctx, tidying)
	defer stop()
	entries, err := f.List(ctx, backstage)
	if err != nil {
		return // another time
	}
	for _, entry := range entries {
		made, _, _ := strings.Cut(path.Base(entry.Remote()), "-")
		at, err := time.Parse(stamp, made)
		if o, ok := entry.(fs.Object); ok && err == nil && time.Since(at) > stale {
			_ = o.Remove(ctx)
		}
	}
}
