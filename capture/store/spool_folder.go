package store

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/store/internal/durable"
	"github.com/livestill/livestill/capture/store/internal/spoolfile"
)

const (
	pendingFolder = "pending"
	deadFolder    = "dead"
	spoolLock     = durable.Private + "/lock"
)

// errGone is the error of an entry whose file somebody else has removed.
var errGone = errors.New("file was removed")

// A spoolFolder is a Spool's folder, and what is known of the files in it. The queue is under the Spool's mutex; the methods touch files and
// not the queue, except for loadSpoolFolder's, and want the mutex free.
type spoolFolder struct {
	path, volume string
	queue        spoolQueue
	locate       func(e *spoolEntry, still *capture.Still) string // is asked once for each entry

	lock  *os.File         // nil while nobody uses the folder
	owner string           // is in the lock file, until another takes the folder
	left  spoolFolderState // when it was suspended
}

// loadSpoolFolder opens a folder, and reads what is in it.
func loadSpoolFolder(path, volume string, locate func(*spoolEntry, *capture.Still) string) (_ *spoolFolder, err error) {
	root, err := durable.Open(path, volume)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	f := &spoolFolder{path: path, volume: volume, locate: locate, queue: spoolQueue{groups: make(map[string]*spoolGroup)}}
	for _, name := range []string{durable.Private, pendingFolder, deadFolder} {
		if err := root.MkdirAll(name, 0o755); err != nil {
			return nil, err
		}
	}
	if f.lock, err = root.OpenFile(spoolLock, os.O_CREATE|os.O_RDWR, 0o644); err != nil {
		return nil, err
	}
	if err := durable.Lock(f.lock); err != nil {
		return nil, errors.Join(fmt.Errorf("store: spool %s is another's: %w", path, err), f.lock.Close())
	}
	f.owner = rand.Text()
	if _, err := f.lock.WriteAt([]byte(f.owner), 0); err != nil {
		f.owner = "" // the disk may be full: the folder is loaded each time then
	}
	err = root.Sweep(0)
	for _, folder := range []string{deadFolder, pendingFolder} {
		if err == nil {
			err = f.load(root, folder)
		}
	}
	if err != nil {
		return nil, errors.Join(err, durable.Unlock(f.lock))
	}
	return f, nil
}

// load takes up what is in one of the two folders. A file that cannot be read is dead until it is loaded anew.
func (f *spoolFolder) load(root *durable.Folder, folder string) error {
	files, err := fs.ReadDir(root.FS(), folder)
	if err != nil {
		return err
	}
	for _, file := range files {
		digits, _, _ := strings.Cut(file.Name(), "-")
		number, err := strconv.ParseUint(digits, 10, 64)
		if err != nil || !file.Type().IsRegular() {
			continue // none of a Spool's
		}
		e := &spoolEntry{number: number, file: file.Name(), dead: folder == deadFolder}
		r, key, err := e.inspect(root)
		switch {
		case err == nil:
			e.location = f.locate(e, r.Still)
		case errors.Is(err, errGone):
			continue
		case errors.Is(err, spoolfile.ErrDamaged) && !e.dead:
			if err := root.Move(e.name(), deadFolder+"/"+e.file); err != nil {
				return err
			}
		}
		if err != nil {
			e.dead, e.why = true, err.Error()
		}
		f.queue.bytes += e.cost()
		f.queue.last = max(f.queue.last, number)
		f.queue.add(key, e)
	}
	return nil
}

// inspect reads the file of e except for its image, and fills in e; of a file that is damaged, what can be known.
func (e *spoolEntry) inspect(root *durable.Folder) (r *spoolfile.Record, key string, err error) {
	file, err := root.Open(e.name())
	if errors.Is(err, fs.ErrNotExist) {
		err = errGone
	}
	if err != nil {
		return nil, "", err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	info, err := file.Stat()
	if err != nil {
		return nil, "", err
	}
	e.size, e.put = info.Size(), info.ModTime()
	if r, err = spoolfile.ParseTrailer(file, e.size); err != nil {
		return nil, "", err
	}
	e.image, e.why = r.Image, r.Error
	if key, err = Template("").Key(r.Still); err != nil {
		return nil, "", fmt.Errorf("%w: %w", spoolfile.ErrDamaged, err)
	}
	return r, key, nil
}

// with opens the folder for one piece of work, if it is still the one that was loaded.
func (f *spoolFolder) with(work func(root *durable.Folder) error) error {
	r, err := os.OpenRoot(f.path)
	if err != nil {
		return fmt.Errorf("%w: %s", ErrVolume, err.Error())
	}
	root := &durable.Folder{Root: r}
	loaded, errLoaded := f.lock.Stat()
	there, errThere := root.Stat(spoolLock)
	switch err = errors.Join(errLoaded, errThere); {
	case err != nil:
		err = fmt.Errorf("store: %s is another folder than before: %w: %s", f.path, ErrVolume, err.Error())
	case !os.SameFile(loaded, there):
		err = fmt.Errorf("store: %s is another folder than before: %w", f.path, ErrVolume)
	default:
		err = work(root)
	}
	return errors.Join(err, root.Close())
}

// replaced reports whether the volume is there, in another folder than the one that was loaded.
func (f *spoolFolder) replaced() bool {
	root, err := durable.Open(f.path, f.volume)
	if err != nil {
		return false
	}
	_ = root.Close() // it was opened to be looked at
	return f.with(func(*durable.Folder) error { return nil }) != nil
}

// A spoolFolderState is what changes when others are at a Spool's folder.
type spoolFolderState struct {
	owner         string
	pending, dead time.Time // when files were added or removed
}

func (f *spoolFolder) state(root *durable.Folder) (now spoolFolderState, err error) {
	owner := make([]byte, len(f.owner))
	_, err = f.lock.ReadAt(owner, 0)
	now.owner = string(owner)
	for name, at := range map[string]*time.Time{pendingFolder: &now.pending, deadFolder: &now.dead} {
		info, errFolder := root.Stat(name)
		if err = errors.Join(err, errFolder); errFolder == nil {
			*at = info.ModTime()
		}
	}
	return now, err
}

// suspend gives the folder up, and notes in what state.
func (f *spoolFolder) suspend() {
	f.left = spoolFolderState{}
	_ = f.with(func(root *durable.Folder) (err error) { // without a state, it will be loaded anew
		f.left, err = f.state(root)
		return err
	})
	f.unlock()
	f.lock = nil
}

// resume takes the folder again, if it is as suspend has left it: then the queue is right.
func (f *spoolFolder) resume() bool {
	root, err := durable.Open(f.path, f.volume)
	if err != nil {
		return false
	}
	if f.lock, err = root.OpenFile(spoolLock, os.O_RDWR, 0); err == nil {
		err = durable.Lock(f.lock)
	}
	var now spoolFolderState
	if err == nil {
		now, err = f.state(root)
	}
	if err = errors.Join(err, root.Close()); err == nil && f.owner != "" && now == f.left {
		return true
	}
	f.unlock()
	f.lock = nil
	return false
}

// unlock lets others have the folder. Whoever still works in it gets an ErrVolume from then on.
func (f *spoolFolder) unlock() {
	if f.lock != nil {
		_ = durable.Unlock(f.lock) // which is all it was opened for
	}
}
