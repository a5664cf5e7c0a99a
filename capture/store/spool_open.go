package store

import "context"

// A spoolTransition is the opening or the closing of a Spool's folder. While there is one, nobody else opens or closes the folder.
type spoolTransition struct {
	opens bool
	done  chan struct{} // is closed when it is over
	err   error
}

// use opens the folder, if nobody else has, and keeps it open until done is called. A drive that has come back, as another device maybe,
// is opened anew. If ctx ends, the opening goes on for those who come next.
func (s *Spool) use(ctx context.Context) (folder *spoolFolder, done func(), err error) {
	if s.Store == nil {
		return nil, nil, errNoStore
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users++
	looked := s.Volume == "" // whether the drive is still the same
	for s.transition != nil || s.folder == nil || s.folder.lock == nil || !looked {
		if s.transition == nil {
			s.transition = &spoolTransition{opens: true, done: make(chan struct{})}
			go s.open(s.transition, s.folder) // ends by itself, when the folder is loaded
		}
		t := s.transition
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
	return s.folder, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.leave()
	}, nil
}

// useAnew is use, but if nobody uses the folder it is loaded anew.
func (s *Spool) useAnew(ctx context.Context) (folder *spoolFolder, done func(), err error) {
	s.mu.Lock()
	if s.users == 0 && s.transition == nil {
		s.folder = nil
	}
	s.mu.Unlock()
	return s.use(ctx)
}

// leave ends a use. s.mu is held, but not while the folder is closed.
func (s *Spool) leave() {
	s.users--
	s.closeUnused()
}

// closeUnused closes the folder if nobody uses it, so that others may have it. s.mu is held, but not while it closes.
func (s *Spool) closeUnused() {
	folder := s.folder
	if s.users > 0 || s.transition != nil || folder == nil || folder.lock == nil {
		return
	}
	s.transition = &spoolTransition{done: make(chan struct{})}
	s.mu.Unlock()
	folder.suspend()
	s.mu.Lock()
	close(s.transition.done)
	s.transition = nil
}

// open opens the folder for all who wait for t. If old is open, it looks whether that is still there.
func (s *Spool) open(t *spoolTransition, old *spoolFolder) {
	folder, err := old, error(nil)
	switch {
	case old != nil && old.lock == nil && old.resume():
	case old == nil, old.lock == nil, old.replaced():
		folder, err = loadSpoolFolder(s.Path, s.Volume)
	}
	s.mu.Lock()
	var superfluous *spoolFolder
	if t.err = err; err == nil && folder != old {
		superfluous = old
		if old != nil && old.queue.claimed > 0 { // with both, two could work on one key
			superfluous = folder
		} else {
			s.folder = folder
		}
		s.tell()
	}
	if superfluous != nil {
		s.mu.Unlock()
		superfluous.unlock() // before anybody opens it once more
		s.mu.Lock()
	}
	close(t.done)
	s.transition = nil
	s.closeUnused()
	s.mu.Unlock()
}
