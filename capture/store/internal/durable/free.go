package durable

import (
	"errors"
	"fmt"
)

// ErrFull is the error of a write for which there is no room: the disk is full, or what a store may use of it.
var ErrFull = errors.New("no room for another still")

const defaultMinFree = 64 << 20

// CheckFree fails with ErrFull if a file of so many bytes would leave fewer than least bytes of the file system free. Of least, zero means
// 64 MiB, and a negative value turns the check off.
func (f *Folder) CheckFree(least, file int64) error {
	if least < 0 {
		return nil
	}
	if least == 0 {
		least = defaultMinFree
	}
	free, err := f.free()
	if err != nil {
		return err
	}
	if free-file < least {
		return fmt.Errorf("store: %s has %d MiB free, and %d are to stay so: %w", f.Name(), free>>20, least>>20, ErrFull)
	}
	return nil
}

// free returns how many bytes the file system has for us.
func (f *Folder) free() (int64, error) {
	self, err := f.Open(".")
	if err != nil {
		return 0, err
	}
	free, err := freeBytes(self)
	return free, errors.Join(err, self.Close())
}
