package store

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"github.com/livestill/livestill/capture/store/internal/durable"
)

// A File is what a Dir that tidies sees of one.
type File struct {
	Stored time.Time
	Bytes  int64
}

// Forget deletes the files that are over the bounds of k, in the rounds of a Dir that tidies, and returns what is left after each.
func Forget(k Keep, files []File) (rounds [][]File) {
	var over surplus
	for {
		var kept histogram
		var left []File
		for _, f := range files {
			if !over.takes(f.Stored, f.Bytes) {
				left = append(left, f)
				kept.add(f.Stored, f.Bytes)
			}
		}
		if over.any && len(left) == len(files) {
			panic("nothing is deleted of what is over")
		}
		rounds = append(rounds, left)
		if files, over = left, kept.over(k); !over.any {
			return rounds
		}
	}
}

// TidyBeside does what Put does when it has put a file at a location.
func (d *Dir) TidyBeside(location string) error {
	f, err := durable.Open(d.Path, d.Volume)
	if err != nil {
		return err
	}
	put, err := filepath.Rel(d.Path, location)
	if err == nil {
		d.tidyBeside(f, filepath.ToSlash(put))
	}
	return errors.Join(err, f.Close())
}

// Rested waits until nobody tidies, as a Put that did not wait for the drive may have done.
func (d *Dir) Rested(ctx context.Context) error {
	if err := d.names.Take(ctx, tidyLock); err != nil {
		return err
	}
	d.names.Free(tidyLock)
	return nil
}

// Opened waits until a Spool's folder is not being opened any more, as it may be for a moment when the Run has returned that wanted it open.
func (s *Spool) Opened() {
	s.mu.Lock()
	t := s.transition
	s.mu.Unlock()
	if t != nil {
		<-t.done
	}
}
