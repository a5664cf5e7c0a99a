package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// ErrFull is the error of a Put for which there is no room: the disk is full, or what a store may use of it.
var ErrFull = errors.New("no room for another still")

// ErrVolume is the error of a store whose drive is not there, or another one: see Dir.Volume.
var ErrVolume = errors.New("not the drive that it should be")

const (
	backstage  = ".livestill"        // the folder for what is not finished
	volumeFile = backstage + "/name" // holds the volume's name
	tempFile   = "temp-"             // begins the names of files there that are being written
	stale      = time.Hour           // after which such a file is none that is being written
	chunk      = 1 << 20             // bytes to write between looks at the context
	maxVolume  = 1 << 10             // bytes of a volume's name
)

// Mark gives the drive that is mounted at path a name, by which Dir.Volume knows it. It is a file in the folder .livestill. A drive that
// has another name keeps it, and Mark fails.
func Mark(path, volume string) (err error) {
	if volume == "" || len(volume) > maxVolume {
		return fmt.Errorf("store: a volume's name has 1 to %d bytes, not %d", maxVolume, len(volume))
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return err
	}
	f := &folder{Root: root}
	defer func() { err = errors.Join(err, f.Close()) }()
	switch old, err := f.ReadFile(volumeFile); {
	case err == nil && string(old) != volume:
		return fmt.Errorf("store: %s is named %q: %w", path, old, ErrVolume)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	return f.write(context.Background(), volumeFile, []byte(volume))
}

// A folder is one whose files are there as a whole or not at all.
type folder struct{ *os.Root }

// openFolder opens a folder that is made if it is not there; or if volume is not empty, only if Mark has named it so.
func openFolder(path, volume string) (*folder, error) {
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
		return &folder{Root: root}, err
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrVolume, err)
	}
	name, err := root.ReadFile(volumeFile)
	if err == nil && string(name) == volume {
		return &folder{Root: root}, nil
	}
	if err == nil {
		err = fmt.Errorf("is named %q", name)
	}
	return nil, errors.Join(fmt.Errorf("store: %s is to be %q: %w: %w", path, volume, ErrVolume, err), root.Close())
}

// makeFolder makes a folder and those that it is in, on the disk.
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

// floor fails if a file of so many bytes would leave fewer than least free.
func (f *folder) floor(least, file int64) error {
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
func (f *folder) free() (int64, error) {
	self, err := f.Open(".")
	if err != nil {
		return 0, err
	}
	free, err := freeBytes(self)
	return free, errors.Join(err, self.Close())
}

// write makes a file, in place of one of that name; when it returns without error, it is on the disk, and so is its name.
// After an error it may be there.
func (f *folder) write(ctx context.Context, name string, data ...[]byte) (err error) {
	defer func() {
		if isFull(err) {
			err = fmt.Errorf("%w: %w", ErrFull, err)
		}
	}()
	if err := f.MkdirAll(backstage, 0o755); err != nil {
		return err
	}
	temp := backstage + "/" + tempFile + rand.Text()
	if err = f.fill(ctx, temp, data); err == nil {
		err = f.rename(temp, name)
	}
	if err != nil {
		_ = f.Remove(temp) // if it is there at all
		return err
	}
	return f.flushFolders(path.Dir(name))
}

// rename renames a file, into a folder that is made if it is not there.
func (f *folder) rename(from, to string) (err error) {
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
func (f *folder) fill(ctx context.Context, name string, data [][]byte) (err error) {
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

// flushFolders flushes a folder and all that it is in: a rename is in the folder, and a new folder in its parent.
func (f *folder) flushFolders(name string) error {
	for {
		if err := f.flushFolder(name); err != nil {
			return err
		}
		if name == "." {
			return nil
		}
		name = path.Dir(name)
	}
}

func (f *folder) flushFolder(name string) error {
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

// sweep removes what writes that were cut off have left, if it is older than an age by the clock of the drive.
func (f *folder) sweep(age time.Duration) error {
	entries, err := fs.ReadDir(f.FS(), backstage)
	if errors.Is(err, fs.ErrNotExist) || len(entries) == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	entries = slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return !strings.HasPrefix(e.Name(), tempFile) })
	if len(entries) == 0 {
		return nil
	}
	now := f.now()
	for _, e := range entries {
		if info, err := e.Info(); err == nil && (age == 0 || now.Sub(info.ModTime()) >= age) {
			_ = f.Remove(backstage + "/" + e.Name()) // if not now, then at the next sweep
		}
	}
	return nil
}

// changed is when a file was, which is now if it was put just now; now if it is not there.
func (f *folder) changed(name string) time.Time {
	if info, err := f.Lstat(name); err == nil {
		return info.ModTime()
	}
	return f.now()
}

// now is the time by the clock of the drive, which may be another machine's; by ours if the drive takes no file to tell.
func (f *folder) now() time.Time {
	name := backstage + "/" + tempFile + rand.Text()
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
