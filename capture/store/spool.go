package store

import (
	"context"
	"errors"
	"fmt"
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
// delivered when it is back. What letters there are is read once, by a Put too if no Run runs, and then again when others had the folder
// meanwhile, or Run begins.
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

	mu      sync.Mutex
	box     *letterbox // that was used last; nil at first
	users   int        // who use it, or wait for that
	turn    *turn      // nil while the folder is neither being opened nor closed
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

// Progress returns how things stand. It knows of the folder what was there when it was last used, as Run does all the time.
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
	_, done, err := s.read(ctx)
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
	box, done, err := s.use(ctx)
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
