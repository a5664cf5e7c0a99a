//go:build unix

package rtmp_test

import (
	"context"
	"errors"
	"syscall"
	"testing"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/frametest"
	"github.com/livestill/livestill/internal/ingest/ingesttest"
	"github.com/livestill/livestill/rtmp"
)

// TestClosePublisher hangs up on an ffmpeg that goes on, or is frozen. When it goes on, it finds its connection closed: it would publish for ever.
func TestClosePublisher(t *testing.T) {
	for _, frozen := range []bool{false, true} {
		closing := ingesttest.NewClosing()
		server := &rtmp.Server{Handler: closing}
		addr, stop := start(t, server)
		p := frametest.Clip{Frames: 30}.Loop(t, "rtmp://"+addr+"/live/alice")
		closing.Close(t, func() { signal(t, p, frozen, syscall.SIGSTOP) })
		signal(t, p, frozen, syscall.SIGCONT)
		if out, err := p.Wait(); err == nil {
			t.Errorf("frozen %v: the publisher has not noticed: %s", frozen, out)
		}
		stop()
		if got := server.Stats(); got.Conns != 0 || got.Streams != 0 || got.Begun != 1 || got.Failed != 1 || got.Accepted != 1 {
			t.Errorf("%+v", got)
		}
	}
}

// TestCloseWhileItEnds hangs up, for no reason in particular, while the Handler returns.
func TestCloseWhileItEnds(t *testing.T) {
	ended, crowd := make(chan error, 1), "crowd"
	server := &rtmp.Server{Handler: frame.HandlerFunc(func(_ context.Context, s *frame.Stream) error {
		for _, err := range s.Units {
			if err != nil {
				ended <- err
				return err
			}
			go s.Close(nil)
			if s.Key == crowd {
				break
			}
		}
		return nil
	})}
	addr, stop := start(t, server)
	publish := func(key string) *client {
		c := dial(t, addr)
		c.publish(key)
		c.write(4, rtmp.Message{Kind: video, Stream: 1, Body: picture(true, 100)})
		_ = c.send()
		return c
	}
	for range 500 {
		publish(crowd).closed()
	}
	c := publish("alone")
	if code, text := c.status(); code != "NetStream.Publish.Failed" || text != context.Canceled.Error() {
		t.Error(code, text)
	}
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("ended by %v", err)
	}
	c.closed()
	stop()
}

func signal(t *testing.T, p *frametest.Publisher, really bool, s syscall.Signal) {
	t.Helper()
	if !really {
		return
	}
	if err := p.Process().Signal(s); err != nil {
		t.Error(err)
	}
}

// TestClosePull hangs up on a server that has fallen silent: that ends Run.
func TestClosePull(t *testing.T) {
	closing := ingesttest.NewClosing()
	silent := make(chan struct{})
	addr := fake(t, func(_ int, p *player) {
		if _, ok := p.asked(); ok {
			p.start()
			p.media(10)
			close(silent)
			p.gone()
		}
	})
	c := &rtmp.Client{URL: "rtmp://" + addr + "/live/cam", Handler: closing, Timeout: ample}
	ended := make(chan error, 1)
	go func() { ended <- c.Run(context.Background()) }()
	closing.Close(t, func() { <-silent })
	if err := <-ended; !errors.Is(err, ingesttest.ErrEnough) {
		t.Errorf("Run: %v", err)
	}
	if got := c.Stats(); got.Live || got.Attempts != 1 || got.Begun != 1 || got.Failures != 0 {
		t.Errorf("%+v", got)
	}
}
