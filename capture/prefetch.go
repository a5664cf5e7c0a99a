package capture

import (
	"sync"
	"time"

	"github.com/livestill/livestill/capture/internal/sched"
	"github.com/livestill/livestill/capture/internal/shared"
	"github.com/livestill/livestill/frame"
)

// A prefetch has neighbours that come out of the Decoder before their picture, on the way to it, so that its GOP is not decoded twice. A
// Camera has one prefetch at a time, so that many captures do not keep many pictures; the others decode again.
type prefetch struct {
	units    []int // of the GOP of the picture, which are worth it
	pictures map[sched.ID]*frame.Picture

	memory func()     // gives back that of the pictures
	pin    *sched.Pin // of the decoding of the picture, which goes on behind it
}

// pinned returns the Pin; nil without a prefetch.
func (f *prefetch) pinned() *sched.Pin {
	if f == nil {
		return nil
	}
	return f.pin
}

// take is given a neighbour.
func (f *prefetch) take(p *frame.Picture) { f.pictures[sched.IDOf(p.PTS, p.Time)] = p }

// picture returns a neighbour; nil if it was not fetched.
func (f *prefetch) picture(id sched.ID) *frame.Picture {
	if f == nil {
		return nil
	}
	return f.pictures[id]
}

// beginPrefetch begins a prefetch for a capture that will merge, if no other has one and there is memory at hand.
func (w *capture) beginPrefetch() {
	c := w.camera
	if w.reach == alone || !w.found.remembered() || !c.prefetching.CompareAndSwap(false, true) {
		return
	}
	w.prefetch = &prefetch{pictures: make(map[sched.ID]*frame.Picture), pin: c.scheduler().NewPin()}
	w.prefetch.units = c.before(w.found)
	bytes := int64(len(w.prefetch.units)) * c.scheduler().Cost(w.found.gop).Picture
	var ok bool
	if w.prefetch.memory, ok = c.scheduler().Budget.Try(frame.ForPictures, bytes); !ok {
		w.endPrefetch()
	}
}

// pin keeps the decoding of the picture, so that it goes on behind it.
func (w *capture) pin() {
	if w.prefetch == nil {
		return
	}
	if g, unit := w.camera.locate(w.id); g != nil {
		w.prefetch.pin.Behind(g, unit)
	}
}

// endPrefetch lets go of what was kept for the neighbours.
func (w *capture) endPrefetch() {
	f := w.prefetch
	if f == nil {
		return
	}
	w.prefetch = nil
	f.pin.Release()
	w.camera.prefetching.Store(false)
	if f.memory != nil {
		f.memory()
	}
}

// lend lets go of what was kept for the neighbours if it takes long until resume is called: the Notifier and the caller may be busy with the
// first still, or capture others.
func (w *capture) lend() (resume func()) {
	gone := make(chan struct{})
	timer := time.AfterFunc(shared.Retention, func() {
		defer close(gone)
		w.endPrefetch()
	})
	return sync.OnceFunc(func() {
		if !timer.Stop() {
			<-gone
		}
	})
}
