package ffmpeg

import (
	"bytes"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/livestill/livestill/frame/ffmpeg/internal/child"
)

// In makes the decoder make pictures in room, one over the other, if it is large enough.
func (d *Decoder) In(room []byte) *Decoder {
	d.room = room
	return d
}

// Serve is what a child does, with so much room for pictures.
func Serve(socket io.ReadWriter, room int) error {
	return serve(socket, make([]byte, room), func() bool { return true })
}

// Liar returns an Isolated whose only child says hello, and then what is read from says; its memory is empty.
func Liar(says io.Reader, maxPixels int) *Isolated {
	hasChild.Store(true)
	hello := appendAnswer(nil, &answer{Kind: ansHello}, nil)
	l := &liar{Reader: io.MultiReader(bytes.NewReader(hello), says)}
	p := newPool(0, maxPixels)
	var begun atomic.Bool
	p.Start = func(_, _ int64) (*child.Child, error) {
		if begun.Swap(true) {
			return nil, errors.New("there is only one")
		}
		killed := make(chan struct{})
		return child.New(l, l, sync.OnceFunc(func() { close(killed) }), func() string {
			<-killed
			return "killed"
		}), nil
	}
	return &Isolated{Decoder: Decoder{MaxPixels: maxPixels}, pool: p}
}

type liar struct{ io.Reader }

func (l *liar) Write(b []byte) (int, error)           { return len(b), nil }
func (l *liar) ReadAt(b []byte, _ int64) (int, error) { return len(b), nil }
func (l *liar) SetDeadline(time.Time) error           { return nil }
func (l *liar) Close() error                          { return nil }

// Isolated returns an Isolated with the limits of d. All that are made so share their children.
func (d *Decoder) Isolated() *Isolated {
	shared.Lock()
	defer shared.Unlock()
	if shared.pool == nil {
		shared.pool = newPool(0, defaultMaxPixels)
	}
	return &Isolated{Decoder: Decoder{Threads: d.Threads, Concurrent: d.Concurrent, MaxPixels: d.MaxPixels, MaxMemory: d.MaxMemory}, pool: shared.pool}
}

// CloseShared ends the children that are shared, so that a test has only its own.
func CloseShared() {
	shared.Lock()
	defer shared.Unlock()
	if shared.pool != nil {
		shared.pool.Close()
	}
	shared.pool = nil
}

var shared struct {
	sync.Mutex
	pool *child.Pool
}

// CountAnswers returns how many answers b has, or -1 if it is anything else.
func CountAnswers(b []byte) (n int) {
	for r := bytes.NewReader(b); r.Len() > 0; n++ {
		a, _, err := readAnswer(r)
		if err != nil || a.Kind < ansMore || a.Kind > ansDone {
			return -1
		}
	}
	return n
}
