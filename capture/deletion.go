package capture

import (
	"context"
	"sync"
)

// A deletion is what is known of the deletion of a still that is to be refined.
type deletion struct {
	stop func() // hearing of it; nil if the Store does not tell

	mu      sync.Mutex
	begun   bool
	putting chan struct{} // closed when the Put that refines it has ended; nil while there is none
}

// watch hears of it from now on.
func (d *deletion) watch(from Store, s *Still) {
	if w, ok := from.(DeleteWatcher); ok {
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
	d.mu.Lock()
	d.begun = true
	putting := d.putting
	d.mu.Unlock()
	if putting == nil {
		return
	}
	select {
	case <-putting:
	case <-ctx.Done():
	}
}

// unless puts, unless a deletion has begun by then. If one begins meanwhile, it deletes what was put.
func (d *deletion) unless(put func() error) error {
	d.mu.Lock()
	if d.begun {
		d.mu.Unlock()
		return ErrDeleted
	}
	d.putting = make(chan struct{})
	d.mu.Unlock()
	defer close(d.putting)
	err := put()
	d.mu.Lock()
	defer d.mu.Unlock()
	if err == nil && d.begun {
		return ErrDeleted
	}
	return err
}
