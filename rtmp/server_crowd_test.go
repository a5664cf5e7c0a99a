package rtmp_test

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livestill/livestill/rtmp"
)

// A lineCounter counts what is logged.
type lineCounter struct{ lines atomic.Int64 }

func (c *lineCounter) Write(p []byte) (int, error) {
	c.lines.Add(1)
	return len(p), nil
}

// at is a connection from an address.
type at struct {
	net.Conn
	addr net.Addr
}

func (c at) RemoteAddr() net.Addr { return c.addr }

// dialFrom returns the client's end of a new connection from an IP address.
func (l *pipeListener) dialFrom(ip string) net.Conn {
	client, server := net.Pipe()
	select {
	case l.conns <- at{server, &net.TCPAddr{IP: net.ParseIP(ip), Port: 1}}:
	case <-l.closed:
		_ = client.Close()
	}
	return client
}

// TestCrowd has more connections of one address than there may be, or of several, that are dialled anew whenever they are closed, and
// never publish. A publisher from the first address, 10 ms away, is let in each time, and the log stays short.
func TestCrowd(t *testing.T) {
	hello := append([]byte{3}, make([]byte, 2*1536)...)
	command := func(stream uint32, name string, id float64, args ...any) []byte {
		var w chunker
		w.write(3, rtmp.Packet{Kind: commandAMF0, Stream: stream, Body: call(t, name, id, args...)})
		return w.out
	}
	connect := command(0, "connect", 1, map[string]any{"app": "live"})
	steps := [][]byte{hello[:1537], hello[1537:], connect, command(0, "createStream", 2, nil), command(1, "publish", 3, nil, "key", "live")}
	connected := slices.Concat(hello, connect)
	silent := []byte(nil)
	for _, test := range []struct {
		about     string
		says      [][]byte // before they fall silent
		addresses int
		crowd     int
	}{
		{"silent ones", [][]byte{silent}, 1, 200},
		{"that say one byte", [][]byte{hello[:1]}, 1, 200},
		{"that begin a handshake", [][]byte{hello[:1537]}, 1, 200},
		{"that shake hands", [][]byte{hello}, 1, 200},
		{"that connect", [][]byte{connected}, 1, 200},
		{"of all kinds", [][]byte{silent, hello[:1], hello, connected}, 1, 200},
		{"silent ones of ten addresses", [][]byte{silent}, 10, 700},
		{"that shake hands, of ten addresses", [][]byte{silent, hello}, 10, 700},
	} {
		t.Run(test.about, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const tries, away = 5, 10 * time.Millisecond
				got, ln, log := make(recorder, tries), newPipeListener(), new(lineCounter)
				s := &rtmp.Server{Handler: got, Logger: slog.New(slog.NewTextHandler(log, nil)), MaxConns: 512}
				stop := serve(t, s, ln)
				begin, end := time.Now(), make(chan struct{})
				var crowd sync.WaitGroup
				for n := range test.crowd {
					crowd.Go(func() {
						for wait(end, 20*time.Millisecond) {
							conn := ln.dialFrom(fmt.Sprintf("192.0.2.%d", 1+n%test.addresses))
							go func() { _, _ = conn.Write(test.says[n%len(test.says)]) }()
							_, _ = io.Copy(io.Discard, conn)
							_ = conn.Close()
						}
					})
				}
				time.Sleep(300 * time.Millisecond)
				for n := range tries {
					if !publishes(ln.dialFrom("192.0.2.1"), steps, away) {
						t.Errorf("try %d fails", n)
					}
				}
				took := time.Since(begin)
				close(end)
				stop()
				crowd.Wait()
				if most := 60 * (1 + took.Seconds()/10) * float64(test.addresses); float64(log.lines.Load()) > most {
					t.Errorf("%d lines within %v, want %v", log.lines.Load(), took, most)
				}
			})
		})
	}
}

// publishes publishes from a place that is so far away, and tells whether it is let in.
func publishes(conn net.Conn, steps [][]byte, away time.Duration) bool {
	defer func() { _ = conn.Close() }()
	heard := make(chan bool)
	go func() {
		var answers strings.Builder
		for b := make([]byte, 4096); ; {
			n, err := conn.Read(b)
			answers.Write(b[:n])
			if err != nil || strings.Contains(answers.String(), "NetStream.Publish.Start") {
				heard <- err == nil
				_, _ = io.Copy(io.Discard, conn)
				return
			}
		}
	}()
	for _, b := range steps {
		time.Sleep(away)
		if _, err := conn.Write(b); err != nil {
			break
		}
	}
	return <-heard
}

// wait waits, and tells whether it is not the end.
func wait(end <-chan struct{}, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-end:
		return false
	}
}
