package store

import (
	"context"
	"errors"
	"io/fs"

	"github.com/livestill/livestill/capture/store/internal/durable"
	"github.com/livestill/livestill/capture/store/internal/spoolfile"
)

// writeFile writes the file of e. After an error, left says that it is there all the same.
func (f *spoolFolder) writeFile(ctx context.Context, e *spoolEntry, minFree int64, data ...[]byte) (left bool, err error) {
	err = f.with(func(root *durable.Folder) error {
		if err := root.CheckFree(minFree, e.size); err != nil {
			return err
		}
		err := root.Write(ctx, e.name(), data...)
		if err != nil {
			gone := root.Remove(e.name())
			left = gone != nil && !errors.Is(gone, fs.ErrNotExist)
		}
		return err
	})
	return left, err
}

// readFile reads the file of e as a whole.
func (f *spoolFolder) readFile(e *spoolEntry) (r *spoolfile.Record, err error) {
	err = f.with(func(root *durable.Folder) error {
		file, err := root.ReadFile(e.name())
		if errors.Is(err, fs.ErrNotExist) {
			return errGone
		}
		if err == nil {
			r, err = spoolfile.Parse(file)
		}
		return err
	})
	return r, err
}

// removeFile removes the file of e, wherever it is: it is in both folders if rewriteFile was cut off.
func (f *spoolFolder) removeFile(e *spoolEntry) error {
	return f.with(func(root *durable.Folder) error {
		for _, folder := range []string{pendingFolder, deadFolder} {
			if err := root.Remove(folder + "/" + e.file); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		return errors.Join(root.Flush(pendingFolder), root.Flush(deadFolder))
	})
}

// moveFile moves the file of e to the other folder. It may have been moved in spite of an error.
func (f *spoolFolder) moveFile(e *spoolEntry) (moved bool, err error) {
	to := *e
	to.dead = !e.dead
	err = f.with(func(root *durable.Folder) error {
		if err := root.Move(e.name(), to.name()); errors.Is(err, fs.ErrNotExist) {
			return errGone
		} else if err != nil {
			return err
		}
		moved = true
		return errors.Join(root.Flush(pendingFolder), root.Flush(deadFolder))
	})
	return moved, err
}

// rewriteFile makes a dead letter of a pending entry's file, with what is wrong in it. If it is cut off, both files may be there. Then the
// pending one counts, since it is loaded last.
func (f *spoolFolder) rewriteFile(ctx context.Context, e *spoolEntry, r *spoolfile.Record) (size int64, err error) {
	trailer, err := r.Trailer()
	if err != nil {
		return 0, err
	}
	dead := *e
	dead.dead = true
	return int64(len(r.Still.Data) + len(trailer)), f.with(func(root *durable.Folder) error {
		if err := root.Write(ctx, dead.name(), r.Still.Data, trailer); err != nil {
			return err
		}
		if err := root.Remove(e.name()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return root.Flush(pendingFolder)
	})
}
