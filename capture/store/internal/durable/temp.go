package durable

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"strings"
	"time"
)

// Stale is the age after which a temporary file is none that is being written.
const Stale = time.Hour

const tempFile = "temp-" // begins the names of temporary files, in Private, which have no dot

// IsTemp reports whether a file in Private, of that name, is one that is being written, or was when its writer died.
func IsTemp(name string) bool {
	return strings.HasPrefix(name, tempFile) && !strings.Contains(name, ".")
}

// Sweep removes the temporary files that are older than an age by the clock of the drive; all, if the age is 0.
func (f *Folder) Sweep(age time.Duration) error {
	entries, err := fs.ReadDir(f.FS(), Private)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var now time.Time // asked for when there is something to sweep
	for _, e := range entries {
		if !IsTemp(e.Name()) {
			continue
		}
		if now.IsZero() {
			now = f.Now()
		}
		if info, err := e.Info(); err == nil && (age == 0 || now.Sub(info.ModTime()) >= age) {
			_ = f.Remove(Private + "/" + e.Name()) // if not now, then at the next sweep
		}
	}
	return nil
}

// Changed is when a file was changed, by the clock of the drive; now, if it is not there.
func (f *Folder) Changed(name string) time.Time {
	if info, err := f.Lstat(name); err == nil {
		return info.ModTime()
	}
	return f.Now()
}

// Now is the time by the clock of the drive, which may be another machine's; by ours, if the drive takes no file to tell it.
func (f *Folder) Now() time.Time {
	name := Private + "/" + tempFile + rand.Text()
	file, err := f.Create(name)
	if err != nil {
		return time.Now()
	}
	info, err := file.Stat()
	_, _ = file.Close(), f.Remove(name) // if it stays, a sweep takes it
	if err != nil {
		return time.Now()
	}
	return info.ModTime()
}
