package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/livestill/livestill/capture/store/internal/durable"
	"github.com/livestill/livestill/capture/store/internal/keep"
)

// Keep bounds what a store keeps. Zero fields do not. The newest still stays, whatever its size. Several programs may keep one folder, and
// others may delete there; what they delete while a program counts is counted.
type Keep struct {
	Age time.Duration // since a still was put, by the store's clock

	// Count is of files; the oldest go first. Each Variant is one, so a
	// still may lose some of its files, and keep others.
	Count int

	Bytes int64 // of the image files alone; the oldest go first

	// What is kept about each still goes with it, and is not counted: some
	// 1.5 kB, and its Labels.
}

const (
	sliceTime   = 4 * time.Millisecond // of tidying by each Put; a local disk looks at some 1,000 files in it
	sliceSteps  = 64                   // at least, which a slow drive takes longer for: more files are looked at than are put
	longestWait = 8 * time.Millisecond // that a Put waits for tidying

	// After a cycle, Puts begin no other for betweenTidying, nor for tidyingShare times as long as it has worked: that is 1 % of the time.
	betweenTidying = time.Minute
	tidyingShare   = 100

	longestCycle = time.Hour // for a cycle to take; then the operator is told
)

// tidyLock is the name in Dir.names of whoever tidies. No file is called so.
const tidyLock = ""

// A tidyState is how far tidying is. Tidying goes in cycles. A cycle is a round through all that is there, and more rounds while too much is
// left. It is done a little at a time, and goes on where it was left.
type tidyState struct {
	round  *round // nil between cycles
	rounds int    // that have begun
	whole  bool   // Tidy waits for a round through all that is there, also if Keep is zero

	// Of the current cycle:
	first    int           // number of its first round
	began    time.Time     // by our clock
	now      time.Time     // the same by the drive's
	worked   time.Duration // at it since
	failed   error         // the first error
	failures int
	told     bool // that it is late

	// Of the last cycle that has ended:
	ended int       // number of its first round
	err   error     // what it failed with
	next  time.Time // when Puts may begin another
}

// Tidy deletes what is over Keep, and what Puts and Deletes left behind that were cut off more than an hour ago. It goes on where Puts, or a Tidy
// whose context ended, have left it, until all is within Keep that was there when it was called. It deletes what can be deleted, and tells
// then what cannot. Whoever puts rarely, but has much to forget, may call it; also before a drive is unmounted, since Puts leave open what
// large folder they are in.
func (d *Dir) Tidy(ctx context.Context) error {
	if err := d.check(); err != nil {
		return err
	}
	if err := d.names.Take(ctx, tidyLock); err != nil {
		return err
	}
	rounds := d.tidy.rounds
	d.names.Free(tidyLock)
	for {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		ended, err := d.tidySlice(ctx, rounds)
		if ended || err != nil {
			return err
		}
	}
}

// tidySlice tidies a little. ended reports whether a cycle has ended that began after so many rounds had; err is that cycle's then.
func (d *Dir) tidySlice(ctx context.Context, rounds int) (ended bool, err error) {
	f, err := durable.Open(d.Path, d.Volume)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := d.names.Take(ctx, tidyLock); err != nil {
		return false, err
	}
	defer d.names.Free(tidyLock)
	d.tidy.whole = true
	if d.tidy.round == nil {
		d.tidy.begin(f.Now())
	}
	if err := d.tidySome(f, "", nil); err != nil || d.tidy.ended <= rounds {
		return false, err
	}
	return true, d.tidy.err
}

// tidyBeside tidies a little, if it is time and nobody does. It returns after longestWait, even if tidying is not done. What was put just
// now, if anything, stays.
func (d *Dir) tidyBeside(f *durable.Folder, put string) {
	if d.names.Try(tidyLock) != nil {
		return
	}
	if time.Now().Before(d.tidy.next) {
		d.names.Free(tidyLock)
		return
	}
	log := cmp.Or(d.Logger, slog.Default()).With("folder", d.Path)
	own, err := f.OpenRoot(".")
	if err != nil {
		d.names.Free(tidyLock)
		log.Warn("tidying failed", "error", err)
		return
	}
	if d.tidy.round == nil {
		d.tidy.begin(f.Changed(put))
	}
	done := make(chan struct{})
	go func() { // ends by itself, when the drive has answered
		defer close(done)
		defer d.names.Free(tidyLock)
		f := &durable.Folder{Root: own}
		if err := errors.Join(d.tidySome(f, put, log), f.Close()); err != nil {
			log.Warn("tidying failed", "error", err)
			d.tidy.next = time.Now().Add(betweenTidying)
		}
	}()
	select {
	case <-done:
	case <-time.After(longestWait):
	}
}

// tidySome tidies for sliceTime, for whoever has tidyLock. log hears what goes wrong with single files; it is nil if whoever waits for the end
// is told.
func (d *Dir) tidySome(f *durable.Folder, put string, log *slog.Logger) (err error) {
	t := &d.tidy
	start := time.Now()
	defer func() { t.worked += time.Since(start) }()
	if t.round == nil {
		if err := d.beginRound(f, keep.Surplus{}); err != nil {
			return err
		}
	}
	for n := 0; n < sliceSteps || time.Since(start) < sliceTime; n++ {
		if len(t.round.walk.levels) > 0 {
			t.note(d.tidyStep(f, put), log)
			continue
		}
		if over := t.round.Next(keep.Bounds{Count: d.Keep.Count, Bytes: d.Keep.Bytes}); over.Any {
			if err := d.beginRound(f, over); err != nil {
				return err
			}
			continue
		}
		t.end(d.Path, start)
		return nil
	}
	if log != nil && !t.told && time.Since(t.began) > longestCycle {
		t.told = true
		log.Warn("tidying is late: little is put, or the drive is slow; Tidy does it at once", "since", t.began, "files", t.round.Kept.Files)
	}
	return nil
}

// begin begins a cycle, at an instant by the drive's clock.
func (t *tidyState) begin(now time.Time) {
	t.first, t.began, t.now, t.worked, t.failed, t.failures, t.told = t.rounds+1, time.Now(), now, 0, nil, 0, false
}

// note notes an error of a cycle, if it is one, and logs the first.
func (t *tidyState) note(err error, log *slog.Logger) {
	if err == nil {
		return
	}
	t.failures++
	if t.failed != nil {
		return
	}
	t.failed = err
	if log != nil {
		log.Warn("tidying goes on, but not all can be deleted", "error", err)
	}
}

// end ends a cycle, on which work goes on since start.
func (t *tidyState) end(path string, start time.Time) {
	t.round, t.whole, t.ended, t.err = nil, false, t.first, nil
	if t.failed != nil {
		t.err = fmt.Errorf("store: tidy %s: %d failures, the first: %w", path, t.failures, t.failed)
	}
	now := time.Now()
	t.next = now.Add(max(betweenTidying, tidyingShare*(t.worked+now.Sub(start))))
}
