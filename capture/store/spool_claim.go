package store

import (
	"context"
	"slices"
)

// claim waits until the group of a key is ours alone; it is nil if there is none. Whoever claims a group releases it.
func (s *Spool) claim(ctx context.Context, folder *spoolFolder, key string) (*spoolGroup, error) {
	for {
		s.mu.Lock()
		group := folder.queue.groups[key]
		if group == nil || !group.claimed {
			if group != nil {
				folder.queue.setClaimed(group, true)
			}
			s.mu.Unlock()
			return group, nil
		}
		changed := s.nextChange()
		s.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// release ends a claim.
func (s *Spool) release(folder *spoolFolder, group *spoolGroup) {
	s.mu.Lock()
	defer s.mu.Unlock()
	folder.queue.setClaimed(group, false)
	s.tell()
}

// remove removes entries of a group that is claimed, from the disk and then from the queue, and returns how many.
func (s *Spool) remove(folder *spoolFolder, group *spoolGroup, entries []*spoolEntry) (files int, err error) {
	for _, e := range entries {
		if err := folder.removeFile(e); err != nil {
			return files, err
		}
		s.mu.Lock()
		folder.queue.forget(group, e)
		s.mu.Unlock()
		files++
	}
	return files, nil
}

// removeWhere claims the group of a key, and removes those of its entries that gone reports true for.
func (s *Spool) removeWhere(ctx context.Context, folder *spoolFolder, key string, gone func(*spoolEntry) bool) (files int, err error) {
	group, err := s.claim(ctx, folder, key)
	if group == nil {
		return 0, err
	}
	defer s.release(folder, group)
	if err := context.Cause(ctx); err != nil {
		return 0, err
	}
	s.mu.Lock()
	entries := slices.DeleteFunc(slices.Clone(group.entries), func(e *spoolEntry) bool { return !gone(e) })
	s.mu.Unlock()
	return s.remove(folder, group, entries)
}
