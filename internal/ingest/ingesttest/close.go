package ingesttest

import (
	"context"
	"errors"
	"testing"

	"github.com/livestill/livestill/frame"
)

// ErrEnough is why a Closing hangs up.
var ErrEnough = errors.New("enough of it")

// A Closing is a Handler whose stream is hung up on by Stream.Close.
type Closing struct {
	streams chan *frame.Stream
	ended   chan error
}

// NewClosing returns a Closing for one stream.
func NewClosing() *Closing {
	return &Closing{streams: make(chan *frame.Stream, 1), ended: make(chan error, 1)}
}

// ServeStream takes all units.
func (c *Closing) ServeStream(_ context.Context, s *frame.Stream) (err error) {
	n := 0
	defer func() { c.ended <- err }()
	for _, err := range s.Units {
		if err != nil {
			return err
		}
		if n++; n == 3 {
			c.streams <- s
		}
	}
	return nil
}

// Close has the publisher stall when some units have come, hangs up on it from several goroutines, and waits until its stream has ended, for the
// reason that was given. No timeout may be near.
func (c *Closing) Close(tb testing.TB, stall func()) {
	tb.Helper()
	s := <-c.streams
	stall()
	s.Close(ErrEnough)
	go s.Close(errors.New("too late"))
	if err := <-c.ended; !errors.Is(err, ErrEnough) {
		tb.Errorf("it ends with %v, want %v", err, ErrEnough)
	}
	s.Close(errors.New("far too late"))
}
