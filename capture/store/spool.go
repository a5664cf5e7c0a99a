package store

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/livestill/livestill/capture"
)

// Spool keeps stills on the local disk until a slower Store behind it has taken them. Put returns once the still is on the disk; Run
// delivers, as long as it takes, across restarts of the program:
//
//	spool := &store.Spool{Path: "spool", Store: bucket}
//	go spool.Run(ctx)
//
// What fails is tried again, later and later. While the Store takes nothing, one still is tried at a time. A still that is rejected,
// or fails Attempts times between others that are taken, is laid aside as a dead letter, in the folder dead within Path: see Dead and
// Revive. A program that dies between the Store's taking a still and the Spool's noting it delivers that again, with the same key.
//
// Of stills with the same key, the last one put counts. They reach the Store with Data, and without Picture if they come from the disk.
//
// A folder is one Spool's of one process, while that runs. If it goes, or another comes in its place, Put fails, and what is in it is
// delivered when it is back. While no Run runs, each Put reads the folder anew.
type Spool struct {
	Path   string // is made when needed, unless Volume is set
	Store  capture.Store
	Volume string // as Dir.Volume

	MaxBytes int64 // of files in Path, each counted as at least 4 KiB; a Put beyond fails with ErrFull. Zero means 1 GiB
	MinFree  int64 // as Dir.MinFree

	First      time.Duration // pause after a failure; each next is twice as long, and up to half of it is left to chance. Zero means 1 s
	Longest    time.Duration // of these pauses; zero means a minute
	Timeout    time.Duration // of each attempt; zero means a minute
	Attempts   int           // zero means 10
	Concurrent int           // deliveries at a time; zero means 4

	opening sync.Mutex // held while the folder is opened and its letters are listed
	mu      sync.Mutex
	box     *letterbox // nil while nobody uses it
	users   int        // of box
	tally   tally
	changed chan struct{} // is closed when something has changed; nil if nobody waits
}

const (
	defaultSpoolBytes = 1 << 30
	defaultPause      = time.Second
	defaultLongest    = time.Minute
	defaultDelivery   = time.Minute
	defaultTries      = 10
	defaultConcurrent = 4

	pendingFolder = "pending"
	deadFolder    = "dead"
)

// Progress is how a Spool fares.
type Progress struct {
	Pending   int       // stills to be delivered
	Dead      int       // that were laid aside
	Bytes     int64     // of both, each counted as at least 4 KiB
	Oldest    time.Time // when the oldest pending one was put
	Delivered int       // since the Spool was made
	Err       error     // of the last attempt, if it failed
	Next      time.Time // when the next is made after a failure
}

// Progress returns how things stand. It knows what is in the folder while Run runs, or a Put.
func (s *Spool) Progress() Progress {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := Progress{Delivered: s.tally.delivered, Err: s.tally.err, Next: s.tally.gate}
	if s.box != nil {
		s.box.count(&p)
	}
	return p
}

// Changed returns a channel that is closed when Progress changes.
func (s *Spool) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.change()
}

func (s *Spool) change() <-chan struct{} {
	if s.changed == nil {
		s.changed = make(chan struct{})
	}
	return s.changed
}

// tell tells who waits for a change. s.mu is held.
func (s *Spool) tell() {
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
}

