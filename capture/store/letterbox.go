package store

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
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

// An entry is a letter in a Spool's folder, pending/NUMBER.EXT or dead/NUMBER.EXT; of two with one key, the higher number is newer.
type entry struct {
	number    uint64
	key       string // by the empty Template
	extension string
	size      int64 // of the file
	put       time.Time
	location  string // where the still will be
	image     int64  // bytes of it

	// Under the Spool's mutex, or of whoever has set busy:
	busy     bool // somebody works on it alone
	dead     bool
	why      string
	attempts int       // failures that others' successes lie between
	others   int       // of these, up to the last failure
	failures int       // in all
	due      time.Time // for the next attempt
	at       int       // in the heap; -1 if not there
}

func (e *entry) name() string {
	if e.dead {
		return e.in(deadFolder)
	}
	return e.in(pendingFolder)
}

func (e *entry) in(folder string) string {
	return fmt.Sprintf("%s/%020d%s", folder, e.number, e.extension)
}

// cost is what e counts for.
func (e *entry) cost() int64 { return max(e.size, leastCost) }

// A letterbox is a Spool's folder, open. What is below lock is under the Spool's mutex; the methods that work on files want it free.
type letterbox struct {
	path, volume string
	lock         *os.File

	entries map[*entry]bool
	latest  map[string]*entry // the pending ones that are not outdated, by key
	due     dueHeap           // those of latest with whose key nobody is busy
	working map[string]int    // how many entries of a key are busy
	busy    int               // how many are in all
	dead    int
	bytes   int64
	last    uint64 // number
}

// openLetterbox opens a folder, and reads whose letters are there; describe is told of each.
func openLetterbox(path, volume string, describe func(*entry, *letter)) (_ *letterbox, err error) {
	f, err := openFolder(path, volume)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	b := &letterbox{
		path: path, volume: volume, entries: make(map[*entry]bool), latest: make(map[string]*entry), working: make(map[string]int),
	}
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
	err = f.sweep()
	for _, folder := range []string{deadFolder, pendingFolder} {
		if err == nil {
			err = b.scan(f, folder, describe)
		}
	}
	if err != nil {
		return nil, errors.Join(err, b.lock.Close())
	}
	return b, nil
}

// scan takes up what is in a folder, in the order of numbers.
func (b *letterbox) scan(f *folder, folder string, describe func(*entry, *letter)) error {
	files, err := fs.ReadDir(f.FS(), folder) // sorted by name
	if err != nil {
		return err
	}
	for _, file := range files {
		digits, extension, _ := strings.Cut(file.Name(), ".")
		number, err := strconv.ParseUint(digits, 10, 64)
		if err != nil || !file.Type().IsRegular() {
			continue // nobody's
		}
		e := &entry{number: number, extension: "." + extension, dead: folder == deadFolder, at: -1}
		l, err := e.peek(f)
		if err != nil && !errors.Is(err, errLetter) {
			return err
		}
		if err != nil {
			e.why = err.Error()
		}
		if err != nil && !e.dead {
			if err := f.rename(e.in(pendingFolder), e.in(deadFolder)); err != nil {
				return err
			}
			e.dead = true
		}
		b.bytes += e.cost()
		b.last = max(b.last, number)
		if l != nil {
			describe(e, l)
		}
		if e.dead {
			b.entries[e] = true
			b.dead++
		} else if old := b.add(e); old != nil {
			if err := f.Remove(old.name()); err != nil {
				return err
			}
			b.drop(old)
		}
	}
	return nil
}

// peek reads of a letter all but its image, and fills in e; of one that is damaged, what can be known.
func (e *entry) peek(f *folder) (l *letter, err error) {
	file, err := f.Open(e.name())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	e.size, e.put = info.Size(), info.ModTime()
	if l, err = peekLetter(file, e.size); err != nil {
		return nil, err
	}
	if e.key, err = Template("").Key(l.Still); err != nil {
		return nil, fmt.Errorf("%w: %w", errLetter, err)
	}
	return l, nil
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
	return &folder{root}, nil
}

// within opens the folder for one piece of work.
func (b *letterbox) within(work func(f *folder) error) error {
	f, err := b.folder()
	if err != nil {
		return err
	}
	return errors.Join(work(f), f.Close())
}

