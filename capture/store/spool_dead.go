package store

import (
	"context"
	"errors"
	"slices"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/store/internal/spoolfile"
)

// A DeadLetter is a still that a Spool could not deliver.
type DeadLetter struct {
	// Stored is zero if the file is damaged so that it is not known.
	capture.Stored

	// File is in the Spool: the image file, with a few bytes about it
	// behind the picture.
	File string
	Err  string // what was wrong
}

// Dead returns what was laid aside.
func (s *Spool) Dead() ([]DeadLetter, error) {
	folder, done, err := s.useAnew(context.Background())
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
	for key, group := range folder.queue.groups {
		for _, e := range group.entries {
			if e.dead {
				stored, _ := read(key)
				stored.Location, stored.Size = s.path(e), e.image
				dead = append(dead, DeadLetter{Stored: stored, File: s.path(e), Err: e.why})
			}
		}
	}
	return dead, nil
}

// Discard deletes all dead letters, and says how many.
func (s *Spool) Discard(ctx context.Context) (stills int, err error) {
	return s.eachDead(ctx, func(folder *spoolFolder, key string) (int, error) {
		return s.removeWhere(ctx, folder, key, func(e *spoolEntry) bool { return e.dead })
	})
}

// Revive has all dead letters delivered again except for damaged ones, and says how many.
func (s *Spool) Revive(ctx context.Context) (stills int, err error) {
	return s.eachDead(ctx, func(folder *spoolFolder, key string) (int, error) {
		if key == "" { // damaged
			return 0, nil
		}
		return s.revive(ctx, folder, key)
	})
}

// revive makes the entry that counts under a key pending again, if it is dead.
func (s *Spool) revive(ctx context.Context, folder *spoolFolder, key string) (stills int, err error) {
	group, err := s.claim(ctx, folder, key)
	if group == nil {
		return 0, err
	}
	defer s.release(folder, group)
	s.mu.Lock()
	e := group.latest()
	s.mu.Unlock()
	if !e.dead {
		return 0, nil
	}
	moved := false
	if _, err = folder.readFile(e); err == nil {
		moved, err = folder.moveFile(e)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case errors.Is(err, errGone):
		folder.queue.forget(group, e)
		return 0, nil
	case errors.Is(err, spoolfile.ErrDamaged):
		return 0, nil
	case moved:
		folder.queue.setPending(e)
		group.retryNow()
		stills = 1
	}
	return stills, err
}

// eachDead calls do for each key with a dead letter, also when one fails.
func (s *Spool) eachDead(ctx context.Context, do func(folder *spoolFolder, key string) (int, error)) (stills int, err error) {
	folder, done, err := s.useAnew(ctx)
	if err != nil {
		return 0, err
	}
	defer done()
	var keys []string
	s.mu.Lock()
	for key, group := range folder.queue.groups {
		if slices.ContainsFunc(group.entries, func(e *spoolEntry) bool { return e.dead }) {
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
		n, err := do(folder, key)
		stills += n
		errs = append(errs, err)
	}
	return stills, errors.Join(errs...)
}
