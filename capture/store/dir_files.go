package store

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/store/internal/durable"
	"github.com/livestill/livestill/capture/store/internal/truth"
)

// A Dir has two files of each still: the image, and the truth about it, in a folder .livestill beside. They cannot be replaced at once. So the
// truth comes first, together with that about the image which is still there, and goes last. A crash leaves a truth too many at worst, which
// nobody finds, and which is removed an hour later; never an image without its truth.

// write writes the files of a still, whose key is locked.
func (d *Dir) write(ctx context.Context, f *durable.Folder, key string, data []byte, r *truth.Record) error {
	records := []*truth.Record{r}
	if old := d.old(f, key); old != nil && old.SHA256 != r.SHA256 {
		records = append(records, old)
	}
	text, err := truth.Marshal(records...)
	if err != nil {
		return err
	}
	err = f.WriteInOrder(ctx, durable.File{Name: truth.FileOf(key), Data: [][]byte{text}}, durable.File{Name: key, Data: [][]byte{data}})
	if err != nil {
		if _, none := f.Lstat(key); errors.Is(none, fs.ErrNotExist) {
			_ = f.Remove(truth.FileOf(key)) // if it is there at all; if not now, then when it is an hour old
		}
	}
	return err
}

// old returns the truth about the image that is at key; nil if there is none, or nothing is to be known.
func (d *Dir) old(f *durable.Folder, key string) *truth.Record {
	file, err := f.Open(key)
	if err != nil {
		return nil
	}
	defer func() { _ = file.Close() }() // it was opened to be read
	info, err := file.Stat()
	if err != nil {
		return nil
	}
	r, err := recordOf(f, key, file, info.Size())
	if err != nil || r != nil {
		return r
	}
	_, read, errTemplate := d.Template.Select(capture.Selection{})
	sum, err := truth.Sum(file)
	if errTemplate != nil || err != nil {
		return nil
	}
	stored, _ := read(key)
	return &truth.Record{Size: info.Size(), SHA256: sum, Still: truth.Named(stored)}
}

// remove removes the files of a still, whose key is locked.
func remove(f *durable.Folder, key string) error {
	if err := f.Remove(key); err != nil {
		return err
	}
	if err := f.Remove(truth.FileOf(key)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// removeOrphan removes a truth that was stored so long ago, if its still is not there.
func (d *Dir) removeOrphan(f *durable.Folder, name string, stored time.Time, age time.Duration) (removed bool, err error) {
	key, _ := truth.StillOf(name)
	if age < durable.Stale || d.names.Try(key) != nil {
		return false, nil
	}
	defer d.names.Free(key)
	if _, err := f.Lstat(key); !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	return removeUnchanged(f, name, stored, f.Remove)
}

// removeUnchanged has remove remove a file, unless it was written again since it was stored.
func removeUnchanged(f *durable.Folder, name string, stored time.Time, remove func(name string) error) (removed bool, err error) {
	info, err := f.Lstat(name)
	if err == nil && info.ModTime().Equal(stored) {
		err = remove(name)
		removed = err == nil
	}
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	return removed, err
}
