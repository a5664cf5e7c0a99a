package durable

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// ErrVolume is the error of a Folder whose drive is not there, or another one.
var ErrVolume = errors.New("not the drive that it should be")

const (
	volumeFile = Private + "/name" // has the volume's name
	maxVolume  = 1 << 10           // bytes of that
)

// Mark gives the drive that is mounted at path a name, by which Open knows it. A drive that has another name keeps it, and Mark fails.
func Mark(path, volume string) (err error) {
	if volume == "" || len(volume) > maxVolume {
		return fmt.Errorf("store: a volume's name has 1 to %d bytes, not %d", maxVolume, len(volume))
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return err
	}
	f := &Folder{root}
	defer func() { err = errors.Join(err, f.Close()) }()
	switch old, err := f.ReadFile(volumeFile); {
	case err == nil && string(old) != volume:
		return fmt.Errorf("store: %s is named %q: %w", path, old, ErrVolume)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	return f.Write(context.Background(), volumeFile, []byte(volume))
}
