package store

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"path/filepath"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/store/internal/durable"
	"github.com/livestill/livestill/capture/store/internal/spoolfile"
)

// Open opens what is pending or dead, or else what the Store has at the location.
func (s *Spool) Open(ctx context.Context, location string) (*capture.Opened, error) {
	folder, done, err := s.use(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	gone := ""
	for {
		e, ok := s.at(folder, location)
		if !ok || e.name() == gone { // delivered, or somebody has removed the file
			return Open(ctx, s.Store, location)
		}
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		opened, err := folder.openFile(&e)
		if errors.Is(err, errGone) {
			gone = e.name()
			continue
		}
		if err != nil {
			return nil, err
		}
		opened.Still.Location = location
		return opened, nil
	}
}

// at returns the entry that counts of the still at a location.
func (s *Spool) at(folder *spoolFolder, location string) (e spoolEntry, ok bool) {
	file := filepath.Base(location) // if the Store did not know where it will put the still
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, group := range folder.queue.groups {
		latest := group.latest()
		if key != "" && latest != nil && (latest.location == location || latest.file == file && s.path(latest) == location) {
			return *latest, true
		}
	}
	return spoolEntry{}, false
}

// openFile opens the image in the file of e.
func (f *spoolFolder) openFile(e *spoolEntry) (opened *capture.Opened, err error) {
	var file io.Closer
	err = f.with(func(root *durable.Folder) error {
		f, err := root.Open(e.name())
		if errors.Is(err, fs.ErrNotExist) {
			return errGone
		} else if err != nil {
			return err
		}
		file = f
		info, err := f.Stat()
		if err != nil {
			return err
		}
		r, err := spoolfile.ParseTrailer(f, info.Size())
		if err != nil {
			return err
		}
		image := struct {
			io.ReadSeeker
			io.Closer
		}{io.NewSectionReader(f, 0, r.Image), f}
		opened = &capture.Opened{ReadSeekCloser: image, Size: r.Image, Modified: info.ModTime(), Still: r.Still}
		return nil
	})
	if err != nil && file != nil {
		_ = file.Close() // it was opened to be read
	}
	return opened, err
}
