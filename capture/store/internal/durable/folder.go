// Package durable has folders whose files are there as a whole or not at all, even after a power cut.
package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Private is the folder in each Folder for what is no still: files that are being written, the volume's name, the lock of a Spool.
const Private = ".livestill"

// A Folder is a folder, open. Its methods may be called by several goroutines at a time.
type Folder struct{ *os.Root }

// Open opens a folder. If volume is empty, the folder is made if it is not there. If not, Mark must have given it that name; else Open
// fails with ErrVolume. Whoever opens it closes it.
func Open(path, volume string) (*Folder, error) {
	if path == "" {
		return nil, errors.New("store: no Path")
	}
	if volume == "" {
		if err := makeFolder(path); err != nil {
			return nil, err
		}
	}
	root, err := os.OpenRoot(path)
	if volume == "" {
		return &Folder{root}, err
	}
	if err != nil {
		return nil, volumeError(path, volume, err)
	}
	name, err := root.ReadFile(volumeFile)
	if err == nil && string(name) == volume {
		return &Folder{root}, nil
	}
	if err == nil {
		err = fmt.Errorf("is named %q", name)
	}
	return nil, errors.Join(volumeError(path, volume, err), root.Close())
}

// volumeError is an ErrVolume alone: that the drive is not there says nothing of what is on it.
func volumeError(path, volume string, why error) error {
	return fmt.Errorf("store: %s is to be %q: %w: %s", path, volume, ErrVolume, why.Error())
}

// makeFolder makes a folder and those that it is in, and flushes their names to the disk.
func makeFolder(path string) error {
	switch info, err := os.Stat(path); {
	case err == nil && info.IsDir():
		return nil
	case err == nil:
		return &fs.PathError{Op: "mkdir", Path: path, Err: syscall.ENOTDIR}
	}
	parent := filepath.Dir(path)
	if parent != path {
		if err := makeFolder(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(path, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	f, err := os.Open(parent)
	if err != nil {
		return err
	}
	return errors.Join(flush(f), f.Close())
}
