package rtsp_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/pion/rtcp"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/rtsp"
)

// feedback calls heard with each packet of RTCP that a Client sends, until its connection ends.
func (r *raw) feedback(t *testing.T, heard func([]rtcp.Packet)) {
	t.Helper()
	for {
		head, err := r.in.Peek(1)
		if err != nil {
			return
		}
		if head[0] != '$' {
			var req base.Request
			if req.Unmarshal(r.in) != nil {
				return
			}
			continue
		}
		var f base.InterleavedFrame
		if f.Unmarshal(r.in) != nil {
			return
		}
		packets, err := rtcp.Unmarshal(f.Payload)
		if err != nil || f.Channel != 1 {
			t.Errorf("on channel %d: %v", f.Channel, err)
		}
		heard(packets)
	}
}

// TestClientAsksForKeyPictures pulls from cameras that send a key picture when they are asked for one, and not before. Those that do not say so are not
// asked.
func TestClientAsksForKeyPictures(t *testing.T) {
	units := small(t)
	for _, test := range []struct {
		line  string // of the description
		asked bool
	}{
		{"a=rtcp-fb:* nack pli\r\n", true},
		{"a=rtcp-fb:96 nack pli\r\n", true},
		{"a=rtcp-fb:96 nack\r\na=rtcp-fb:96  nack  pli\r\n", true},
		{"a=rtcp-fb:97 nack pli\r\n", false},
		{"a=rtcp-fb:96 nack\r\n", false},
		{"a=rtcp-fb:96 ccm fir\r\n", false},
		{"a=rtcp-fb:\r\n", false},
		{"", false},
	} {
		synctest.Test(t, func(t *testing.T) {
			const most = 3500 * time.Millisecond
			begun := time.Now()
			var client rtsp.Client
			asked := make(chan time.Duration, 100)
			run := alone(describe(units)+test.line, func(r *raw) {
				var hearing sync.WaitGroup
				defer hearing.Wait()
				hearing.Go(func() {
					r.feedback(t, func(packets []rtcp.Packet) {
						for _, p := range packets {
							if pli, ok := p.(*rtcp.PictureLossIndication); ok && pli.MediaSSRC == 1 {
								asked <- time.Since(begun)
							}
						}
					})
				})
				for time.Since(begun) < most {
					if r.pour(t, units[1]); len(asked) > 0 {
						r.pour(t, units...)
					}
					<-time.After(100 * time.Millisecond)
				}
			}).inMemory(t, &client)
			client.Transport = rtsp.TCP
			can := false
			client.Handler = frame.HandlerFunc(func(ctx context.Context, s *frame.Stream) error {
				if can = s.RequestKey != nil; !can {
					return nil
				}
				s.RequestKey() // nothing has come yet
				var asking sync.WaitGroup
				defer asking.Wait()
				asking.Go(func() {
					for time.Since(begun) < most && ctx.Err() == nil {
						<-time.After(50 * time.Millisecond)
						s.RequestKey()
					}
				})
				for u, err := range s.Units {
					if err != nil || !u.Key || time.Since(begun) > time.Second {
						t.Errorf("%q: the first unit, after %v: %v, %v", test.line, time.Since(begun), u, err)
					}
					break
				}
				return nil
			})
			if err := run(t.Context()); err != nil || can != test.asked {
				t.Errorf("%q: asked for key pictures: %v, want %v; %v", test.line, can, test.asked, err)
			}
			n, last := 0, -time.Hour
			for ; len(asked) > 0; n++ {
				at := <-asked
				if at-last < time.Second {
					t.Errorf("%q: asked after %v, and again after %v", test.line, last, at)
				}
				last = at
			}
			if test.asked != (n > 2) {
				t.Errorf("%q: asked %d times", test.line, n)
			}
		})
	}
}
