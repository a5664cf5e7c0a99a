package ffmpeg

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"image"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/ffmpeg/internal/child"
)

// In makes the decoder make pictures in some memory, one over the other, if that is large enough.
func (d *Decoder) In(shared []byte) *Decoder {
	d.shared = shared
	return d
}

// An AVIFOf is an AVIF that has one of FFmpeg's encoders alone.
type AVIFOf struct {
	AVIF
	Encoder string
}

// Encode is that of AVIF.
func (e *AVIFOf) Encode(ctx context.Context, w io.Writer, p *frame.Picture) error {
	return format{mime: e.Type(), side: maxAVIF, file: func(img *image.YCbCr) ([][]byte, error) {
		return e.file(img, e.Encoder)
	}}.encode(ctx, w, p)
}

// A PNGOf is a PNG with another filter and another level.
type PNGOf struct {
	PNG
	Filter, Level string
}

// Encode is that of PNG.
func (e *PNGOf) Encode(ctx context.Context, w io.Writer, p *frame.Picture) error {
	return format{mime: e.Type(), side: maxPNG, file: func(img *image.YCbCr) ([][]byte, error) {
		return pngFile(img, e.Filter, e.Level)
	}}.encode(ctx, w, p)
}

// ProcessorTime returns how long this process has worked.
func ProcessorTime(tb testing.TB) time.Duration {
	tb.Helper()
	return processorTime(tb)
}

// Serve is what a child does, with so many bytes for pictures.
func Serve(socket io.ReadWriter, size int) error {
	return serve(socket, make([]byte, size), func() bool { return true })
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
		return child.New(l, l, sync.OnceFunc(func() { close(killed) }), func() {}, func() string {
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
func (l *liar) Trim() error                           { return nil }

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

// Hang gives an Isolated children in this process. The first n that get a GOP hang at its first unit, which is told; the others work.
func (d *Isolated) Hang(n int32) (hung <-chan struct{}) {
	hasChild.Store(true)
	d.pool = newPool(0, 640*480)
	told := make(chan struct{}, n)
	var busy atomic.Int32
	d.pool.Start = func(_, size int64) (*child.Child, error) {
		ours, theirs := net.Pipe()
		shared := make([]byte, size)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_ = writeAnswer(theirs, &answer{Kind: ansHello}, nil)
			requests := bufio.NewReader(theirs)
			if _, err := requests.Peek(1); err == nil && busy.Add(1) <= n {
				_, _, _ = readRequest(requests)
				_ = writeAnswer(theirs, &answer{Kind: ansMore}, nil)
				if _, _, err := readRequest(requests); err == nil {
					told <- struct{}{}
				}
				_, _ = io.Copy(io.Discard, requests)
			}
			_ = serve(struct {
				io.Reader
				io.Writer
			}{requests, theirs}, shared, func() bool { return true })
		}()
		kill := func() { _ = theirs.Close() }
		wait := func() string {
			<-ended
			return "killed"
		}
		return child.New(ours, memory{bytes.NewReader(shared)}, kill, func() {}, wait), nil
	}
	return told
}

// A memory is shared memory of this process alone.
type memory struct{ io.ReaderAt }

func (memory) Close() error { return nil }
func (memory) Trim() error  { return nil }
