package capture

import (
	"context"
	"errors"
	"sync"
	"time"
)

// A Delete waits for no Put for longer than this: others wait for it, and somebody's right to be forgotten hangs on it. What is put later than that
// the Refine deletes that has put it.
const longestPut = 10 * time.Second

// A deletion is what is known of the deletion of a still that is to be refined.
type deletion struct {
	deleter Deleter
	which   Selection // that still
	stop    func()    // hearing of it; nil if the Store does not tell

	mu        sync.Mutex
	begun     bool
	unawaited bool          // one did not wait for the Put that refines it
	putting   chan struct{} // closed when that Put has ended; nil while there is none
}

// ownKey is the key in the context of a Put of its deletion: a Store that deletes there, to make room, does not delete what is refined.
type ownKey struct{}

// watch hears of it from now on.
func (d *deletion) watch(from Store, s *Still) {
	if w, ok := from.(DeleteWatcher); ok {
		d.deleter, d.which = w, Selection{Stream: s.Stream, ID: s.ID}
		d.stop = w.OnDelete(s, d.begin)
	}
}

// forget hears of it no longer.
func (d *deletion) forget() {
	if d.stop != nil {
		d.stop()
	}
}

// begin notes that the still is about to be deleted, and waits for what is being put: that can be deleted then.
func (d *deletion) begin(ctx context.Context) {
	if ctx.Value(ownKey{}) == d {
		return
	}
	d.mu.Lock()
	d.begun = true
	putting := d.putting
	d.mu.Unlock()
	if putting == nil {
		return
	}
	late := time.NewTimer(longestPut)
	defer late.Stop()
	select {
	case <-putting:
		return
	case <-late.C:
	case <-ctx.Done():
	}
	d.mu.Lock()
	d.unawaited = true
	d.mu.Unlock()
}

// unless puts, unless a deletion has begun by then. If one begins meanwhile, what was put is deleted.
func (d *deletion) unless(ctx context.Context, put func(ctx context.Context) error) error {
	if !d.mayPut() {
		return ErrDeleted
	}
	err := d.put(ctx, put)
	d.mu.Lock()
	begun, unawaited := d.begun, d.unawaited
	d.mu.Unlock()
	switch {
	case err != nil || !begun:
		return err
	case !unawaited:
		return ErrDeleted
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), longestPut)
	defer cancel()
	_, err = d.deleter.Delete(ctx, d.which)
	return errors.Join(ErrDeleted, err)
}

func (d *deletion) mayPut() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.begun {
		d.putting = make(chan struct{})
	}
	return !d.begun
}

func (d *deletion) put(ctx context.Context, put func(ctx context.Context) error) error {
	defer close(d.putting)
	return put(d.own(ctx))
}

// own returns the context of a Put.
func (d *deletion) own(ctx context.Context) context.Context {
	return context.WithValue(ctx, ownKey{}, d)
}
