package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/internal/shared"
	"github.com/livestill/livestill/capture/store/internal/counts"
	"github.com/livestill/livestill/capture/store/internal/spoolfile"
	"github.com/livestill/livestill/capture/store/internal/watched"
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
// delivered when it is back. What is in the folder is read once, by a Put too if no Run runs, and then again when others had the folder
// meanwhile, or Run begins.
type Spool struct {
	Path   string // is made when needed, unless Volume is set
	Store  capture.Store
	Volume string // as Dir.Volume

	// MaxBytes bounds the files in Path, each counted as at least 4 KiB; a
	// Put beyond fails with ErrFull. Zero means 1 GiB.
	MaxBytes int64
	MinFree  int64 // as Dir.MinFree

	// First is the pause after a failure; each next is twice as long, and
	// up to half of it is left to chance. Zero means 1 s.
	First time.Duration

	Longest    time.Duration // of these pauses; zero means a minute
	Timeout    time.Duration // of each attempt; zero means a minute
	Attempts   int           // zero means 10
	Concurrent int           // deliveries at a time; zero means 4

	mu         sync.Mutex       // of all below, and of the folder's queue
	folder     *spoolFolder     // that was used last; nil at first
	users      int              // who use it, or wait for that
	transition *spoolTransition // nil while the folder is neither being opened nor closed
	deliveries deliveries
	changed    chan struct{} // is closed when something has changed; nil if nobody waits

	counts  counts.Counts
	watched watched.Stills
}

// Nobody waits: ten attempts have four minutes of pauses at most. Chosen, not measured.
const (
	defaultSpoolBytes = 1 << 30 // a thousand stills of 1 MB
	defaultPause      = time.Second
	defaultLongest    = time.Minute
	defaultDelivery   = time.Minute
	defaultTries      = 10
	defaultConcurrent = 4
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
	p := Progress{Delivered: s.deliveries.succeeded, Err: s.deliveries.err, Next: s.deliveries.resume}
	if s.folder != nil {
		s.folder.queue.addTo(&p)
	}
	return p
}

// Changed returns a channel that is closed when Progress changes.
func (s *Spool) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.nextChange()
}

// nextChange is Changed with s.mu held.
func (s *Spool) nextChange() <-chan struct{} {
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
	_, done, err := s.useAnew(ctx)
	if err != nil {
		return err
	}
	defer done()
	for {
		s.mu.Lock()
		q, changed := &s.folder.queue, s.nextChange()
		flushed := q.pending == 0 && q.claimed == 0 // and counted
		s.mu.Unlock()
		if flushed {
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
	defer s.counts.Put(still)(&err)
	if err := context.Cause(ctx); err != nil {
		return "", err
	}
	key, err := Template("").Key(still)
	if err != nil {
		return "", err
	}
	trailer, err := (&spoolfile.Record{Still: still}).Trailer()
	if err != nil {
		return "", err
	}
	folder, done, err := s.use(ctx)
	if err != nil {
		return "", err
	}
	defer done()
	e, err := s.reserve(&folder.queue, still, len(trailer))
	if err != nil {
		return "", err
	}
	left := false
	if location, err = s.location(e, still); err == nil {
		e.location = location
		left, err = folder.writeFile(ctx, e, s.MinFree, still.Data, trailer)
	}
	s.enqueue(folder, key, e, err == nil || left)
	if err != nil {
		return "", err
	}
	return location, nil
}

// Stats returns what Puts have come to up to now. It may be called at any time.
func (s *Spool) Stats() capture.StoreStats { return s.counts.Stats() }

// reserve makes room for an entry, and numbers it.
func (s *Spool) reserve(q *spoolQueue, still *capture.Still, trailer int) (*spoolEntry, error) {
	most := cmp.Or(s.MaxBytes, defaultSpoolBytes)
	s.mu.Lock()
	defer s.mu.Unlock()
	e := newSpoolEntry(q.last+1, extension(still.Type))
	e.image, e.put = int64(len(still.Data)), time.Now()
	e.size = e.image + int64(trailer)
	if q.bytes+e.cost() > most {
		return nil, fmt.Errorf("store: spool %s holds %d of %d bytes: %w", s.Path, q.bytes, most, ErrFull)
	}
	q.bytes += e.cost()
	q.last++
	return e, nil
}

// enqueue takes up a reserved entry, if its file was written, and removes what it replaces.
func (s *Spool) enqueue(folder *spoolFolder, key string, e *spoolEntry, written bool) {
	s.mu.Lock()
	q := &folder.queue
	if written {
		q.add(key, e)
	} else {
		q.bytes -= e.cost()
	}
	s.tell()
	var outdated []*spoolEntry
	group := q.groups[key]
	if group != nil && !group.claimed {
		if outdated = group.outdated(); len(outdated) > 0 {
			q.setClaimed(group, true)
		}
	}
	s.mu.Unlock()
	if len(outdated) > 0 {
		_, _ = s.remove(folder, group, outdated) // if not now, then before the delivery
		s.release(folder, group)
	}
}

// location is where an entry's still will be, or where it is.
func (s *Spool) location(e *spoolEntry, still *capture.Still) (string, error) {
	location, err := Locate(s.Store, still)
	if errors.Is(err, errors.ErrUnsupported) {
		return s.path(e), nil
	}
	return location, err
}

// locate is location for what is in the folder already. It runs on a goroutine of the Spool's, and contains the Store.
func (s *Spool) locate(e *spoolEntry, still *capture.Still) (location string) {
	_ = shared.Contain(func() (err error) { // of which the next Put will tell
		location, err = s.location(e, still)
		return err
	})
	return location
}

func (s *Spool) path(e *spoolEntry) string {
	return filepath.Join(s.Path, filepath.FromSlash(e.name()))
}

// Locate returns where the Store will put a still.
func (s *Spool) Locate(still *capture.Still) (string, error) { return Locate(s.Store, still) }
