package capture

import (
	"sync"
	"time"

	"github.com/livestill/livestill/frame"
)

// An album takes in neighbours that come out of the decoder before their picture, on the way to it, so that its GOP is not decoded
// twice. A Camera has one album at a time, so that many captures do not hold many pictures; the others decode again.
type album map[pictureID]*frame.Picture

// open opens an album for a capture that will merge, if no other has one and there is memory at hand.
func (w *capture) open() {
	c := w.camera
	if w.reach == alone || !w.target.remembered() || !c.merging.CompareAndSwap(false, true) {
		return
	}
	w.album = make(album)
	w.target.album = w.album
	n := int64(len(c.passing(w.target)))
	var ok bool
	if w.albumMemory, ok = c.budget().Try(frame.ForPictures, n*c.cost(w.target.gop).Picture); !ok {
		w.letGo()
	}
}

// hold keeps the line of the picture, so that decoding goes on behind it.
func (w *capture) hold() {
	if w.album == nil {
		return
	}
	if g, unit := w.camera.locate(w.id); g != nil {
		w.release = w.camera.hold(g, unit)
	}
}

// letGo lets go of what was kept for the neighbours.
func (w *capture) letGo() {
	if w.release != nil {
		w.release()
		w.release = nil
	}
	if w.album != nil {
		w.album, w.target.album = nil, nil
		w.camera.merging.Store(false)
	}
	if w.albumMemory != nil {
		w.albumMemory()
		w.albumMemory = nil
	}
}

// lend lets go of what was kept for the neighbours if it takes long until resume is called: the Notifier and the caller may be busy with the
// first still, or capture others.
func (w *capture) lend() (resume func()) {
	gone := make(chan struct{})
	timer := time.AfterFunc(linger, func() {
		defer close(gone)
		w.letGo()
	})
	return sync.OnceFunc(func() {
		if !timer.Stop() {
			<-gone
		}
	})
}
