package ingesttest

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livestill/livestill/frame"
)

// ErrStop is the cause of the context that ends what Run runs.
var ErrStop = errors.New("the test stops it")

// Run runs what ends with its context, a Server or a Client, until stop is called or the test ends. It must return the context's cause.
func Run(tb testing.TB, run func(context.Context) error) (stop func()) {
	tb.Helper()
	ctx, cancel := context.WithCancelCause(context.Background())
	done := make(chan error)
	go func() { done <- run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel(ErrStop)
		if err := <-done; !errors.Is(err, ErrStop) {
			tb.Errorf("it returned %v, want the cause of its context", err)
		}
	})
	tb.Cleanup(stop)
	return stop
}

// Listen returns a listener on a free port of the loopback interface.
func Listen(tb testing.TB) net.Listener {
	tb.Helper()
	ln, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	return ln
}

// Serve has serve serve each connection, the nth as n, until the test ends, and returns the address to dial.
func Serve(tb testing.TB, serve func(n int, conn net.Conn)) (addr string) {
	tb.Helper()
	ln := Listen(tb)
	var conns sync.WaitGroup
	conns.Go(func() {
		for n := 0; ; n++ {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			conns.Go(func() {
				serve(n, conn)
				_ = conn.Close()
			})
		}
	})
	tb.Cleanup(func() {
		_ = ln.Close()
		conns.Wait()
	})
	return ln.Addr().String()
}

// TestAcceptErrorsPass has a listener fail twelve times, as it does without file descriptors, and then accept a connection.
func TestAcceptErrorsPass(t *testing.T, serve func(t *testing.T, ln net.Listener) (stop func())) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		ln := &scarce{NewListener(), 12}
		defer serve(t, ln)()
		_ = ln.Dial().Close()
		if took := time.Since(begin); took < 4*time.Second || took > 10*time.Second {
			t.Errorf("twelve failures took %v", took)
		}
	})
}

// Refuse returns a Handler for streams that must not come.
func Refuse(t *testing.T) frame.Handler {
	t.Helper()
	return frame.HandlerFunc(func(_ context.Context, s *frame.Stream) error {
		t.Errorf("there is a stream %s", s.Name)
		return ErrStop
	})
}
