package rtmp_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livestill/livestill/internal/ingest/ingesttest"
	"github.com/livestill/livestill/rtmp"
)

// Every peer below would keep its connection for ever. The server gives each the time that it promises, to the second.
func TestDeadlines(t *testing.T) {
	const handshakeTimeout, publishTimeout, idleTimeout = 10 * time.Second, 20 * time.Second, 30 * time.Second
	hello := append([]byte{3}, make([]byte, 2*1536)...)
	for _, c := range []struct {
		what  string
		sends []byte        // at once
		drips []byte        // then again and again, a byte a second
		deaf  bool          // does not read
		want  time.Duration // until the server hangs up
	}{
		{"says nothing", nil, nil, false, handshakeTimeout},
		{"stops in the handshake", hello[:2000], nil, false, handshakeTimeout},
		{"drips its handshake", nil, hello, false, handshakeTimeout},
		{"does not take the handshake", hello[:1], nil, true, handshakeTimeout},
		{"stops after the handshake", hello, nil, false, publishTimeout},
		{"never publishes", hello, []byte{2, 0, 0, 0, 0, 0, 4, acknowledge, 0, 0, 0, 0, 0, 0, 0, 0}, false, publishTimeout},
		{"publishes nothing", script(t), nil, false, idleTimeout},
		{"stops in a message", script(t)[:len(script(t))-10], nil, false, idleTimeout},
		{"drips a message", append(script(t), 4, 0, 0, 0, 0, 9, 9, video, 1, 0, 0, 0), []byte{0}, false, idleTimeout},
	} {
		t.Run(c.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				got := make(recorder, 1)
				ln := ingesttest.NewListener()
				stop := serve(t, &rtmp.Server{Handler: got, HandshakeTimeout: handshakeTimeout, PublishTimeout: publishTimeout,
					IdleTimeout: idleTimeout}, ln)
				defer stop()
				conn, done := ln.Dial(), make(chan struct{})
				defer close(done)
				go func() {
					_, _ = conn.Write(c.sends)
					tick := time.NewTicker(time.Second)
					defer tick.Stop()
					for i := 0; len(c.drips) > 0; i++ {
						select {
						case <-tick.C:
							_, _ = conn.Write(c.drips[i%len(c.drips):][:1])
						case <-done:
							return
						}
					}
				}()
				if c.deaf {
					<-time.After(c.want + time.Second)
				}
				_, _ = io.Copy(io.Discard, conn)
				if took := time.Since(begin); took.Truncate(2*time.Second) != c.want {
					t.Errorf("the server hung up after %v, want %v", took, c.want)
				}
				if c.want != idleTimeout {
					return
				}
				if r := <-got; !errors.Is(r.err, os.ErrDeadlineExceeded) {
					t.Errorf("Units ended with %v", r.err)
				}
			})
		})
	}
}

// inMemory returns the client's end of a connection to a server on the fake clock, and what its Handler gets.
func inMemory(t *testing.T) (recorder, net.Conn) {
	t.Helper()
	got, ln := make(recorder, 1), ingesttest.NewListener()
	serve(t, &rtmp.Server{Handler: got}, ln)
	return got, ln.Dial()
}

// A publisher of sound alone is not idle, for as long as it lasts.
func TestAudioKeepsAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got, conn := inMemory(t)
		go func() { _, _ = io.Copy(io.Discard, conn) }()
		_, _ = conn.Write(script(t))
		for range 100 {
			<-time.After(25 * time.Second)
			var w chunker
			w.write(4, rtmp.Message{Kind: audio, Stream: 1, Body: []byte{0xaf, 1, 2}})
			if _, err := conn.Write(w.out); err != nil {
				t.Fatal(err)
			}
		}
		_ = conn.Close()
		if r := <-got; len(r.units) != 1 || !errors.Is(r.err, io.ErrUnexpectedEOF) {
			t.Errorf("%d units, then %v", len(r.units), r.err)
		}
	})
}

func TestAcceptErrorsPass(t *testing.T) {
	ingesttest.TestAcceptErrorsPass(t, func(t *testing.T, ln net.Listener) (stop func()) {
		t.Helper()
		return serve(t, &rtmp.Server{Handler: make(recorder)}, ln)
	})
}

func TestListeningFails(t *testing.T) {
	ln := ingesttest.NewListener()
	_ = ln.Close()
	var wrapped *rtmp.Error
	err := (&rtmp.Server{Handler: make(recorder)}).Serve(context.Background(), ln)
	if !errors.Is(err, net.ErrClosed) || !errors.As(err, &wrapped) || wrapped.Step != "accept" {
		t.Errorf("on a closed listener: %v", err)
	}
	err = (&rtmp.Server{Handler: make(recorder), Addr: "256.0.0.1:99999"}).ListenAndServe(context.Background())
	if !errors.As(err, &wrapped) || wrapped.Step != "listen" {
		t.Errorf("on no address: %v", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	for range 2 { // while it listens, and before
		err = (&rtmp.Server{Handler: make(recorder), Addr: "127.0.0.1:0"}).ListenAndServe(ctx)
		if !errors.Is(err, context.DeadlineExceeded) || errors.As(err, &wrapped) {
			t.Errorf("stopped by its context: %v", err)
		}
	}
	if err := new(rtmp.Server).Serve(context.Background(), ingesttest.NewListener()); err == nil {
		t.Error("served without a Handler")
	}
}
