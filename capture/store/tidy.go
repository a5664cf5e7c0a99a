package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path"
	"strings"
	"time"

	"github.com/livestill/livestill/capture"
)

// Keep bounds what a Dir keeps. Zero fields do not. The newest file stays, whatever its size. Several programs may keep one folder, and
// others may delete there; what they delete while a program counts is counted.
type Keep struct {
	Age   time.Duration // since a still was put, by the drive's clock
	Count int           // files; the oldest go first
	Bytes int64         // of files; the oldest go first
}

const (
	// A Put tidies for sliceTime, in which a local disk looks at a thousand files; by a slow drive for as many steps as it takes to look at
	// many more than are put. It waits no longer than longestHold.
	sliceTime   = 4 * time.Millisecond
	sliceSteps  = 64
	longestHold = 8 * time.Millisecond

	// Between two times that Puts tidy all is at least this, and so many times as long as it took.
	betweenTidying = time.Minute
	tidyingShare   = 100

	late = time.Hour // for tidying all takes; then the operator is told
)

// A tidyState is how far tidying is, which goes on where it was left.
type tidyState struct {
	round *round // nil between times

	rounds   int           // that have begun
	first    int           // of this time
	began    time.Time     // when that did, by our clock
	now      time.Time     // the same by the drive's
	worked   time.Duration // at it since
	failed   error         // the first error since
	failures int           // since
	told     bool          // that it is late

	ended int       // the first round of the last time that has ended
	err   error     // of that time
	next  time.Time // for Puts to tidy
}

// A round goes once through all that is there. It deletes what is too old, and what the round before has found to be over the bounds, and
// finds that for the next round. So nothing has to be remembered of single files.
type round struct {
	walk    walk
	read    func(key string) (capture.Stored, bool)
	surplus surplus // to be deleted
	ages    ages    // of what is left
	removed int
}

// Tidy deletes what is over Keep, and what writes left behind that were cut off more than an hour ago. It goes on where Puts, or a Tidy
// whose context ended, have left it, until Keep holds for all that was there when it was called. It deletes what can be deleted, and tells
// then what cannot. Whoever puts rarely, but has much to forget, may call it; also before a drive is unmounted, since Puts leave open what
// large folder they are in.
func (d *Dir) Tidy(ctx context.Context) error {
	if err := d.check(); err != nil {
		return err
	}
	d.tidying.Lock()
	rounds := d.tidy.rounds
	d.tidying.Unlock()
	for {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		ended, err := d.tidySlice(rounds)
		if ended || err != nil {
			return err
		}
	}
}

// tidySlice tidies a little, and reports whether a time has ended that began after so many rounds had, with its error.
func (d *Dir) tidySlice(rounds int) (ended bool, err error) {
	f, err := openFolder(d.Path, d.Volume)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	d.tidying.Lock()
	defer d.tidying.Unlock()
	if d.tidy.round == nil {
		d.tidy.begin(f.now())
	}
	if err := d.tidySome(f, "", nil); err != nil || d.tidy.ended <= rounds {
		return false, err
	}
	return true, d.tidy.err
}

// tidyBeside tidies a little, if it is time and nobody does. It returns in time, if need be before that is done. What was put just now,
// if anything, stays.
func (d *Dir) tidyBeside(f *folder, put string) {
	if !d.tidying.TryLock() {
		return
	}
	if time.Now().Before(d.tidy.next) {
		d.tidying.Unlock()
		return
	}
	log := cmp.Or(d.Logger, slog.Default()).With("folder", d.Path)
	own, err := f.OpenRoot(".")
	if err != nil {
		d.tidying.Unlock()
		log.Warn("tidying failed", "error", err)
		return
	}
	if d.tidy.round == nil {
		d.tidy.begin(f.changed(put))
	}
	done := make(chan struct{})
	go func() { // ends by itself, when the drive has answered
		defer close(done)
		defer d.tidying.Unlock()
		f := &folder{own}
		if err := errors.Join(d.tidySome(f, put, log), f.Close()); err != nil {
			log.Warn("tidying failed", "error", err)
			d.tidy.next = time.Now().Add(betweenTidying)
		}
	}()
	select {
	case <-done:
	case <-time.After(longestHold):
	}
}