// write writes the file of e, which is in no book yet.
func (b *letterbox) write(ctx context.Context, e *entry, minFree int64, data ...[]byte) error {
	return b.within(func(f *folder) error {
		if err := f.floor(minFree, e.size); err != nil {
			return err
		}
		return f.write(ctx, e.name(), data...)
	})
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

// remove removes the file of e.
func (b *letterbox) remove(e *entry) error {
	return b.within(func(f *folder) error {
		if err := f.Remove(e.name()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return f.flushFolders(filepath.Dir(e.name()))
	})
}

// move moves the file of e, whose place in the books is the caller's to change.
func (b *letterbox) move(e *entry, to string) error {
	return b.within(func(f *folder) error {
		if err := f.rename(e.name(), e.in(to)); err != nil {
			return err
		}
		return errors.Join(f.flushFolders(pendingFolder), f.flushFolders(deadFolder))
	})
}

// rewrite makes a dead letter of a pending one.
func (b *letterbox) rewrite(ctx context.Context, e *entry, l *letter) error {
	tail, err := l.seal()
	if err != nil {
		return err
	}
	if err := b.within(func(f *folder) error {
		return f.write(ctx, e.in(deadFolder), l.Still.Data, tail)
	}); err != nil {
		return err
	}
	return b.remove(e)
}

// add takes up e, which is pending. It returns one of its key that is out of date and idle, claimed, to be discarded.
func (b *letterbox) add(e *entry) (old *entry) {
	b.entries[e] = true
	e.at = -1
	old = b.latest[e.key]
	if old != nil && old.number > e.number { // two Puts at once, the later one written first
		old = e
	} else {
		b.latest[e.key] = e
	}
	if old != nil && old.busy {
		return nil // who works on it will see
	}
	if old != nil {
		b.claim(old)
	}
	b.ready(e.key)
	return old
}

// revive takes a dead letter up again, which the caller has claimed. It returns what add does.
func (b *letterbox) revive(e *entry) (old *entry) {
	e.dead, e.why, e.attempts, e.due = false, "", 0, time.Time{}
	b.dead--
	old = b.latest[e.key]
	if old != nil && old.number > e.number {
		return e
	}
	b.latest[e.key] = e
	if old != nil && old.busy {
		old = nil
	}
	if old != nil {
		b.claim(old)
	}
	b.release(e)
	return old
}

// bury makes a dead letter of e, which stays claimed.
func (b *letterbox) bury(e *entry, why string) {
	if b.latest[e.key] == e {
		delete(b.latest, e.key)
	}
	e.dead, e.why = true, why
	b.dead++
}

// drop forgets e, which is claimed.
func (b *letterbox) drop(e *entry) {
	if b.latest[e.key] == e {
		delete(b.latest, e.key)
	}
	delete(b.entries, e)
	b.bytes -= e.cost()
	if e.dead {
		b.dead--
	}
	b.release(e)
}

// claim makes e the caller's alone.
func (b *letterbox) claim(e *entry) {
	if e.at >= 0 {
		heap.Remove(&b.due, e.at)
	}
	e.busy = true
	b.busy++
	b.working[e.key]++
}

// release ends a claim.
func (b *letterbox) release(e *entry) {
	e.busy = false
	b.busy--
	if b.working[e.key]--; b.working[e.key] == 0 {
		delete(b.working, e.key)
	}
	b.ready(e.key)
}

// ready makes the latest entry of a key due if nobody works on one: two of a key at once could arrive in the wrong order.
func (b *letterbox) ready(key string) {
	if e := b.latest[key]; e != nil && e.at < 0 && b.working[key] == 0 {
		heap.Push(&b.due, e)
	}
}

// outdated reports whether there is a newer one with the key of e.
func (b *letterbox) outdated(e *entry) bool { return !e.dead && b.latest[e.key] != e }

// next claims the entry that is due, or says when the next will be.
func (b *letterbox) next(now time.Time) (e *entry, due time.Time) {
	if len(b.due) == 0 {
		return nil, due
	}
	if e = b.due[0]; e.due.After(now) {
		return nil, e.due
	}
	b.claim(e)
	return e, due
}

// count tells how many there are.
func (b *letterbox) count(p *Progress) {
	p.Pending, p.Dead, p.Bytes = len(b.entries)-b.dead, b.dead, b.bytes
	for e := range b.entries {
		if !e.dead && (p.Oldest.IsZero() || e.put.Before(p.Oldest)) {
			p.Oldest = e.put
		}
	}
}

// A dueHeap has on top what is to be tried next: the oldest of those that never failed, then by when they are due.
type dueHeap []*entry

func (h dueHeap) Len() int { return len(h) }

func (h dueHeap) Less(i, j int) bool {
	if !h[i].due.Equal(h[j].due) {
		return h[i].due.Before(h[j].due)
	}
	return h[i].number < h[j].number
}

func (h dueHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].at, h[j].at = i, j
}

// Push is heap.Interface's.
func (h *dueHeap) Push(x any) {
	e := x.(*entry)
	e.at = len(*h)
	*h = append(*h, e)
}

// Pop is heap.Interface's.
func (h *dueHeap) Pop() any {
	last := len(*h) - 1
	e := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	e.at = -1
	return e
}
