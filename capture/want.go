package capture

import (
	"time"

	"github.com/livestill/livestill/frame"
)

// Developed is a picture, or why there is none: an ErrCorrupt or a fault.
type developed struct {
	*frame.Picture
	err error
}

// A want is what a capture wants of a line.
type want struct {
	index   int                     // of the unit in the GOP
	passing bool                    // nobody waits for it: it is made if it comes before what somebody waits for
	keep    func(frame.Latent) bool // is asked whether to make the picture
	spent   time.Duration           // what the line had spent when this came
	made    developed               // once it is done; neither picture nor error if it was not to be kept
	done    chan struct{}
}

// end ends a want.
func (w *want) end(made developed) {
	w.made = made
	close(w.done)
}

// picture returns what was made of a want; nil if nothing was.
func (w *want) picture() *frame.Picture {
	select {
	case <-w.done:
		return w.made.Picture
	default:
		return nil
	}
}

func newWant(index int, keep func(frame.Latent) bool) *want {
	return &want{index: index, keep: keep, done: make(chan struct{})}
}
