package ingest_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livestill/livestill/internal/fakeclock"
	"github.com/livestill/livestill/internal/ingest"
)

// TestLog writes a thousand lines a second for a minute, and a few of others' beside them.
func TestLog(t *testing.T) {
	for _, test := range []struct {
		about string
		peer  func(n int) net.Addr
		most  int // lines of the flood, with those that say how many were left out
		good  bool
	}{
		{"of one address", func(int) net.Addr { return tcp("192.0.2.1") }, 70, true},
		{"of one network", func(n int) net.Addr { return tcp(fmt.Sprintf("2001:db8::%x", n%0xffff)) }, 70, true},
		{"of very many", func(n int) net.Addr { return tcp(fmt.Sprintf("10.0.%d.%d", n/256%256, n%256)) }, 700, false},
		{"of none", func(int) net.Addr { return nil }, 700, false},
	} {
		t.Run(test.about, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var text bytes.Buffer
				log := ingest.Log{Logger: slog.New(slog.NewTextHandler(&text, nil))}
				for n := range 60_000 {
					log.Log(t.Context(), slog.LevelInfo, "failed", test.peer(n), "line", n)
					log.Log(t.Context(), slog.LevelDebug, "unseen", test.peer(n))
					if n%10_000 == 5000 {
						log.Log(t.Context(), slog.LevelInfo, "failed", tcp("198.51.100.7"), "good", "failed")
						log.Log(t.Context(), slog.LevelInfo, "streams", test.peer(n), "good", "streams")
					}
					fakeclock.Pass(time.Millisecond)
				}
				log.Close()
				log.Log(t.Context(), slog.LevelInfo, "failed", nil, "good", "late")
				synctest.Wait() // for the last period, which ends right now
				var lines, left int
				for line := range strings.Lines(text.String()) {
					var n int
					if strings.Contains(line, "msg=failed") && strings.Contains(line, " line=") {
						lines++
					} else if _, rest, ok := strings.Cut(line, "of=failed lines="); ok {
						_, _ = fmt.Sscan(rest, &n)
						left += n
					}
				}
				if lines == 0 || lines > test.most || test.good && lines+left != 60_000 {
					t.Errorf("%d lines and %d left out, of 60000", lines, left)
				}
				got := []int{strings.Count(text.String(), "good=failed"), strings.Count(text.String(), "good=streams"), strings.Count(text.String(), "late")}
				if want := []int{6, 6, 0}; test.good && fmt.Sprint(got) != fmt.Sprint(want) || got[1] != 6 {
					t.Errorf("%v good lines, want %v", got, want)
				}
			})
		})
	}
}

// TestLogOfAServerThatEnds writes nothing when the context is done.
func TestLogOfAServerThatEnds(t *testing.T) {
	var text bytes.Buffer
	log := ingest.Log{Logger: slog.New(slog.NewTextHandler(&text, nil))}
	defer log.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	log.Log(ctx, slog.LevelError, "failed", nil)
	if text.Len() > 0 {
		t.Error(text.String())
	}
}
