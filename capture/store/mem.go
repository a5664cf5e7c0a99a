package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/store/internal/counts"
	"github.com/livestill/livestill/capture/store/internal/truth"
	"github.com/livestill/livestill/capture/store/internal/watched"
)

// Mem keeps stills in memory, for tests and for what is shown once and forgotten with the process. The zero Mem is empty and ready.
type Mem struct {
	// MaxBytes bounds the image files together; a Put beyond fails with
	// ErrFull. Zero means 64 MiB. What is known of each takes some 1.5 kB
	// more, and its Labels.
	MaxBytes int64

	counts  counts.Counts
	watched watched.Stills
	mu      sync.Mutex
	files   map[string]memFile // by location, which is Template's name
	size    int64
}

type memFile struct {
	data []byte
	told *truth.Record
	put  time.Time
}

const defaultMemory = 64 << 20 // some sixty stills of 1 MB; chosen, not measured

// Put remembers s.
func (m *Mem) Put(ctx context.Context, s *capture.Still) (location string, err error) {
	defer m.counts.Put(s)(&err)
	if err := context.Cause(ctx); err != nil {
		return "", err
	}
	location, err = m.Locate(s)
	if err != nil {
		return "", err
	}
	r, err := truth.New(s)
	if err != nil {
		return "", err
	}
	told, err := r.Copy()
	if err != nil {
		return "", err
	}
	most := m.MaxBytes
	if most == 0 {
		most = defaultMemory
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	size := m.size - int64(len(m.files[location].data)) + int64(len(s.Data))
	if size > most {
		return "", fmt.Errorf("store: %d bytes of stills, %d at most: %w", size, most, ErrFull)
	}
	if m.files == nil {
		m.files = make(map[string]memFile)
	}
	m.files[location], m.size = memFile{slices.Clip(s.Data), told, time.Now()}, size
	return location, nil
}

// Stats returns what Puts have come to up to now. It may be called at any time.
func (m *Mem) Stats() capture.StoreStats { return m.counts.Stats() }

// Locate returns where Put puts s.
func (m *Mem) Locate(s *capture.Still) (string, error) { return Template("").Key(s) }

// Get returns the image file that was put there. It is immutable.
func (m *Mem) Get(location string) (data []byte, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	file, ok := m.files[location]
	return file.data, ok
}

// Open opens what was put there.
func (m *Mem) Open(ctx context.Context, location string) (*capture.Opened, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	m.mu.Lock()
	file, ok := m.files[location]
	m.mu.Unlock()
	if !ok {
		return nil, truth.NotThere(location)
	}
	told, err := file.told.Copy()
	if err != nil {
		return nil, err
	}
	told.Still.Location = location
	image := struct {
		io.ReadSeeker
		io.Closer
	}{bytes.NewReader(file.data), io.NopCloser(nil)}
	return &capture.Opened{ReadSeekCloser: image, Size: int64(len(file.data)), Modified: file.put, Still: told.Still}, nil
}

// List yields what is there.
func (m *Mem) List(ctx context.Context, which capture.Selection) iter.Seq2[capture.Stored, error] {
	return func(yield func(capture.Stored, error) bool) {
		_, read, err := Template("").Select(which)
		if err = errors.Join(err, context.Cause(ctx)); err != nil {
			yield(capture.Stored{}, err)
			return
		}
		m.mu.Lock()
		files := maps.Clone(m.files)
		m.mu.Unlock()
		for location, file := range files {
			if s, ok := read(location); ok {
				s.Location, s.Size = location, int64(len(file.data))
				if !yield(s, nil) {
					return
				}
			}
		}
	}
}

// Delete forgets.
func (m *Mem) Delete(ctx context.Context, which capture.Selection) (files int, err error) {
	if which.All() {
		return 0, capture.ErrSelectsAll
	}
	if err := m.watched.Tell(ctx, Template(""), which); err != nil {
		return 0, err
	}
	for s, err := range m.List(ctx, which) {
		if err != nil {
			return files, err
		}
		m.mu.Lock()
		m.size -= int64(len(m.files[s.Location].data))
		delete(m.files, s.Location)
		m.mu.Unlock()
		files++
	}
	return files, nil
}

// OnDelete has selected called when Delete deletes s.
func (m *Mem) OnDelete(s *capture.Still, selected func(ctx context.Context)) (stop func()) {
	return m.watched.Add(Template(""), s, selected)
}
