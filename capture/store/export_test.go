package store

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/livestill/livestill/capture/store/internal/durable"
)

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
