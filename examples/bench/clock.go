package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/ffmpeg"
	"github.com/livestill/livestill/rtmp"
)

const (
	latePace = 0.9         // of real time, at which a late publisher delivers
	ago      = time.Second // is captured

	maxWait = 50 * time.Millisecond  // of 99 captures in 100
	maxAway = 150 * time.Millisecond // from the wanted instant
)

// measureClock captures the picture of a second ago from a publisher that delivers less than real time, and stalls.
func measureClock(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "livestill-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "clip.mkv")
	if err := (scene{"540p30 H.264, GOP 2 s", frame.H264, "960x540", 1, 2, true}).encode(ctx, path); err != nil {
		return err
	}
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	cam := &capture.Camera{Decoder: &ffmpeg.Decoder{}, Encoder: &ffmpeg.JPEG{}}
	seen := &viewer{next: cam}
	running.Go(func() { _ = (&rtmp.Server{Handler: seen, Logger: slog.New(slog.DiscardHandler)}).Serve(ctx, ln) })
	publisher, err := publish(ctx, path, "rtmp://"+ln.Addr().String()+"/live/bench", latePace)
	if err != nil {
		return err
	}
	running.Go(func() { _ = publisher.Wait() })
	running.Go(func() { stall(ctx, publisher.Process) })
	if _, err := cam.Capture(ctx, capture.Request{}); err != nil {
		return err
	}
	time.Sleep(2 * ago) // until there is something to go back to
	return captureLate(ctx, cam, seen)
}

// stall stops a process for up to four seconds, now and then, until ctx ends.
func stall(ctx context.Context, p *os.Process) {
	for ctx.Err() == nil {
		pause(ctx, 10*time.Second+rand.N(20*time.Second))
		_ = p.Signal(syscall.SIGSTOP)
		pause(ctx, rand.N(4*time.Second))
		_ = p.Signal(syscall.SIGCONT)
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// captureLate captures for as long as it is told, and compares what comes with what was asked.
func captureLate(ctx context.Context, cam *capture.Camera, seen *viewer) error {
	var waits, away []time.Duration
	begin, told := time.Now(), time.Now()
	for time.Since(begin) < *late {
		time.Sleep(rand.N(time.Second)) // so that captures fall anywhere
		still, err := cam.Capture(ctx, capture.Request{Moment: capture.Ago(ago), Tolerance: -1})
		if err != nil {
			return err
		}
		off, ok := seen.away(still.PTS, still.Wanted)
		if !ok {
			return errors.New("a still of a picture that never came")
		}
		waits, away = append(waits, still.Step(capture.StepWait)), append(away, off)
		if time.Since(told) > time.Minute {
			told = time.Now()
			log.Printf("%.0f minutes: %d captures waited %.1f ms, at most %.1f ms; pictures were on show up to %.0f ms away", time.Since(begin).Minutes(),
				len(waits), ms(percentile(waits, 50)), ms(percentile(waits, 100)), ms(percentile(away, 100)))
		}
	}
	if len(waits) == 0 {
		return errors.New("no time for a capture")
	}
	fmt.Printf("%d captures of a second ago, of a publisher at %v of real time that stalls\n", len(waits), latePace)
	for _, b := range []bar{
		{"waited, ms, p50", ms(percentile(waits, 50)), ms(maxWait), false},
		{"waited, ms, p99", ms(percentile(waits, 99)), ms(maxWait), false},
		{"on show from the wanted instant, ms, p99", ms(percentile(away, 99)), ms(maxAway), false},
		{"on show from the wanted instant, ms, at most", ms(percentile(away, 100)), ms(maxAway), false},
	} {
		fmt.Println(b)
	}
	return nil
}

// A viewer sees each picture as soon as it has come, until the next one does.
type viewer struct {
	next frame.Handler

	mu   sync.Mutex
	pts  []time.Duration // of the pictures that came, none of which is reordered
	came []time.Time
}

// ServeStream passes the stream on.
func (v *viewer) ServeStream(ctx context.Context, s *frame.Stream) error {
	units := s.Units
	s.Units = func(yield func(frame.AccessUnit, error) bool) {
		for u, err := range units {
			v.mu.Lock()
			v.pts, v.came = append(v.pts, u.PTS), append(v.came, time.Now())
			v.mu.Unlock()
			if !yield(u, err) {
				return
			}
		}
	}
	return v.next.ServeStream(ctx, s)
}

// away returns how far from an instant a picture was on show; ok is false if it never was.
func (v *viewer) away(pts time.Duration, at time.Time) (away time.Duration, ok bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for i := len(v.pts) - 1; i >= 0; i-- {
		switch {
		case v.pts[i] != pts:
		case at.Before(v.came[i]):
			return v.came[i].Sub(at), true
		case i+1 < len(v.came) && at.After(v.came[i+1]):
			return at.Sub(v.came[i+1]), true
		default:
			return 0, true
		}
	}
	return 0, false
}
