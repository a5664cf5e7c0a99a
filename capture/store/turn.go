package store

import "context"

// A turn is an opening, or a closing, of a Spool's folder.
type turn struct {
	opens bool
	done  chan struct{} // is closed when it is over
	err   error
}

// use opens the folder, if nobody else has, and keeps it open until done is called. A drive that has come back, as another device maybe,
// is opened anew. If ctx ends, the opening goes on for those who come next.
func (s *Spool) use(ctx context.Context) (box *letterbox, done func(), err error) {
	if s.Store == nil {
		return nil, nil, errNoStore
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users++
	looked := s.Volume == "" // that the drive is still the same
	for s.turn != nil || s.box == nil || s.box.lock == nil || !looked {
		if s.turn == nil {
			s.turn = &turn{opens: true, done: make(chan struct{})}
			go s.open(s.turn, s.box) // ends by itself, when the folder is read
		}
		t := s.turn
		s.mu.Unlock()
		select {
		case <-t.done:
			err = t.err
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
		s.mu.Lock()
		if err != nil {
			s.leave()
			return nil, nil, err
		}
		looked = looked || t.opens
	}
	return s.box, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.leave()
	}, nil
}

// leave ends a use. The last one has the folder closed, so that others may have it. s.mu is held.
func (s *Spool) leave() {
	s.users--
	s.closeUnused()
}

// closeUnused closes the folder if nobody uses it. s.mu is held, but not while it closes.
func (s *Spool) closeUnused() {
	box := s.box
	if s.users > 0 || s.turn != nil || box == nil || box.lock == nil {
		return
	}
	s.turn = &turn{done: make(chan struct{})}
	s.mu.Unlock()
	box.leave()
	s.mu.Lock()
	close(s.turn.done)
	s.turn = nil
}

// open opens the folder for all who wait for t, or looks whether old, which is open, is still there.
func (s *Spool) open(t *turn, old *letterbox) {
	box, err := old, error(nil)
	switch {
	case old != nil && old.lock == nil && old.reopen():
	case old == nil, old.lock == nil, old.replaced():
		box, err = openLetterbox(s.Path, s.Volume)
	}
	s.mu.Lock()
	if t.err = err; err == nil && box != old {
		if old != nil && old.busy > 0 { // else two could work on one key
			box, old = old, box
		}
		s.box = box
		s.tell()
	} else {
		old = nil
	}
	close(t.done)
	s.turn = nil
	s.closeUnused()
	s.mu.Unlock()
	if old != nil {
		old.close()
	}
}

// read is use with the folder read anew, if nobody uses it.
func (s *Spool) read(ctx context.Context) (box *letterbox, done func(), err error) {
	s.mu.Lock()
	if s.users == 0 && s.turn == nil {
		s.box = nil
	}
	s.mu.Unlock()
	return s.use(ctx)
}
