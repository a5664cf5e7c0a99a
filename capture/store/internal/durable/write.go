package durable

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"runtime"
	"slices"
	"syscall"
)

const chunk = 1 << 20 // bytes to write between looks at the context

// Write makes a file, in place of one of that name. When it returns without error, the file and its name are on the disk. After an error
// the file may be there: as a whole, or that of before. A full disk is an ErrFull.
func (f *Folder) Write(ctx context.Context, name string, data ...[]byte) error {
	return f.WriteInOrder(ctx, File{name, data})
}

// A File is one to be made.
type File struct {
	Name string
	Data [][]byte
}

// WriteInOrder makes files as Write does. None gets its name before that of the one before it is on the disk, nor before the bytes of all are.
func (f *Folder) WriteInOrder(ctx context.Context, files ...File) (err error) {
	defer func() {
		if isFull(err) {
			err = fmt.Errorf("%w: %w", ErrFull, err)
		}
	}()
	if err := f.MkdirAll(Private, 0o755); err != nil {
		return err
	}
	var temps []string
	defer func() {
		for _, temp := range temps {
			_ = f.Remove(temp) // if it is there at all
		}
	}()
	for _, file := range files {
		temp := Private + "/" + tempFile + rand.Text()
		temps = append(temps, temp)
		if err := f.fill(ctx, temp, file.Data); err != nil {
			return err
		}
	}
	for i, file := range files {
		folder := path.Dir(file.Name)
		_, isNew := f.Lstat(folder)
		if err := f.Move(temps[0], file.Name); err != nil {
			return err
		}
		temps = temps[1:]
		if i < len(files)-1 && isNew == nil { // the last one flushes all that it is in
			err = f.Flush(folder)
		} else {
			err = f.flushUp(folder)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Move renames a file, into a folder that is made if it is not there. It does not flush.
func (f *Folder) Move(from, to string) (err error) {
	// Whoever deletes the last file of a folder deletes the folder, maybe while we make it, or between that and the rename.
	for range 100 {
		if err = f.MkdirAll(path.Dir(to), 0o755); err == nil {
			err = f.Rename(from, to)
		}
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrExist) {
			break
		}
	}
	return err
}

// fill makes a file that is on the disk when it returns without error.
func (f *Folder) fill(ctx context.Context, name string, data [][]byte) (err error) {
	file, err := f.Create(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	for _, data := range data {
		for part := range slices.Chunk(data, chunk) {
			if err := context.Cause(ctx); err != nil {
				return err
			}
			if _, err := file.Write(part); err != nil {
				return err
			}
		}
	}
	if err := file.Sync(); err != nil {
		return err
	}
	return context.Cause(ctx)
}

// flushUp flushes a folder within and all that it is in: a rename is kept in the folder, and a new folder in its parent.
func (f *Folder) flushUp(name string) error {
	for {
		if err := f.Flush(name); err != nil {
			return err
		}
		if name == "." {
			return nil
		}
		name = path.Dir(name)
	}
}

// Flush has the disk know which names are in a folder within. One that is not there has none.
func (f *Folder) Flush(name string) error {
	dir, err := f.Open(name)
	if errors.Is(err, fs.ErrNotExist) { // deleted meanwhile
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(flush(dir), dir.Close())
}

// flush flushes a folder. Windows has no such call, and some network file systems refuse it: they keep names as safe as they can without.
func flush(dir *os.File) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	err := dir.Sync()
	for _, refusal := range []error{syscall.EINVAL, syscall.ENOTSUP, syscall.ENOSYS, syscall.ENOTTY} {
		if errors.Is(err, refusal) {
			return nil
		}
	}
	return err
}
