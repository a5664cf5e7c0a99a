package rtsp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/frametest"
	"github.com/livestill/livestill/internal/ingest/ingesttest"
	"github.com/livestill/livestill/rtsp"
)

// TestPublisherDies kills an ffmpeg in the middle of a GOP.
func TestPublisherDies(t *testing.T) {
	for _, transport := range []string{"tcp", "udp"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			const enough = 40
			kill, got := make(chan struct{}), make(chan error, 1)
			addr, _ := listen(t, &rtsp.Server{UDPAddr: "127.0.0.1:0", Handler: frame.HandlerFunc(func(_ context.Context, s *frame.Stream) error {
				n := 0
				for _, err := range s.Units {
					if err != nil {
						got <- err
						return err
					}
					if n++; n == enough {
						close(kill)
					}
				}
				got <- nil
				return nil
			})})
			p := frametest.Run(t, "-re", "-stream_loop", "-1", "-i", frametest.Clip{}.File(t), "-c", "copy", "-f", "rtsp", "-rtsp_transport", transport,
				"rtsp://"+addr+"/live/cam")
			<-kill
			p.Kill()
			var e *rtsp.Error
			if err := <-got; !errors.Is(err, io.ErrUnexpectedEOF) && !errors.As(err, new(*net.OpError)) || !errors.As(err, &e) ||
				e.Step != "receive" || e.Stream != "live/cam" || e.Remote == nil {
				t.Errorf("Units ended with %v", err)
			}
		})
	}
}

// TestSlowReader sends a Handler more than it takes: units are lost, and it is told; what it has is whole from key unit to key unit.
func TestSlowReader(t *testing.T) {
	units := frametest.Clip{Frames: 600}.Units(t)
	sent, got := make(chan struct{}), make(taker, 1)
	log := make(transcript, 10)
	addr, _ := listen(t, &rtsp.Server{Logger: textLogger(log), Handler: frame.HandlerFunc(func(ctx context.Context, s *frame.Stream) error {
		inner := s.Units
		s.Units = func(yield func(frame.AccessUnit, error) bool) {
			for u, err := range inner {
				<-sent
				if !yield(u, err) {
					return
				}
			}
		}
		return got.ServeStream(ctx, s)
	})})
	r := dial(t, addr, nil)
	r.record(t, describe(units))
	r.send(t, units...)
	r.want(t, base.StatusOK, "TEARDOWN", r.url, "", "")
	close(sent)
	taken := <-got
	lost := 0
	for _, u := range taken.units {
		if u.Lost {
			lost++
		}
	}
	// The Handler takes its first unit before the queue is full, or after: then a key unit finds room, and the queue is full again.
	if taken.err != nil || len(taken.units) < 200 || len(taken.units) > 300 || lost < 1 || lost > 2 || !taken.units[len(taken.units)-1].Lost {
		t.Errorf("%d units of %d, %d of them lost, then %v", len(taken.units), len(units), lost, taken.err)
	}
	log.await(t, fmt.Sprintf("too slow for %d units", len(units)-len(taken.units)))
}

// TestHandlerHangsUp leaves the publisher in the middle of its stream.
func TestHandlerHangsUp(t *testing.T) {
	units := small(t)
	log := make(transcript, 10)
	addr, _ := listen(t, &rtsp.Server{Logger: textLogger(log), Handler: frame.HandlerFunc(func(_ context.Context, s *frame.Stream) error {
		s.Units(func(frame.AccessUnit, error) bool { return false })
		for _, err := range s.Units {
			return err
		}
		return nil
	})})
	r := dial(t, addr, nil)
	r.record(t, describe(units))
	r.send(t, units[0])
	r.closed(t)
	log.await(t, "can be ranged over once")
}

// TestStop stops a server in each state that a connection may be in; goleak finds what it leaves.
func TestStop(t *testing.T) {
	units := small(t)
	asked := make(chan struct{}, 10)
	var ended atomic.Int32
	addr, stop := listen(t, &rtsp.Server{UDPAddr: "127.0.0.1:0", Handler: frame.HandlerFunc(func(ctx context.Context, s *frame.Stream) error {
		defer ended.Add(1)
		if s.Name == "undecided" {
			asked <- struct{}{}
			<-ctx.Done()
			return context.Cause(ctx)
		}
		for _, err := range s.Units {
			if err != nil {
				if !errors.Is(err, errStop) {
					t.Errorf("%s ended with %v", s.Name, err)
				}
				return err
			}
			asked <- struct{}{}
		}
		return nil
	})})
	dial(t, addr, nil)
	dial(t, addr, nil).want(t, base.StatusOK, "ANNOUNCE", "rtsp://"+addr+"/announced", "", describe(units))
	dial(t, addr, nil).record(t, describe(units))
	dial(t, addr, nil).overUDP(t, describe(units))
	live := dial(t, addr, nil)
	live.record(t, describe(units))
	live.send(t, units[0])
	<-asked
	undecided := dial(t, addr, nil)
	go func() { _, _ = undecided.request("ANNOUNCE", "rtsp://"+addr+"/undecided", "", describe(units)) }()
	<-asked
	stop()
	if n := ended.Load(); n != 5 {
		t.Errorf("%d Handlers have returned, of 5", n)
	}
}

func TestAcceptErrorsPass(t *testing.T) {
	ingesttest.TestAcceptErrorsPass(t, func(t *testing.T, ln net.Listener) (stop func()) {
		t.Helper()
		return run(t, &rtsp.Server{Handler: make(taker)}, ln)
	})
}

func TestListeningFails(t *testing.T) {
	closed := ingesttest.NewListener()
	_ = closed.Close()
	var wrapped *rtsp.Error
	err := (&rtsp.Server{Handler: make(taker)}).Serve(context.Background(), closed)
	if !errors.Is(err, net.ErrClosed) || !errors.As(err, &wrapped) || wrapped.Step != "accept" {
		t.Errorf("on a closed listener: %v", err)
	}
	for about, s := range map[string]*rtsp.Server{
		"no address":      {Handler: make(taker), Addr: "256.0.0.1:99999"},
		"no UDP address":  {Handler: make(taker), Addr: "127.0.0.1:0", UDPAddr: "127.0.0.1"},
		"an odd UDP port": {Handler: make(taker), Addr: "127.0.0.1:0", UDPAddr: "127.0.0.1:30001"},
		"no Handler":      {Addr: "127.0.0.1:0"},
	} {
		if err = s.ListenAndServe(context.Background()); !errors.As(err, &wrapped) || wrapped.Step != "listen" {
			t.Errorf("%s: %v", about, err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	for range 2 { // as a rule while it listens, and then before
		err = (&rtsp.Server{Handler: make(taker), Addr: "127.0.0.1:0"}).ListenAndServe(ctx)
		if !errors.Is(err, context.DeadlineExceeded) || errors.As(err, &wrapped) {
			t.Errorf("stopped by its context: %v", err)
		}
	}
}
