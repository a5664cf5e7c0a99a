package rclonestore

import (
	"context"
	"errors"
	"iter"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/fspath"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/store/internal/truth"
)

// List yields the stills that are there. It reads folder by folder, only the stream's if which has one.
func (r *Store) List(ctx context.Context, which capture.Selection) iter.Seq2[capture.Stored, error] {
	return func(yield func(capture.Stored, error) bool) {
		calls := r.join()
		defer calls.leave()
		ctx = bounded(ctx)
		f, err := calls.open(ctx)
		if err == nil {
			err = r.each(ctx, calls, f, which, false, func(s capture.Stored, _ fs.Object) bool { return yield(s, nil) })
		}
		if err != nil {
			yield(capture.Stored{}, failed(ctx, "list", err))
		}
	}
}

// Delete deletes files; on disks, by SMB and FTP also the folders that this leaves empty. Elsewhere they stay, for to delete a folder there
// may delete what is put into it meanwhile. Google Drive and others move files to a bin first, unless told not to by Remote's options, such
// as use_trash=false. Delete waits for Puts of what it selects that are under way, also those that were left behind; and it sweeps: what a
// Put left that was cut off is there for an hour at most.
//
// A folder that cannot be read is an error. But who says that such a folder is empty, as some FTP servers do, is believed; and so is a
// backend that says so, if it is not a disk's.
func (r *Store) Delete(ctx context.Context, which capture.Selection) (files int, err error) {
	if which.All() {
		return 0, capture.ErrSelectsAll
	}
	if err := r.watched.Tell(ctx, r.Template, which); err != nil {
		return 0, err
	}
	calls := r.join()
	defer calls.leave()
	ctx = bounded(ctx)
	f, err := calls.open(ctx)
	if err == nil {
		err = r.settle(ctx, which)
	}
	var found []fs.Object
	told := make(map[string]fs.Object) // by the name of what it was told of
	if err == nil {
		err = r.each(ctx, calls, f, which, true, func(_ capture.Stored, o fs.Object) bool {
			if still, ok := truth.StillOf(o.Remote()); ok {
				told[still] = o
			} else {
				found = append(found, o)
			}
			return true
		})
	}
	if err == nil {
		files, err = await(ctx, &calls.running, func() (int, error) {
			sweep(ctx, f)
			return remove(ctx, f, found, told)
		})
	}
	if err != nil {
		return files, failed(ctx, "delete", err)
	}
	return files, nil
}

// OnDelete has selected called when Delete deletes s.
func (r *Store) OnDelete(s *capture.Still, selected func(ctx context.Context)) (stop func()) {
	return r.watched.Add(r.Template, s, selected)
}

// settle waits for the Puts of what is selected that are under way, and for none that begins later.
func (r *Store) settle(ctx context.Context, which capture.Selection) error {
	_, read, err := r.Template.Select(which)
	if err != nil {
		return err
	}
	var ends []chan struct{}
	r.mu.Lock()
	for key, end := range r.busy {
		if _, ok := read(key); ok {
			ends = append(ends, end)
		}
	}
	r.mu.Unlock()
	for _, end := range ends {
		select {
		case <-end:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// remove removes stills, what was told of them, and folders that are empty then, and says how many stills there were. What was told of others
// goes if it is old, since they are gone.
func remove(ctx context.Context, f fs.Fs, found []fs.Object, told map[string]fs.Object) (files int, err error) {
	folders := make(map[string]bool)
	for _, o := range found {
		removed, err := removeFile(ctx, f, o)
		if removed {
			files++
		}
		if t := told[o.Remote()]; err == nil && t != nil {
			_, err = removeFile(ctx, f, t)
		}
		if err != nil {
			return files, err
		}
		folders[path.Dir(o.Remote())] = true
		delete(told, o.Remote())
	}
	for still, t := range told {
		if time.Since(t.ModTime(ctx)) < stale {
			continue
		}
		if _, err := removeFile(ctx, f, t); err != nil {
			return files, err
		}
		folders[path.Dir(still)] = true
	}
	switch fs.Type(fs.UnWrapFs(f)) {
	case "local", "smb", "ftp": // to remove a folder that is not empty fails; of SFTP's servers, some remove it with all that is in it
		for name := range folders {
			for name != "." {
				_ = f.Rmdir(ctx, name+"/"+backstage)
				if f.Rmdir(ctx, name) != nil {
					break
				}
				name = path.Dir(name)
			}
		}
	}
	return files, nil
}

// removeFile removes a file, which may be gone.
func removeFile(ctx context.Context, f fs.Fs, o fs.Object) (removed bool, err error) {
	if err := context.Cause(ctx); err != nil {
		return false, err
	}
	if err = o.Remove(ctx); err == nil {
		return true, nil
	}
	if _, none := f.NewObject(ctx, o.Remote()); errors.Is(none, fs.ErrorObjectNotFound) {
		return false, nil
	}
	return false, err
}

// each calls do with each file that which selects, until it returns false; if told, also with what was told of such stills.
func (r *Store) each(
	ctx context.Context, calls *calls, f fs.Fs, which capture.Selection, told bool, do func(capture.Stored, fs.Object) bool,
) error {
	prefix, read, err := r.Template.Select(which)
	if err != nil {
		return err
	}
	root, err := r.root()
	if err != nil {
		return err
	}
	for folders := []string{strings.TrimSuffix(prefix, "/")}; len(folders) > 0; {
		folder := folders[len(folders)-1]
		folders = folders[:len(folders)-1]
		for page, err := range calls.pages(ctx, f, folder) {
			if errors.Is(err, fs.ErrorDirNotFound) { // deleted meanwhile, or not made yet
				break
			} else if err != nil {
				return err
			}
			for _, entry := range page {
				o, isFile := entry.(fs.Object)
				name := aboutWhat(entry.Remote())
				s, isStill := read(name)
				switch {
				case !isFile && enters(entry.Remote(), told):
					folders = append(folders, entry.Remote())
				case isFile && isStill:
					s.Location, s.Size = fspath.JoinRootPath(root, name), o.Size()
					if !do(s, o) {
						return nil
					}
				}
			}
		}
	}
	return nil
}

// aboutWhat is the name of a still, or of that which a file tells of.
func aboutWhat(file string) string {
	if still, ok := truth.StillOf(file); ok {
		return still
	}
	return file
}

// enters reports whether a folder may have stills in it, or if told, what was told of them.
func enters(folder string, told bool) bool {
	base := path.Base(folder)
	return !strings.HasPrefix(base, ".") || told && base == backstage
}

// pages yields what is in a folder, or the error that ends it.
func (c *calls) pages(ctx context.Context, f fs.Fs, folder string) iter.Seq2[fs.DirEntries, error] {
	return func(yield func(fs.DirEntries, error) bool) {
		if err := context.Cause(ctx); err != nil {
			yield(nil, err)
			return
		}
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		pages, listed := make(chan fs.DirEntries), make(chan error, 1)
		c.running.Go(func() {
			listed <- list(ctx, f, folder, func(page fs.DirEntries) error {
				select {
				case pages <- slices.Clone(page): // the backend fills it again
					return nil
				case <-ctx.Done():
					return context.Cause(ctx)
				}
			})
		})
		for {
			select {
			case page := <-pages:
				if !yield(page, nil) {
					return
				}
			case err := <-listed:
				if err != nil {
					yield(nil, err)
				}
				return
			case <-ctx.Done():
				yield(nil, context.Cause(ctx))
				return
			}
		}
	}
}
