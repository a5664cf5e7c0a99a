//go:build unix

package rtsp_test

import (
	"context"
	"errors"
	"syscall"
	"testing"

	"github.com/livestill/livestill/frame/frametest"
	"github.com/livestill/livestill/internal/ingest/ingesttest"
	"github.com/livestill/livestill/rtsp"
)

// TestClosePublisher hangs up on an ffmpeg that goes on, or is frozen. When it goes on, it finds its connection closed: it would publish for ever.
func TestClosePublisher(t *testing.T) {
	for _, transport := range []string{"tcp", "udp"} {
		for _, frozen := range []bool{false, true} {
			closing := ingesttest.NewClosing()
			server := &rtsp.Server{Handler: closing, UDPAddr: "127.0.0.1:0"}
			addr, stop := listen(t, server)
			p := frametest.Run(t, "-re", "-stream_loop", "-1", "-i", frametest.Clip{Frames: 30}.File(t), "-c:v", "copy", "-f", "rtsp",
				"-rtsp_transport", transport, "rtsp://"+addr+"/live/alice")
			closing.Close(t, func() { signal(t, p, frozen, syscall.SIGSTOP) })
			signal(t, p, frozen, syscall.SIGCONT)
			if out, err := p.Wait(); err == nil {
				t.Errorf("%s, frozen %v: the publisher has not noticed: %s", transport, frozen, out)
			}
			stop()
			if got := server.Stats(); got.Conns != 0 || got.Streams != 0 || got.Begun != 1 || got.Failed != 1 || got.Accepted != 1 {
				t.Errorf("%+v", got)
			}
		}
	}
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

// TestClosePull hangs up on a camera that has fallen silent: that ends Run.
func TestClosePull(t *testing.T) {
	closing, silent, units := ingesttest.NewClosing(), make(chan struct{}), small(t)
	url := alone(describe(units), func(r *raw) {
		r.pour(t, units...)
		close(silent)
		r.deafen()
	}).start(t)
	c := &rtsp.Client{URL: url, Handler: closing, Timeout: ample, Transport: rtsp.TCP}
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
