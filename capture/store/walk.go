package store

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"

	"github.com/livestill/livestill/capture/store/internal/durable"
)

const pageSize = 128 // entries of a folder that are read at a time

// A walk goes through the files below a folder in small steps, and can be left after each and taken up again. It keeps a page of each folder
// that it is in, and has those open that have more. Files may be removed on the way; folders that this empties are removed, too.
type walk struct {
	enters func(name string) bool // is asked for the name of each folder within
	flush  bool                   // folders that files were removed from, to the disk

	levels []level // the folders that the walk is in, from the top on; none at the end
}

// A level is a folder that a walk is in.
type level struct {
	path    string
	rest    *os.File // nil when all is read
	page    []fs.DirEntry
	thinned bool // something was removed
}

// enter has the walk go through a folder before all others. One that is not there has no files.
func (w *walk) enter(f *durable.Folder, name string) error {
	dir, err := f.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		w.levels = append(w.levels, level{path: name, rest: dir})
	}
	return err
}

// step makes one step, which may come by a file; visit tells whether it removed that. After an error the walk goes on with what comes next.
func (w *walk) step(f *durable.Folder, visit func(name string, info fs.FileInfo) (removed bool, err error)) error {
	l := &w.levels[len(w.levels)-1]
	if len(l.page) == 0 {
		if l.rest != nil {
			return l.read()
		}
		return w.leave(f)
	}
	entry := l.page[0]
	l.page = l.page[1:]
	name := path.Join(l.path, entry.Name())
	switch {
	case entry.IsDir() && w.enters(entry.Name()):
		return w.enter(f, name)
	case !entry.Type().IsRegular():
		return nil
	}
	info, err := entry.Info()
	if errors.Is(err, fs.ErrNotExist) { // deleted meanwhile
		return nil
	} else if err != nil {
		return err
	}
	removed, err := visit(name, info)
	l.thinned = l.thinned || removed
	return err
}

// read reads the next page.
func (l *level) read() (err error) {
	l.page, err = l.rest.ReadDir(pageSize)
	if err == nil && len(l.page) == pageSize {
		return nil
	}
	if errors.Is(err, io.EOF) || errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	err = errors.Join(err, l.rest.Close())
	l.rest = nil
	return err
}

// leave ends the last level, and removes its folder if it was thinned until it is empty, as it seems.
func (w *walk) leave(f *durable.Folder) error {
	last := len(w.levels) - 1
	l := w.levels[last]
	w.levels = w.levels[:last]
	if !l.thinned {
		return nil
	}
	if last > 0 {
		removed, err := w.prune(f, l.path)
		w.levels[last-1].thinned = w.levels[last-1].thinned || removed
		return err
	}
	for name := l.path; ; name = path.Dir(name) {
		if removed, err := w.prune(f, name); !removed {
			return err
		}
	}
}

// prune removes a folder that something was removed from, with that of the truth in it, if they are empty.
func (w *walk) prune(f *durable.Folder, name string) (removed bool, err error) {
	private := path.Join(name, durable.Private)
	if w.flush {
		err = errors.Join(f.Flush(name), f.Flush(private))
	}
	if err != nil || name == "." || name == durable.Private {
		return false, err
	}
	_ = f.Remove(private)
	return f.Remove(name) == nil, nil
}

// close ends the walk.
func (w *walk) close() {
	for _, l := range w.levels {
		if l.rest != nil {
			_ = l.rest.Close() // it was opened to be read
		}
	}
	w.levels = nil
}
