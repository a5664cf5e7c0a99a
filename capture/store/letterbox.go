package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"
)

// errGone is the error of a letter whose file somebody else has removed.
var errGone = errors.New("file was removed")

const (
	lockFile  = backstage + "/lock"
	leastCost = 4 << 10 // bytes that a file takes at least
)

// An entry is what is known of a letter, the file pending/NUMBER-RANDOM.EXT or dead/NUMBER-RANDOM.EXT. Numbers count up; the rest of
// the name keeps two processes apart where no lock does.
type entry struct {
	number uint64
	file   string
	size   int64 // of the file
	image  int64 // bytes of the image in it
	put    time.Time
	dead   bool
	why    string // it is dead
}

func newEntry(number uint64, extension string) *entry {
	return &entry{number: number, file: fmt.Sprintf("%020d-%s%s", number, rand.Text(), extension)}
}

func (e *entry) name() string {
	if e.dead {
		return deadFolder + "/" + e.file
	}
	return pendingFolder + "/" + e.file
}

// cost is what e counts for.
func (e *entry) cost() int64 { return max(e.size, leastCost) }

// A letterbox is a Spool's folder, open. What is below lock is under the Spool's mutex; the methods that work on files want it free.
type letterbox struct {
	path, volume string
	lock         *os.File // nil while nobody uses the folder
	owner        string   // is in the lock file, until another takes the folder
	left         state    // the folder when it was closed

	slots   map[string]*slot
	due     dueHeap // slots that are neither busy nor idle
	busy    int     // slots
	pending int     // letters
	bytes   int64
	last    uint64 // number
}

// openLetterbox opens a folder, and reads whose letters are there.
func openLetterbox(path, volume string) (_ *letterbox, err error) {
	f, err := openFolder(path, volume)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	b := &letterbox{path: path, volume: volume, slots: make(map[string]*slot)}
	for _, name := range []string{backstage, pendingFolder, deadFolder} {
		if err := f.MkdirAll(name, 0o755); err != nil {
			return nil, err
		}
	}
	if b.lock, err = f.OpenFile(lockFile, os.O_CREATE|os.O_RDWR, 0o644); err != nil {
		return nil, err
	}
	if err := lock(b.lock); err != nil {
		return nil, errors.Join(fmt.Errorf("store: spool %s is another's: %w", path, err), b.lock.Close())
	}
	b.owner = rand.Text()
	if _, err := b.lock.WriteAt([]byte(b.owner), 0); err != nil {
		b.owner = "" // the disk may be full: the folder is read each time then
	}
	err = f.sweep(0)
	for _, folder := range []string{deadFolder, pendingFolder} {
		if err == nil {
			err = b.scan(f, folder)
		}
	}
	if err != nil {
		return nil, errors.Join(err, b.lock.Close())
	}
	return b, nil
}

// scan takes up what is in a folder.
func (b *letterbox) scan(f *folder, folder string) error {
	files, err := fs.ReadDir(f.FS(), folder)
	if err != nil {
		return err
	}
	for _, file := range files {
		digits, _, _ := strings.Cut(file.Name(), "-")
		number, err := strconv.ParseUint(digits, 10, 64)
		if err != nil || !file.Type().IsRegular() {
			continue // nobody's
		}
		e := &entry{number: number, file: file.Name(), dead: folder == deadFolder}
		_, key, err := e.peek(f)
		switch {
		case errors.Is(err, errGone):
			continue
		case errors.Is(err, errLetter) && !e.dead:
			if err := f.rename(e.name(), deadFolder+"/"+e.file); err != nil {
				return err
			}
		}
		if err != nil { // what cannot be read is dead until the folder is opened again
			e.dead, e.why = true, err.Error()
		}
		b.bytes += e.cost()
		b.last = max(b.last, number)
		b.add(key, e)
	}
	return nil
}

// peek reads of a letter all but its image, and fills in e; of one that is damaged, what can be known.
func (e *entry) peek(f *folder) (l *letter, key string, err error) {
	file, err := f.Open(e.name())
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
	if l, err = peekLetter(file, e.size); err != nil {
		return nil, "", err
	}
	e.image, e.why = l.image, l.Error
	if key, err = Template("").Key(l.Still); err != nil {
		return nil, "", fmt.Errorf("%w: %w", errLetter, err)
	}
	return l, key, nil
}

// folder opens the folder, if it is still the one that was opened first.
func (b *letterbox) folder() (*folder, error) {
	root, err := os.OpenRoot(b.path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrVolume, err)
	}
	mine, errMine := b.lock.Stat()
	there, errThere := root.Stat(lockFile)
	if errMine != nil || errThere != nil || !os.SameFile(mine, there) {
		return nil, errors.Join(fmt.Errorf("store: %s is another folder than before: %w", b.path, ErrVolume), errMine, errThere, root.Close())
	}
	return &folder{Root: root}, nil
}

