package store

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/store/internal/durable"
	"github.com/livestill/livestill/capture/store/internal/truth"
)

// errReplaced is the error of a file that is no longer what is there under its name.
var errReplaced = errors.New("still was replaced meanwhile")

// Open opens the file of a still. What is replaced or deleted then is read to its end as it was.
func (d *Dir) Open(ctx context.Context, location string) (opened *capture.Opened, err error) {
	_, read, err := d.Template.Select(capture.Selection{})
	if err != nil {
		return nil, err
	}
	name, err := filepath.Rel(d.Path, location)
	key := filepath.ToSlash(name)
	stored, ok := read(key)
	if err != nil || !ok {
		return nil, truth.NotThere(location)
	}
	f, err := durable.Open(d.Path, d.Volume)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	for err = errReplaced; errors.Is(err, errReplaced); {
		if err = context.Cause(ctx); err == nil {
			opened, err = openFile(f, key, stored)
		}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return nil, truth.NotThere(location)
	case err != nil:
		return nil, err
	}
	opened.Still.Location = location
	return opened, nil
}

// openFile opens the file of a still, of which stored is what its name tells.
func openFile(f *durable.Folder, key string, stored capture.Stored) (_ *capture.Opened, err error) {
	file, err := f.Open(key)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = file.Close() // it was opened to be read
		}
	}()
	info, err := file.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fs.ErrNotExist
	}
	r, err := recordOf(f, key, file, info.Size())
	if err != nil {
		return nil, err
	}
	if r == nil { // the file is from before stores kept the truth, or was replaced or deleted since it was opened
		if now, err := f.Lstat(key); err != nil {
			return nil, err
		} else if !os.SameFile(info, now) {
			return nil, errReplaced
		}
		r = &truth.Record{Still: truth.Named(stored)}
	}
	return &capture.Opened{ReadSeekCloser: file, Size: info.Size(), Modified: info.ModTime(), Still: r.Still}, nil
}

// recordOf finds the truth about an open file; nil if there is none.
func recordOf(f *durable.Folder, key string, file io.ReaderAt, size int64) (*truth.Record, error) {
	text, err := f.ReadFile(truth.FileOf(key))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var records []*truth.Record
	if err == nil {
		records, err = truth.Parse(text)
	}
	if err != nil {
		return nil, &fs.PathError{Op: "read", Path: filepath.Join(f.Name(), filepath.FromSlash(truth.FileOf(key))), Err: err}
	}
	return truth.Find(records, size, func() (string, error) { return truth.Sum(io.NewSectionReader(file, 0, size)) })
}
