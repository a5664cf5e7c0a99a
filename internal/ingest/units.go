package ingest

import (
	"errors"
	"iter"
	"sync/atomic"

	"github.com/livestill/livestill/frame"
)

var errTwice = errors.New("the units of a stream can be ranged over once")

// SingleUse returns the Units of a stream. The first range over them is one over units; every other has an error and nothing else, for
// which wrap says which stream it is of.
func SingleUse(units iter.Seq2[frame.AccessUnit, error], wrap func(error) error) iter.Seq2[frame.AccessUnit, error] {
	var used atomic.Bool
	return func(yield func(frame.AccessUnit, error) bool) {
		if used.Swap(true) {
			yield(frame.AccessUnit{}, wrap(errTwice))
			return
		}
		units(yield)
	}
}
