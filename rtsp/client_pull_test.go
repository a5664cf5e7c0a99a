package rtsp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/rtsp"
)

// TestClientTellsHowItFares pulls from a camera that is not there at first, then breaks off, and then stays.
func TestClientTellsHowItFares(t *testing.T) {
	units := small(t)
	url := camera{
		describe: func(n int) (kind, body string) {
			if n < 2 {
				return "", ""
			}
			return "application/sdp", describe(units)
		},
		play: func(n int, r *raw) {
			r.pour(t, units...)
			if n > 2 {
				_, _ = io.Copy(io.Discard, r.in)
			}
		},
	}.start(t)
	log := make(transcript, 100)
	var told []string
	pulls(t, &rtsp.Client{URL: url, Logger: textLogger(log)}, func(p frame.Pull) bool {
		told = append(told, fmt.Sprintf("%v %d", p.State, p.Failures))
		var e *rtsp.Error
		if p.Stream != "cam" || errors.As(p.Err, &e) == (p.State == frame.PullConnected) || (p.Wait > 0) != (p.State == frame.PullRetrying) {
			t.Errorf("%+v", p)
		}
		if p.State == frame.PullLost && e.Step != "receive" {
			t.Errorf("lost for %v", e)
		}
		return len(told) == 6
	})
	if got := strings.Join(told, ", "); got != "retrying 1, retrying 2, connected 0, lost 0, retrying 0, connected 0" {
		t.Errorf("told %s", got)
	}
	for range 3 {
		log.await(t, "pulling again")
	}
}

// TestClientCountsWhatItDrops sends more units than are kept for a Handler that does not take any until the stream has ended.
func TestClientCountsWhatItDrops(t *testing.T) {
	units := small(t)
	const rounds, kept = 10, 256
	url := alone(describe(units), func(r *raw) {
		for range rounds {
			r.pour(t, units...)
		}
	}).start(t)
	log := make(transcript, 100)
	got := 0
	c := rtsp.Client{URL: url, Logger: textLogger(log), Handler: frame.HandlerFunc(func(ctx context.Context, s *frame.Stream) error {
		for _, err := range s.Units {
			if err != nil {
				return err
			}
			got++
			<-ctx.Done()
		}
		return nil
	})}
	pulls(t, &c, func(p frame.Pull) bool { return p.State == frame.PullLost })
	log.await(t, fmt.Sprintf("units dropped\" stream=cam server=%s err=\"rtsp: receive cam from %[1]s: the Handler was too slow for %d units",
		strings.Split(url, "/")[2], rounds*len(units)-got))
	if got < kept || got > kept+1 {
		t.Errorf("%d units, want the first and what is kept after it", got)
	}
}

// TestClientOutlastsLongGOPs joins a GOP in its middle, and gets its first key picture when others would have given up.
func TestClientOutlastsLongGOPs(t *testing.T) {
	units := small(t)
	synctest.Test(t, func(t *testing.T) {
		log := make(transcript, 100)
		c := rtsp.Client{Timeout: 10 * time.Second, Logger: textLogger(log)}
		run := alone(describe(units), func(r *raw) {
			go r.deafen()
			for begun := time.Now(); time.Since(begun) < 5*c.Timeout; {
				r.pour(t, units[1]) // of another timestamp than the next, which is what ends it: the marker does
				<-time.After(c.Timeout / 10)
			}
			r.pour(t, units...)
		}).inMemory(t, &c)
		pullsBy(t, &c, run, func(p frame.Pull) bool {
			if p.State != frame.PullConnected {
				t.Errorf("%+v", p)
			}
			return true
		})
		log.await(t, "no picture that decoding can begin with")
		if len(log) > 0 {
			t.Errorf("said more than once: %s", <-log)
		}
	})
}

// TestClientContainsPanics ends Run with an error when the Handler panics, before or while it takes units, and when OnPull does.
func TestClientContainsPanics(t *testing.T) {
	units := small(t)
	for about, handler := range map[string]frame.HandlerFunc{
		"before": func(context.Context, *frame.Stream) error { panic("before") },
		"during": func(_ context.Context, s *frame.Stream) error {
			for _, err := range s.Units {
				if err != nil {
					return err
				}
				panic("during")
			}
			return nil
		},
		"OnPull": drain,
	} {
		t.Run(about, func(t *testing.T) {
			url := alone(describe(units), func(r *raw) {
				r.pour(t, units...)
				if about != "OnPull" {
					r.deafen()
				}
			}).start(t)
			log := make(transcript, 100)
			err := (&rtsp.Client{URL: url, Handler: handler, Logger: textLogger(log), Transport: rtsp.TCP, Timeout: ample, OnPull: func(p frame.Pull) {
				if about == "OnPull" && p.State == frame.PullLost {
					panic("OnPull")
				}
			}}).Run(t.Context())
			var e *rtsp.Error
			if !errors.As(err, &e) || e.Stream != "cam" {
				t.Errorf("Run returns %v", err)
			}
			log.await(t, "panic="+about)
		})
	}
}