// begin begins a time, at an instant by the drive's clock.
func (t *tidyState) begin(now time.Time) {
	t.first, t.began, t.now, t.worked, t.failed, t.failures, t.told = t.rounds+1, time.Now(), now, 0, nil, 0, false
}

// tidySome tidies for sliceTime. log hears what goes wrong with single files; it is nil if whoever waits for the end is told. d.tidying is held.
func (d *Dir) tidySome(f *folder, put string, log *slog.Logger) (err error) {
	t := &d.tidy
	start := time.Now()
	defer func() { t.worked += time.Since(start) }()
	if t.round == nil {
		if t.round, err = d.newRound(f, surplus{}); err != nil {
			return err
		}
	}
	for n := 0; n < sliceSteps || time.Since(start) < sliceTime; n++ {
		if len(t.round.walk.levels) == 0 {
			// What was found over the bounds is deleted by one more round, or by a few if it is much. What is put meanwhile waits for the next time.
			more := !t.round.surplus.any || t.round.removed > 0 && t.round.surplus.more()
			if over := t.round.ages.over(d.Keep); more && over.any {
				if t.round, err = d.newRound(f, over); err != nil {
					return err
				}
				continue
			}
			d.tidied(start)
			return nil
		}
		if err := d.tidyStep(f, put); err != nil {
			t.failures++
			if t.failed == nil {
				t.failed = err
				if log != nil {
					log.Warn("tidying goes on, but not all can be deleted", "error", err)
				}
			}
		}
	}
	if log != nil && !t.told && time.Since(t.began) > late {
		t.told = true
		log.Warn("tidying is late: little is put, or the drive is slow; Tidy does it at once", "since", t.began, "files", t.round.ages.files)
	}
	return nil
}

// tidied notes that a time has ended.
func (d *Dir) tidied(start time.Time) {
	t := &d.tidy
	t.round, t.ended, t.err = nil, t.first, nil
	if t.failed != nil {
		t.err = fmt.Errorf("store: tidy %s: %d failures, the first: %w", d.Path, t.failures, t.failed)
	}
	now := time.Now()
	t.next = now.Add(max(betweenTidying, tidyingShare*(t.worked+now.Sub(start))))
}

func (d *Dir) newRound(f *folder, over surplus) (*round, error) {
	_, read, err := d.Template.Select(capture.Selection{})
	if err != nil {
		return nil, err
	}
	r := &round{walk: walk{enters: d.Template.makes}, read: read, surplus: over}
	if d.Keep != (Keep{}) {
		err = r.walk.enter(f, ".")
	}
	if err = errors.Join(err, r.walk.enter(f, backstage)); err != nil {
		r.walk.close()
		return nil, err
	}
	d.tidy.rounds++
	return r, nil
}

// tidyStep makes a step of the round.
func (d *Dir) tidyStep(f *folder, put string) error {
	t, r := &d.tidy, d.tidy.round
	return r.walk.step(f, func(name string, info fs.FileInfo) (removed bool, err error) {
		stored, size := info.ModTime(), info.Size()
		age := t.now.Add(time.Since(t.began)).Sub(stored)
		if path.Dir(name) == backstage {
			if strings.HasPrefix(path.Base(name), tempFile) && age >= stale {
				_, err = d.forget(f, name, stored)
			}
			return false, err
		}
		if _, ok := r.read(name); !ok {
			return false, nil
		}
		if name != put && (d.Keep.Age > 0 && age > d.Keep.Age || r.surplus.takes(stored, size)) {
			if removed, err = d.forget(f, name, stored); removed {
				r.removed++
				return true, nil
			}
		}
		r.ages.add(stored, size)
		return false, err
	})
}

// forget removes a file, unless it is being put again, or was.
func (d *Dir) forget(f *folder, name string, stored time.Time) (removed bool, err error) {
	if d.putting.try(name) != nil {
		return false, nil
	}
	defer d.putting.free(name)
	info, err := f.Lstat(name)
	if err == nil && info.ModTime().Equal(stored) {
		err = f.Remove(name)
		removed = err == nil
	}
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	return removed, err
}
