package rtmp_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"runtime/metrics"
	"strings"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/ingest/ingesttest"
	"github.com/livestill/livestill/rtmp"
)

// A tape is a connection whose peer says what is on it, hangs up at its end, and does not listen.
type tape struct {
	io.Reader
	closed chan struct{}
}

func (tape) Write(p []byte) (int, error)      { return len(p), nil }
func (t tape) Close() error                   { close(t.closed); return nil }
func (tape) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (tape) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (tape) SetDeadline(time.Time) error      { return nil }
func (tape) SetReadDeadline(time.Time) error  { return nil }
func (tape) SetWriteDeadline(time.Time) error { return nil }

// play has a server serve one connection with b on it, to the end, and returns what it logged.
func play(tb testing.TB, s *rtmp.Server, b []byte) (log string) {
	tb.Helper()
	var text bytes.Buffer
	s.Logger = slog.New(slog.NewTextHandler(&text, nil))
	ln := ingesttest.NewListener()
	stop := serve(tb, s, ln)
	conn := tape{bytes.NewReader(b), make(chan struct{})}
	ln.Hand(conn)
	<-conn.closed
	stop()
	return text.String()
}

// FuzzServer plays anything behind a handshake to a server. It must not panic nor hang, nor take more memory than it promises, and
// the units that it makes of it must be what a Handler may rely on.
func FuzzServer(f *testing.F) {
	for _, b := range hostile(f) {
		f.Add(b[:min(len(b), 5000)])
	}
	f.Add(commands(f).out)
	w := commands(f)
	w.control(setChunkSize, 77)
	w.size = 77
	w.control(windowSize, 1)
	w.write(2, rtmp.Message{Kind: userControl, Body: []byte{0, 6, 1, 2, 3, 4}})
	w.write(4, rtmp.Message{Kind: video, Stream: 1, Time: 1<<32 - 20, Body: picture(false, 100)})
	w.write(4, rtmp.Message{Kind: video, Stream: 1, Time: 20, Body: picture(false, 100)})
	w.write(4, rtmp.Message{Kind: aggregate, Stream: 1, Time: 40, Body: []byte("\x09\x00\x00\x02\x00\x00\x28\x00\x00\x00\x00\x17\x02\x00\x00\x00\x0d")})
	w.write(3, rtmp.Message{Kind: commandAMF3, Stream: 1, Body: append([]byte{0}, call(f, "deleteStream", 4, nil, "1")...)})
	f.Add(w.out)
	f.Fuzz(func(t *testing.T, input []byte) {
		bounded(t, len(input), func() {
			log := play(t, &rtmp.Server{MaxMessage: fuzzMessage, Handler: reliable(t)}, append(append([]byte{3}, make([]byte, 2*1536)...), input...))
			if strings.Contains(log, "panic") {
				t.Error(log)
			}
		})
	})
}

const fuzzMessage = 64 << 10 // bytes of a message

// reliable is a Handler that checks of each unit what a Handler may rely on.
func reliable(t *testing.T) frame.HandlerFunc {
	t.Helper()
	return func(_ context.Context, s *frame.Stream) error {
		s.OnCue = func(frame.Cue) {}
		var last frame.AccessUnit
		for u, err := range s.Units {
			if err != nil {
				return err
			}
			if len(u.Data) == 0 || len(u.Data) > 4*fuzzMessage || u.DTS < last.DTS || u.Codec == 0 || last.Codec == 0 && !u.Key {
				t.Errorf("unit %+v after %+v", u, last)
			}
			last = u
		}
		return nil
	}
}

// bounded checks that a connection takes no more memory than what it costs, its buffers, and for each byte received at most what AMF
// makes of it.
func bounded(t *testing.T, received int, connection func()) {
	t.Helper()
	bound := 512<<10 + 4*fuzzMessage + 400*uint64(received)
	for try := 1; ; try++ {
		before := allocated()
		connection()
		n := allocated() - before
		if n <= bound {
			break
		}
		if try == 5 { // fuzzing allocates, too, but not five times
			t.Fatalf("%d bytes allocated for %d", n, received)
		}
	}
}

func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