// Flush waits until nothing is pending, as before a program ends. It takes a Run to deliver meanwhile.
func (s *Spool) Flush(ctx context.Context) error {
	_, done, err := s.use()
	if err != nil {
		return err
	}
	defer done()
	for {
		s.mu.Lock()
		pending, changed := s.box.pending, s.change()
		s.mu.Unlock()
		if pending == 0 {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// use opens the folder, if nobody else has, and keeps it open until done is called. A drive that has come back, as another device maybe,
// is opened anew.
func (s *Spool) use() (box *letterbox, done func(), err error) {
	if s.Store == nil {
		return nil, nil, errNoStore
	}
	s.opening.Lock()
	defer s.opening.Unlock()
	s.mu.Lock()
	old := s.box
	s.mu.Unlock()
	box = old
	if old == nil || s.Volume != "" && old.replaced() {
		if box, err = openLetterbox(s.Path, s.Volume); err != nil {
			return nil, nil, err
		}
		s.mu.Lock()
		if old != nil && old.busy > 0 { // else two could work on one key
			box, old = old, box
		}
		s.box = box
		s.tell()
		s.mu.Unlock()
		if old != nil {
			old.close()
		}
	}
	s.users++
	return box, func() {
		s.opening.Lock()
		defer s.opening.Unlock()
		if s.users--; s.users > 0 {
			return
		}
		s.mu.Lock()
		box := s.box
		s.box = nil
		s.mu.Unlock()
		box.close()
	}, nil
}

// Put writes s to the disk. Its location is where the Store will put it, if that is a capture.Locator; else the file in the Spool.
func (s *Spool) Put(ctx context.Context, still *capture.Still) (location string, err error) {
	if err := context.Cause(ctx); err != nil {
		return "", err
	}
	key, err := Template("").Key(still)
	if err != nil {
		return "", err
	}
	tail, err := (&letter{Still: still}).seal()
	if err != nil {
		return "", err
	}
	box, done, err := s.use()
	if err != nil {
		return "", err
	}
	defer done()
	e, err := s.reserve(box, still, len(tail))
	if err != nil {
		return "", err
	}
	location, err = s.location(e, still)
	left := false
	if err == nil {
		left, err = box.write(ctx, e, s.MinFree, still.Data, tail)
	}
	s.mu.Lock()
	if err == nil || left {
		box.add(key, e)
	} else {
		box.bytes -= e.cost()
	}
	s.tell()
	var old []*entry
	slot := box.slots[key]
	if slot != nil && !slot.busy {
		if old = slot.outdated(); len(old) > 0 {
			box.claim(slot)
		}
	}
	s.mu.Unlock()
	if len(old) > 0 {
		_, _ = s.remove(box, slot, old) // if not now, then before the delivery
		s.release(box, slot)
	}
	if err != nil {
		return "", err
	}
	return location, nil
}

func (s *Spool) release(box *letterbox, slot *slot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	box.release(slot)
	s.tell()
}

// reserve makes room for a letter, and numbers it.
func (s *Spool) reserve(box *letterbox, still *capture.Still, tail int) (*entry, error) {
	most := s.MaxBytes
	if most == 0 {
		most = defaultSpoolBytes
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e := newEntry(box.last+1, extension(still.Type))
	e.image, e.put = int64(len(still.Data)), time.Now()
	e.size = e.image + int64(tail)
	if box.bytes+e.cost() > most {
		return nil, fmt.Errorf("store: spool %s holds %d of %d bytes: %w", s.Path, box.bytes, most, ErrFull)
	}
	box.bytes += e.cost()
	box.last++
	return e, nil
}

// location is where a letter's still will be, or where it is.
func (s *Spool) location(e *entry, still *capture.Still) (string, error) {
	location, err := Locate(s.Store, still)
	if errors.Is(err, errors.ErrUnsupported) {
		return s.path(e), nil
	}
	return location, err
}

func (s *Spool) path(e *entry) string { return filepath.Join(s.Path, filepath.FromSlash(e.name())) }

// Locate returns where the Store will put a still.
func (s *Spool) Locate(still *capture.Still) (string, error) { return Locate(s.Store, still) }

// List yields what is pending or dead, and what the Store has, each still once, unless the Store's names do not keep the time. It takes
// a Store that lists.
func (s *Spool) List(ctx context.Context, which capture.Selection) iter.Seq2[capture.Stored, error] {
	return listAll(ctx, []capture.Store{waiting{s}, s.Store}, which)
}

// waiting is a Spool without its Store.
type waiting struct{ *Spool }

func (w waiting) List(ctx context.Context, which capture.Selection) iter.Seq2[capture.Stored, error] {
	return func(yield func(capture.Stored, error) bool) {
		box, done, err := w.use()
		if err != nil {
			yield(capture.Stored{}, err)
			return
		}
		defer done()
		_, read, err := Template("").Select(which)
		for _, key := range w.keys(box) {
			s, ok := read(key)
			if !ok {
				continue
			}
			if err = context.Cause(ctx); err != nil {
				break
			}
			s, ok, err = w.describe(box, key, s)
			if err != nil {
				break
			}
			if ok && !yield(s, nil) {
				return
			}
		}
		if err != nil {
			yield(capture.Stored{}, err)
		}
	}
}

// keys are those of all letters that are not damaged.
func (s *Spool) keys(box *letterbox) (keys []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key := range box.slots {
		if key != "" {
			keys = append(keys, key)
		}
	}
	return keys
}

// describe fills in what List says of the letter that counts under a key, unless it is delivered meanwhile.
func (s *Spool) describe(box *letterbox, key string, stored capture.Stored) (_ capture.Stored, ok bool, err error) {
	s.mu.Lock()
	var e entry
	if slot := box.slots[key]; slot != nil && slot.latest() != nil {
		e = *slot.latest()
	}
	s.mu.Unlock()
	if e.file == "" {
		return stored, false, nil
	}
	err = box.within(func(f *folder) error {
		l, _, err := e.peek(f)
		if err != nil {
			return err
		}
		stored.Size = e.image
		stored.Location, err = s.location(&e, l.Still)
		return err
	})
	if errors.Is(err, errGone) {
		return stored, false, nil
	}
	return stored, err == nil, err
}

// Delete deletes what is pending or dead, and from the Store. It waits for a delivery that is under way. Whose the damaged letters are is
// not known: while there are any, Delete deletes the rest and fails; see Dead and Discard.
func (s *Spool) Delete(ctx context.Context, which capture.Selection) (files int, err error) {
	if which.All() {
		return 0, capture.ErrSelectsAll
	}
	box, done, err := s.use()
	if err != nil {
		return 0, err
	}
	defer done()
	_, read, err := Template("").Select(which)
	if err != nil {
		return 0, err
	}
	for _, key := range s.keys(box) {
		if _, ok := read(key); !ok {
			continue
		}
		n, err := s.clear(ctx, box, key, func(*entry) bool { return true })
		files += n
		if err != nil {
			return files, err
		}
	}
	n, err := Delete(ctx, s.Store, which)
	s.mu.Lock()
	damaged := box.slots[""]
	s.mu.Unlock()
	if damaged != nil {
		err = errors.Join(err, fmt.Errorf("store: spool %s has damaged letters, which may be of any still", s.Path))
	}
	return files + n, err
}

// Discard deletes all dead letters, and says how many.
func (s *Spool) Discard(ctx context.Context) (stills int, err error) {
	return s.eachDead(ctx, func(box *letterbox, key string) (int, error) {
		return s.clear(ctx, box, key, func(e *entry) bool { return e.dead })
	})
}

// Revive has all dead letters delivered again but for damaged ones, and says how many.
func (s *Spool) Revive(ctx context.Context) (stills int, err error) {
	return s.eachDead(ctx, func(box *letterbox, key string) (stills int, err error) {
		slot, err := s.claim(ctx, box, key)
		if slot == nil {
			return 0, err
		}
		defer s.release(box, slot)
		s.mu.Lock()
		e := slot.latest()
		s.mu.Unlock()
		if key == "" || !e.dead {
			return 0, nil
		}
		moved := false
		if _, err = box.read(e); err == nil {
			moved, err = box.move(e, false)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		switch {
		case errors.Is(err, errGone):
			box.drop(slot, e)
			return 0, nil
		case errors.Is(err, errLetter):
			return 0, nil
		case moved:
			box.revive(e)
			slot.attempts, slot.failures, slot.due = 0, 0, time.Time{}
			stills = 1
		}
		return stills, err
	})
}

// eachDead calls do for each key with a dead letter, also when one fails.
func (s *Spool) eachDead(ctx context.Context, do func(box *letterbox, key string) (int, error)) (stills int, err error) {
	box, done, err := s.use()
	if err != nil {
		return 0, err
	}
	defer done()
	var keys []string
	s.mu.Lock()
	for key, slot := range box.slots {
		if slices.ContainsFunc(slot.letters, func(e *entry) bool { return e.dead }) {
			keys = append(keys, key)
		}
	}
	s.mu.Unlock()
	var errs []error
	for _, key := range keys {
		if err := context.Cause(ctx); err != nil {
			errs = append(errs, err)
			break
		}
		n, err := do(box, key)
		stills += n
		errs = append(errs, err)
	}
	return stills, errors.Join(errs...)
}

// claim waits until the slot of a key is ours alone; it is nil if there is none.
func (s *Spool) claim(ctx context.Context, box *letterbox, key string) (*slot, error) {
	for {
		s.mu.Lock()
		slot := box.slots[key]
		if slot == nil || !slot.busy {
			if slot != nil {
				box.claim(slot)
			}
			s.mu.Unlock()
			return slot, nil
		}
		changed := s.change()
		s.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// clear removes the letters with a key that are wanted gone, and says how many.
func (s *Spool) clear(ctx context.Context, box *letterbox, key string, gone func(*entry) bool) (files int, err error) {
	slot, err := s.claim(ctx, box, key)
	if slot == nil {
		return 0, err
	}
	s.mu.Lock()
	letters := slices.DeleteFunc(slices.Clone(slot.letters), func(e *entry) bool { return !gone(e) })
	s.mu.Unlock()
	if err = context.Cause(ctx); err == nil {
		files, err = s.remove(box, slot, letters)
	}
	s.release(box, slot)
	return files, err
}

// remove removes letters of a slot that is ours alone, from the disk and then from the books.
func (s *Spool) remove(box *letterbox, slot *slot, letters []*entry) (files int, err error) {
	for _, e := range letters {
		if err := box.remove(e); err != nil {
			return files, err
		}
		s.mu.Lock()
		box.drop(slot, e)
		s.mu.Unlock()
		files++
	}
	return files, nil
}

// A DeadLetter is a still that a Spool could not deliver.
type DeadLetter struct {
	capture.Stored        // zero if the file is damaged so that this is not known
	File           string // in the Spool: the image file, with a few bytes about it behind the picture
	Err            string // what was wrong
}

// Dead returns what was laid aside.
func (s *Spool) Dead() ([]DeadLetter, error) {
	box, done, err := s.use()
	if err != nil {
		return nil, err
	}
	defer done()
	_, read, err := Template("").Select(capture.Selection{})
	if err != nil {
		return nil, err
	}
	var dead []DeadLetter
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, slot := range box.slots {
		for _, e := range slot.letters {
			if e.dead {
				stored, _ := read(key)
				stored.Location, stored.Size = s.path(e), e.image
				dead = append(dead, DeadLetter{Stored: stored, File: s.path(e), Err: e.why})
			}
		}
	}
	return dead, nil
}