// close gives the folder up.
func (b *letterbox) close() {
	if b.lock != nil {
		_ = b.lock.Close() // the file was opened to be locked
	}
}

// A state is what changes when others are at a Spool's folder.
type state struct {
	owner         string
	pending, dead time.Time // when files were added or removed
}

func (b *letterbox) state(f *folder) (now state, err error) {
	owner := make([]byte, len(b.owner))
	_, err = b.lock.ReadAt(owner, 0)
	now.owner = string(owner)
	for name, at := range map[string]*time.Time{pendingFolder: &now.pending, deadFolder: &now.dead} {
		info, errFolder := f.Stat(name)
		if err = errors.Join(err, errFolder); errFolder == nil {
			*at = info.ModTime()
		}
	}
	return now, err
}

// leave closes the folder, and notes how it is left.
func (b *letterbox) leave() {
	b.left = state{}
	_ = b.within(func(f *folder) (err error) { // without, it will be read
		b.left, err = b.state(f)
		return err
	})
	b.close()
	b.lock = nil
}

// reopen opens the folder if it is as it was left, so that all is known of it.
func (b *letterbox) reopen() bool {
	f, err := openFolder(b.path, b.volume)
	if err != nil {
		return false
	}
	if b.lock, err = f.OpenFile(lockFile, os.O_RDWR, 0); err == nil {
		err = lock(b.lock)
	}
	var now state
	if err == nil {
		now, err = b.state(f)
	}
	if err = errors.Join(err, f.Close()); err == nil && b.owner != "" && now == b.left {
		return true
	}
	b.close()
	b.lock = nil
	return false
}

// replaced reports whether the volume is there, in another folder than that which was opened first.
func (b *letterbox) replaced() bool {
	f, err := openFolder(b.path, b.volume)
	if err != nil {
		return false
	}
	_ = f.Close() // it was opened to be looked at
	f, err = b.folder()
	if err == nil {
		_ = f.Close()
	}
	return err != nil
}

// within opens the folder for one piece of work.
func (b *letterbox) within(work func(f *folder) error) error {
	f, err := b.folder()
	if err != nil {
		return err
	}
	return errors.Join(work(f), f.Close())
}

// write writes the file of e. After an error, left says that it is there all the same.
func (b *letterbox) write(ctx context.Context, e *entry, minFree int64, data ...[]byte) (left bool, err error) {
	err = b.within(func(f *folder) error {
		if err := f.floor(minFree, e.size); err != nil {
			return err
		}
		err := f.write(ctx, e.name(), data...)
		if err != nil {
			gone := f.Remove(e.name())
			left = gone != nil && !errors.Is(gone, fs.ErrNotExist)
		}
		return err
	})
	return left, err
}

// read reads the letter of e as a whole.
func (b *letterbox) read(e *entry) (l *letter, err error) {
	err = b.within(func(f *folder) error {
		file, err := f.ReadFile(e.name())
		if errors.Is(err, fs.ErrNotExist) {
			return errGone
		}
		if err == nil {
			l, err = openLetter(file)
		}
		return err
	})
	return l, err
}

// remove removes the file of e, wherever it is: in both folders, if a rewrite was cut off.
func (b *letterbox) remove(e *entry) error {
	return b.within(func(f *folder) error {
		for _, folder := range []string{pendingFolder, deadFolder} {
			if err := f.Remove(folder + "/" + e.file); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		return errors.Join(f.flushFolder(pendingFolder), f.flushFolder(deadFolder))
	})
}

// move moves the file of e to where it is if dead or not. It may have been moved in spite of an error.
func (b *letterbox) move(e *entry, dead bool) (moved bool, err error) {
	to := *e
	to.dead = dead
	err = b.within(func(f *folder) error {
		if err := f.rename(e.name(), to.name()); errors.Is(err, fs.ErrNotExist) {
			return errGone
		} else if err != nil {
			return err
		}
		moved = true
		return errors.Join(f.flushFolder(pendingFolder), f.flushFolder(deadFolder))
	})
	return moved, err
}

// rewrite makes a dead letter of a pending one, with what is wrong in it. Cut off in between, both are there, and the
// pending one, which is taken up last, counts.
func (b *letterbox) rewrite(ctx context.Context, e *entry, l *letter) (size int64, err error) {
	tail, err := l.seal()
	if err != nil {
		return 0, err
	}
	dead := *e
	dead.dead = true
	return int64(len(l.Still.Data) + len(tail)), b.within(func(f *folder) error {
		if err := f.write(ctx, dead.name(), l.Still.Data, tail); err != nil {
			return err
		}
		if err := f.Remove(e.name()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return f.flushFolder(pendingFolder)
	})
}
