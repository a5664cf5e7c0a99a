package store

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
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
// delivered when it is back.
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
		changed := s.Changed()
		if s.Progress().Pending == 0 {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// use opens the folder, if nobody else has, and keeps it open until done is called.
func (s *Spool) use() (box *letterbox, done func(), err error) {
	s.opening.Lock()
	defer s.opening.Unlock()
	if s.box == nil {
		box, err := openLetterbox(s.Path, s.Volume, func(e *entry, l *letter) {
			s.describe(e, l.Still, l.image)
			e.why = l.Error
		})
		if err != nil {
			return nil, nil, err
		}
		s.mu.Lock()
		s.box = box
		s.tell()
		s.mu.Unlock()
	}
	s.users++
	return s.box, func() {
		s.opening.Lock()
		defer s.opening.Unlock()
		if s.users--; s.users > 0 {
			return
		}
		s.mu.Lock()
		box := s.box
		s.box = nil
		s.mu.Unlock()
		_ = box.lock.Close() // it was opened to be read
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
	l := &letter{Still: still}
	tail, err := l.seal()
	if err != nil {
		return "", err
	}
	box, done, err := s.use()
	if err != nil {
		return "", err
	}
	defer done()
	e := &entry{key: key, extension: extension(still.Type), size: int64(len(still.Data) + len(tail)), put: time.Now()}
	if err := s.reserve(box, e); err != nil {
		return "", err
	}
	location = s.describe(e, still, int64(len(still.Data)))
	if err := box.write(ctx, e, s.MinFree, still.Data, tail); err != nil {
		s.mu.Lock()
		box.bytes -= e.cost()
		s.mu.Unlock()
		return "", err
	}
	s.mu.Lock()
	old := box.add(e)
	s.tell()
	s.mu.Unlock()
	if old != nil {
		_ = s.discard(box, old) // if not, then when the folder is opened the next time: it is known to be older
	}
	return location, nil
}

// describe fills in what List says of e, and returns its location.
func (s *Spool) describe(e *entry, still *capture.Still, image int64) (location string) {
	location, err := Locate(s.Store, still)
	if err != nil {
		location = filepath.Join(s.Path, filepath.FromSlash(e.name()))
	}
	e.location, e.image = location, image
	return location
}

// reserve makes room for e, and numbers it.
func (s *Spool) reserve(box *letterbox, e *entry) error {
	most := s.MaxBytes
	if most == 0 {
		most = defaultSpoolBytes
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if box.bytes+e.cost() > most {
		return fmt.Errorf("store: spool %s holds %d of %d bytes: %w", s.Path, box.bytes, most, ErrFull)
	}
	box.bytes += e.cost()
	box.last++
	e.number = box.last
	return nil
}

// Locate returns where the Store will put a still.
func (s *Spool) Locate(still *capture.Still) (string, error) { return Locate(s.Store, still) }

// List yields what is pending or dead, and what the Store has, each still once. It takes a Store that lists.
func (s *Spool) List(ctx context.Context, which capture.Selection) iter.Seq2[capture.Stored, error] {
	return func(yield func(capture.Stored, error) bool) {
		box, done, err := s.use()
		if err != nil {
			yield(capture.Stored{}, err)
			return
		}
		defer done()
		for stored, err := range listAll(ctx, []capture.Store{&waiting{Spool: s, box: box}, s.Store}, which) {
			if !yield(stored, err) {
				return
			}
		}
	}
}

// waiting is a Spool without its Store.
type waiting struct {
	*Spool
	box *letterbox
}

func (w *waiting) List(ctx context.Context, which capture.Selection) iter.Seq2[capture.Stored, error] {
	return func(yield func(capture.Stored, error) bool) {
		entries, err := w.selected(w.box, which)
		if err = errors.Join(err, context.Cause(ctx)); err != nil {
			yield(capture.Stored{}, err)
			return
		}
		for _, stored := range entries {
			if !yield(stored, nil) {
				return
			}
		}
	}
}

// selected returns the entries that which selects, and what List says of them.
func (s *Spool) selected(box *letterbox, which capture.Selection) (map[*entry]capture.Stored, error) {
	_, read, err := Template("").Select(which)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	entries := make(map[*entry]capture.Stored)
	for e := range box.entries {
		if stored, ok := read(e.key); ok {
			stored.Location, stored.Size = e.location, e.image
			entries[e] = stored
		}
	}
	return entries, nil
}

// Delete deletes what is pending or dead, and from the Store. It waits for a delivery that is under way.
func (s *Spool) Delete(ctx context.Context, which capture.Selection) (files int, err error) {
	if which.All() {
		return 0, capture.ErrSelectsAll
	}
	box, done, err := s.use()
	if err != nil {
		return 0, err
	}
	defer done()
	entries, err := s.selected(box, which)
	if err != nil {
		return 0, err
	}
	for e := range entries {
		ok, err := s.claim(ctx, box, e)
		if err != nil {
			return files, err
		}
		if !ok {
			continue // delivered meanwhile
		}
		if err := s.discard(box, e); err != nil {
			return files, err
		}
		files++
	}
	n, err := Delete(ctx, s.Store, which)
	return files + n, err
}

// claim makes e ours alone, unless it is gone.
func (s *Spool) claim(ctx context.Context, box *letterbox, e *entry) (ok bool, err error) {
	for {
		s.mu.Lock()
		if !box.entries[e] || !e.busy {
			ok := box.entries[e]
			if ok {
				box.claim(e)
			}
			s.mu.Unlock()
			return ok, nil
		}
		changed := s.change()
		s.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return false, context.Cause(ctx)
		}
	}
}

// discard removes e, which is ours alone, from the disk and from the books. If that fails, it is to be delivered again, unless it is out
// of date.
func (s *Spool) discard(box *letterbox, e *entry) error {
	err := box.remove(e)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil || box.outdated(e) {
		box.drop(e)
	} else {
		box.release(e)
	}
	s.tell()
	return err
}

// Revive has all dead letters delivered again, and says how many those are.
func (s *Spool) Revive(ctx context.Context) (stills int, err error) {
	box, done, err := s.use()
	if err != nil {
		return 0, err
	}
	defer done()
	entries, err := s.selected(box, capture.Selection{})
	if err != nil {
		return 0, err
	}
	for e := range entries {
		if ok, err := s.claim(ctx, box, e); err != nil || !ok {
			return stills, err
		}
		dead := e.dead // ours alone
		if dead {
			err = box.move(e, pendingFolder)
		}
		s.mu.Lock()
		var old *entry
		if dead && err == nil {
			stills++
			old = box.revive(e)
		} else {
			box.release(e)
		}
		s.tell()
		s.mu.Unlock()
		if old != nil {
			_ = s.discard(box, old) // as in Put
		}
		if err != nil {
			return stills, err
		}
	}
	return stills, nil
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
	for e := range box.entries {
		if e.dead {
			stored, _ := read(e.key)
			stored.Location, stored.Size = e.location, e.image
			dead = append(dead, DeadLetter{Stored: stored, File: filepath.Join(s.Path, filepath.FromSlash(e.name())), Err: e.why})
		}
	}
	return dead, nil
}
