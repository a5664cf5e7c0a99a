package rtmp_test

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/ingest/ingesttest"
	"github.com/livestill/livestill/rtmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errStop = ingesttest.ErrStop

// ample is longer than any stall of a busy machine. It stands where a timeout must not come, and bounds times of day.
const ample = 5 * time.Minute

// A recording is what a Handler got of one stream.
type recording struct {
	name   string
	remote net.Addr
	query  map[string][]string
	units  []frame.AccessUnit
	err    error // the last of Units
}

// A recorder is a Handler that takes whole streams.
type recorder chan recording

func (r recorder) ServeStream(_ context.Context, s *frame.Stream) error {
	rec := recording{name: s.Name, remote: s.Remote, query: s.Query}
	for u, err := range s.Units {
		if err != nil {
			rec.err = err
			break
		}
		rec.units = append(rec.units, u)
	}
	r <- rec
	return rec.err
}

// start runs the server on a free port of the loopback interface until the test ends or stop is called, and returns host:port.
func start(tb testing.TB, s *rtmp.Server) (addr string, stop func()) {
	tb.Helper()
	ln := ingesttest.Listen(tb)
	s.HandshakeTimeout, s.PublishTimeout = cmp.Or(s.HandshakeTimeout, ample), cmp.Or(s.PublishTimeout, ample)
	s.IdleTimeout = cmp.Or(s.IdleTimeout, ample)
	return ln.Addr().String(), serve(tb, s, ln)
}

func serve(tb testing.TB, s *rtmp.Server, ln net.Listener) (stop func()) {
	tb.Helper()
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	return ingesttest.Run(tb, func(ctx context.Context) error { return s.Serve(ctx, ln) })
}

// check checks what every stream owes its Handler.
func check(t *testing.T, r recording, name string, units, keys int) {
	t.Helper()
	if r.err != nil || r.name != name || len(r.units) != units {
		t.Errorf("%s: got %s, %d units of %d, error %v", name, r.name, len(r.units), units, r.err)
	}
	if len(r.units) > 0 && !r.units[0].Key {
		t.Errorf("%s: begins with no key unit", name)
	}
	seen, shown := 0, make(map[string]bool)
	for i, u := range r.units {
		if u.Key {
			seen++
		}
		if i > 0 && u.DTS <= r.units[i-1].DTS {
			t.Errorf("%s: unit %d: DTS %v after %v", name, i, u.DTS, r.units[i-1].DTS)
		}
		if u.PTS < u.DTS || u.Time.IsZero() || u.Lost || u.Codec != frame.H264 || len(u.Data) == 0 {
			t.Errorf("%s: unit %d: %v, PTS %v, DTS %v, time %v, lost %v, %d bytes",
				name, i, u.Codec, u.PTS, u.DTS, u.Time, u.Lost, len(u.Data))
		}
		shown[fmt.Sprint(u.PTS)] = true
	}
	if seen != keys || len(shown) != len(r.units) {
		t.Errorf("%s: %d key units, want %d; %d different PTS", name, seen, keys, len(shown))
	}
}
