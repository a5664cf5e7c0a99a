package store

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/livestill/livestill/capture"
)

// List yields what is pending or dead, and what the Store has, each still once, unless the Store's names do not keep the time. It takes
// a Store that lists.
func (s *Spool) List(ctx context.Context, which capture.Selection) iter.Seq2[capture.Stored, error] {
	return listAll(ctx, []capture.Store{waiting{s}, s.Store}, which)
}

// waiting is a Spool without its Store.
type waiting struct{ *Spool }

func (w waiting) List(ctx context.Context, which capture.Selection) iter.Seq2[capture.Stored, error] {
	return func(yield func(capture.Stored, error) bool) {
		box, done, err := w.read(ctx)
		if err != nil {
			yield(capture.Stored{}, err)
			return
		}
		defer done()
		_, read, err := Template("").Select(which)
		for _, key := range w.keys(box) {
			s, ok := read(key)
			if !ok {
				continue
			}
			if err = context.Cause(ctx); err != nil {
				break
			}
			s, ok, err = w.describe(box, key, s)
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

// keys are those of all letters that are not damaged.
func (s *Spool) keys(box *letterbox) (keys []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key := range box.slots {
		if key != "" {
			keys = append(keys, key)
		}
	}
	return keys
}

// describe fills in what List says of the letter that counts under a key, unless it is delivered meanwhile.
func (s *Spool) describe(box *letterbox, key string, stored capture.Stored) (_ capture.Stored, ok bool, err error) {
	s.mu.Lock()
	var e entry
	if slot := box.slots[key]; slot != nil && slot.latest() != nil {
		e = *slot.latest()
	}
	s.mu.Unlock()
	if e.file == "" {
		return stored, false, nil
	}
	err = box.within(func(f *folder) error {
		l, _, err := e.peek(f)
		if err != nil {
			return err
		}
		stored.Size = e.image
		stored.Location, err = s.location(&e, l.Still)
		return err
	})
	if errors.Is(err, errGone) {
		return stored, false, nil
	}
	return stored, err == nil, err
}

// Delete deletes what is pending or dead, and from the Store. It waits for a delivery that is under way. Whose the damaged letters are is
// not known: while there are any, Delete deletes the rest and fails; see Dead and Discard.
func (s *Spool) Delete(ctx context.Context, which capture.Selection) (files int, err error) {
	if which.All() {
		return 0, capture.ErrSelectsAll
	}
	box, done, err := s.read(ctx)
	if err != nil {
		return 0, err
	}
	defer done()
	_, read, err := Template("").Select(which)
	if err != nil {
		return 0, err
	}
	for _, key := range s.keys(box) {
		if _, ok := read(key); !ok {
			continue
		}
		n, err := s.clear(ctx, box, key, func(*entry) bool { return true })
		files += n
		if err != nil {
			return files, err
		}
	}
	n, err := Delete(ctx, s.Store, which)
	s.mu.Lock()
	damaged := box.slots[""]
	s.mu.Unlock()
	if damaged != nil {
		err = errors.Join(err, fmt.Errorf("store: spool %s has damaged letters, which may be of any still", s.Path))
	}
	return files + n, err
}

// Discard deletes all dead letters, and says how many.
func (s *Spool) Discard(ctx context.Context) (stills int, err error) {
	return s.eachDead(ctx, func(box *letterbox, key string) (int, error) {
		return s.clear(ctx, box, key, func(e *entry) bool { return e.dead })
	})
}

// Revive has all dead letters delivered again but for damaged ones, and says how many.
func (s *Spool) Revive(ctx context.Context) (stills int, err error) {
	return s.eachDead(ctx, func(box *letterbox, key string) (stills int, err error) {
		slot, err := s.claim(ctx, box, key)
		if slot == nil {
			return 0, err
		}
		defer s.release(box, slot)
		s.mu.Lock()
		e := slot.latest()
		s.mu.Unlock()
		if key == "" || !e.dead {
			return 0, nil
		}
		moved := false
		if _, err = box.read(e); err == nil {
			moved, err = box.move(e, false)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		switch {
		case errors.Is(err, errGone):
			box.drop(slot, e)
			return 0, nil
		case errors.Is(err, errLetter):
			return 0, nil
		case moved:
			box.revive(e)
			slot.attempts, slot.failures, slot.due = 0, 0, time.Time{}
			stills = 1
		}
		return stills, err
	})
}

// eachDead calls do for each key with a dead letter, also when one fails.
func (s *Spool) eachDead(ctx context.Context, do func(box *letterbox, key string) (int, error)) (stills int, err error) {
	box, done, err := s.read(ctx)
	if err != nil {
		return 0, err
	}
	defer done()
	var keys []string
	s.mu.Lock()
	for key, slot := range box.slots {
		if slices.ContainsFunc(slot.letters, func(e *entry) bool { return e.dead }) {
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
		n, err := do(box, key)
		stills += n
		errs = append(errs, err)
	}
	return stills, errors.Join(errs...)
}

// claim waits until the slot of a key is ours alone; it is nil if there is none.
func (s *Spool) claim(ctx context.Context, box *letterbox, key string) (*slot, error) {
	for {
		s.mu.Lock()
		slot := box.slots[key]
		if slot == nil || !slot.busy {
			if slot != nil {
				box.claim(slot)
			}
			s.mu.Unlock()
			return slot, nil
		}
		changed := s.change()
		s.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// clear removes the letters with a key that are wanted gone, and says how many.
func (s *Spool) clear(ctx context.Context, box *letterbox, key string, gone func(*entry) bool) (files int, err error) {
	slot, err := s.claim(ctx, box, key)
	if slot == nil {
		return 0, err
	}
	s.mu.Lock()
	letters := slices.DeleteFunc(slices.Clone(slot.letters), func(e *entry) bool { return !gone(e) })
	s.mu.Unlock()
	if err = context.Cause(ctx); err == nil {
		files, err = s.remove(box, slot, letters)
	}
	s.release(box, slot)
	return files, err
}

// remove removes letters of a slot that is ours alone, from the disk and then from the books.
func (s *Spool) remove(box *letterbox, slot *slot, letters []*entry) (files int, err error) {
	for _, e := range letters {
		if err := box.remove(e); err != nil {
			return files, err
		}
		s.mu.Lock()
		box.drop(slot, e)
		s.mu.Unlock()
		files++
	}
	return files, nil
}

// A DeadLetter is a still that a Spool could not deliver.
type DeadLetter struct {
	capture.Stored        // zero if the file is damaged so that this is not known
	File           string // in the Spool: the image file, with a few bytes about it behind the picture
	Err            string // what was wrong
}

// Dead returns what was laid aside.
func (s *Spool) Dead() ([]DeadLetter, error) {
	box, done, err := s.read(context.Background())
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
	for key, slot := range box.slots {
		for _, e := range slot.letters {
			if e.dead {
				stored, _ := read(key)
				stored.Location, stored.Size = s.path(e), e.image
				dead = append(dead, DeadLetter{Stored: stored, File: s.path(e), Err: e.why})
			}
		}
	}
	return dead, nil
}
