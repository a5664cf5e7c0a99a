package rtmp_test

import (
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livestill/livestill/internal/fakeclock"
	"github.com/livestill/livestill/internal/ingest/ingesttest"
	"github.com/livestill/livestill/rtmp"
)

// TestCrowd has more connections of one address than there may be, or of several, that are dialled anew whenever they are closed, and
// never publish, or nothing. A publisher from the first address, 3 ms away, is let in each time, and the log stays
// short. Bounds and crowds are a fifth of what the defaults let in: the race detector crashes on many hundreds of goroutines.
func TestCrowd(t *testing.T) {
	steps := steps(t, "key")
	hello := slices.Concat(steps[:2]...)
	connected, published := slices.Concat(hello, steps[2]), slices.Concat(steps...)
	for _, crowd := range []ingesttest.Crowd{
		{About: "silent ones", Says: []string{""}, Addresses: 1, Size: 40},
		{About: "that say one byte", Says: []string{string(hello[:1])}, Addresses: 1, Size: 40},
		{About: "that begin a handshake", Says: []string{string(hello[:1537])}, Addresses: 1, Size: 40},
		{About: "that shake hands", Says: []string{string(hello)}, Addresses: 1, Size: 40},
		{About: "that connect", Says: []string{string(connected)}, Addresses: 1, Size: 40},
		{About: "that publish nothing", Says: []string{string(published)}, Addresses: 1, Size: 40},
		{About: "that publish nothing, or connect", Says: []string{string(published), string(connected)}, Addresses: 1, Size: 40},
		{About: "of all kinds", Says: []string{"", string(hello[:1]), string(hello), string(connected)}, Addresses: 1, Size: 40},
		{About: "silent ones of ten addresses", Says: []string{""}, Addresses: 10, Size: 80},
		{About: "that shake hands, of ten addresses", Says: []string{"", string(hello)}, Addresses: 10, Size: 80},
	} {
		t.Run(crowd.About, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const tries, away = 5, 3 * time.Millisecond
				ln, log := ingesttest.NewListener(), new(ingesttest.LineCounter)
				stop := serve(t, &rtmp.Server{Handler: drain, Logger: log.Logger(), MaxConns: 48, MaxConnsPerAddr: 24}, ln)
				crowd.Run(t, ln, log, func() {
					for n := range tries {
						if !publishes(ln.DialFrom("192.0.2.1"), steps, away) {
							t.Errorf("try %d fails", n)
						}
					}
				}, stop)
			})
		})
	}
}

// steps returns what a publisher says, one after the other.
func steps(tb testing.TB, key string) [][]byte {
	tb.Helper()
	hello := append([]byte{3}, make([]byte, 2*1536)...)
	command := func(stream uint32, name string, id float64, args ...any) []byte {
		var w chunker
		w.write(3, rtmp.Message{Kind: commandAMF0, Stream: stream, Body: call(tb, name, id, args...)})
		return w.out
	}
	return [][]byte{hello[:1537], hello[1537:], command(0, "connect", 1, map[string]any{"app": "live"}),
		command(0, "createStream", 2, nil), command(1, "publish", 3, nil, key, "live")}
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
		fakeclock.Pass(away)
		if _, err := conn.Write(b); err != nil {
			break
		}
	}
	return <-heard
}
