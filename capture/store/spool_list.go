package store

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/store/internal/durable"
)

// List yields what is pending or dead, and what the Store has, each still once, unless the Store's names do not keep the time. It takes
// a Store that lists.
func (s *Spool) List(ctx context.Context, which capture.Selection) iter.Seq2[capture.Stored, error] {
	return listAll(ctx, []capture.Store{undelivered{s}, s.Store}, which)
}

// An undelivered is a Spool without its Store.
type undelivered struct{ *Spool }

// List yields what is pending or dead.
func (u undelivered) List(ctx context.Context, which capture.Selection) iter.Seq2[capture.Stored, error] {
	return func(yield func(capture.Stored, error) bool) {
		folder, done, err := u.useAnew(ctx)
		if err != nil {
			yield(capture.Stored{}, err)
			return
		}
		defer done()
		_, read, err := Template("").Select(which)
		for _, key := range u.keys(&folder.queue) {
			s, ok := read(key)
			if !ok {
				continue
			}
			if err = context.Cause(ctx); err != nil {
				break
			}
			s, ok, err = u.describe(folder, key, s)
			if err != nil {
				break
			}
			if ok && !yield(s, nil) {
				return
			}
		}
		if err != nil {
			yield(capture.Stored{}, err)
		}
	}
}

// keys returns the keys of all entries that are not damaged.
func (s *Spool) keys(q *spoolQueue) (keys []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key := range q.groups {
		if key != "" {
			keys = append(keys, key)
		}
	}
	return keys
}

// describe fills in what List says of the entry that counts under a key, unless it is delivered meanwhile.
func (s *Spool) describe(folder *spoolFolder, key string, stored capture.Stored) (_ capture.Stored, ok bool, err error) {
	s.mu.Lock()
	var e spoolEntry
	if group := folder.queue.groups[key]; group != nil && group.latest() != nil {
		e = *group.latest()
	}
	s.mu.Unlock()
	if e.file == "" {
		return stored, false, nil
	}
	err = folder.with(func(root *durable.Folder) error {
		r, _, err := e.inspect(root)
		if err != nil {
			return err
		}
		stored.Size = e.image
		stored.Location, err = s.location(&e, r.Still)
		return err
	})
	if errors.Is(err, errGone) {
		return stored, false, nil
	}
	return stored, err == nil, err
}

// Delete deletes what is pending or dead, and from the Store. It waits for a delivery that is under way. Whose the damaged files are is
// not known: while there are any, Delete deletes the rest and fails; see Dead and Discard.
func (s *Spool) Delete(ctx context.Context, which capture.Selection) (files int, err error) {
	if which.All() {
		return 0, capture.ErrSelectsAll
	}
	if err := s.watched.Tell(ctx, Template(""), which); err != nil {
		return 0, err
	}
	folder, done, err := s.useAnew(ctx)
	if err != nil {
		return 0, err
	}
	defer done()
	_, read, err := Template("").Select(which)
	if err != nil {
		return 0, err
	}
	for _, key := range s.keys(&folder.queue) {
		if _, ok := read(key); !ok {
			continue
		}
		n, err := s.removeWhere(ctx, folder, key, func(*spoolEntry) bool { return true })
		files += n
		if err != nil {
			return files, err
		}
	}
	n, err := Delete(ctx, s.Store, which)
	s.mu.Lock()
	damaged := folder.queue.groups[""]
	s.mu.Unlock()
	if damaged != nil {
		err = errors.Join(err, fmt.Errorf("store: spool %s has damaged files, which may be of any still", s.Path))
	}
	return files + n, err
}

// OnDelete has selected called when the Spool deletes s, or its Store does.
func (s *Spool) OnDelete(still *capture.Still, selected func(ctx context.Context)) (stop func()) {
	ours, theirs := s.watched.Add(Template(""), still, selected), OnDelete(s.Store, still, selected)
	return func() { ours(); theirs() }
}
