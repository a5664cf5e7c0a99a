package rtmp_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/rtmp"
)

// TestClientTellsHowItFares pulls from a server that does not know the stream at first, then breaks off, and then goes on.
func TestClientTellsHowItFares(t *testing.T) {
	addr := fake(t, func(n int, p *player) {
		if _, ok := p.asked(); !ok {
			return
		}
		if n < 2 {
			p.tell("error", "NetStream.Play.StreamNotFound", "")
			return
		}
		p.start()
		p.media(10)
		if n > 2 {
			p.gone()
		}
	})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var told []string
	c := rtmp.Client{URL: "rtmp://" + addr + "/live/cam", Logger: slog.New(slog.DiscardHandler), Retry: time.Millisecond, MaxRetry: time.Millisecond,
		Handler: frame.HandlerFunc(func(_ context.Context, s *frame.Stream) error {
			for _, err := range s.Units {
				if err != nil {
					return err
				}
			}
			return nil
		}),
		OnPull: func(p frame.Pull) {
			if told = append(told, fmt.Sprintf("%v %d", p.State, p.Failures)); len(told) == 6 {
				cancel()
			}
			var e *rtmp.Error
			if p.Stream != "live/cam" || errors.As(p.Err, &e) == (p.State == frame.PullConnected) || (p.Wait > 0) != (p.State == frame.PullRetrying) {
				t.Errorf("%+v", p)
			}
		}}
	if err := c.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if got := strings.Join(told, ", "); got != "retrying 1, retrying 2, connected 0, lost 0, retrying 0, connected 0" {
		t.Errorf("told %s", got)
	}
}
