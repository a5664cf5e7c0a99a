package e2e_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/pion/rtcp"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/frametest"
	"github.com/livestill/livestill/internal/bitstream"
	"github.com/livestill/livestill/rtsp"
)

var errLeave = errors.New("the test stops its client")

// An ipCamera is an RTSP server that plays a clip, a picture every thirtieth of a second, to whoever is there.
type ipCamera struct {
	gortsplib.Server
	stream atomic.Pointer[gortsplib.ServerStream] // nil until it is up
}

func (c *ipCamera) answer() (*base.Response, *gortsplib.ServerStream, error) {
	if s := c.stream.Load(); s != nil {
		return &base.Response{StatusCode: base.StatusOK}, s, nil
	}
	return &base.Response{StatusCode: base.StatusNotFound}, nil, nil
}

func (c *ipCamera) OnDescribe(*gortsplib.ServerHandlerOnDescribeCtx) (*base.Response, *gortsplib.ServerStream, error) {
	return c.answer()
}

func (c *ipCamera) OnSetup(*gortsplib.ServerHandlerOnSetupCtx) (*base.Response, *gortsplib.ServerStream, error) {
	return c.answer()
}

func (c *ipCamera) OnPlay(*gortsplib.ServerHandlerOnPlayCtx) (*base.Response, error) {
	res, _, err := c.answer()
	return res, err
}

// play plays the units at addr over and over until ctx is done. It reports its time, by a clock that is ahead, from unit number told on.
func (c *ipCamera) play(ctx context.Context, t *testing.T, addr string, units []frame.AccessUnit, ahead time.Duration, told int) {
	t.Helper()
	video := &format.H264{PayloadTyp: 96, PacketizationMode: 1}
	media := &description.Media{Type: description.MediaTypeVideo, Formats: []format.Format{video}}
	c.Handler, c.RTSPAddress, c.DisableRTCPSenderReports = c, addr, true
	c.ReadTimeout, c.WriteTimeout, c.WriteQueueSize = ample, ample, 8192 // packets: a busy machine drops none
	if err := c.Start(); err != nil {
		t.Error(err)
		return
	}
	defer c.Close()
	stream := &gortsplib.ServerStream{Server: &c.Server, Desc: &description.Session{Medias: []*description.Media{media}}}
	encoder, err := video.CreateEncoder()
	if err := errors.Join(err, stream.Initialize()); err != nil {
		t.Error(err)
		return
	}
	defer stream.Close()
	c.stream.Store(stream)
	begun := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for n := 0; ctx.Err() == nil; n++ {
		due := begun.Add(time.Duration(n) * time.Second / 30)
		timer.Reset(time.Until(due))
		<-timer.C
		packets, err := encoder.Encode(bitstream.SplitAnnexB(nil, units[n%len(units)].Data))
		if err != nil {
			t.Error(err)
			return
		}
		for _, p := range packets {
			p.Timestamp = uint32(n * 3000)
			_ = stream.WritePacketRTP(media, p)
		}
		if n >= told && n%10 == 0 {
			now := due.Add(ahead)
			_ = stream.WritePacketRTCP(media, &rtcp.SenderReport{SSRC: packets[0].SSRC, RTPTime: packets[0].Timestamp,
				NTPTime: uint64(now.Unix()+2208988800)<<32 | uint64(now.Nanosecond())<<32/uint64(time.Second)})
		}
	}
}

// TestHistoryOutlastsAReconnect pulls from a camera with a clock that is a minute ahead, which goes away for a moment. What was on show
// before can be captured after, and times never step back, though at first the camera does not tell its clock again.
func TestHistoryOutlastsAReconnect(t *testing.T) {
	units := frametest.Clip{}.Units(t)
	addr := frametest.FreeAddr(t)
	cam := camera()
	pulls := make(chan frame.Pull, 100)
	client := rtsp.Client{URL: "rtsp://" + addr + "/cam", Handler: cam, Transport: rtsp.TCP, Timeout: ample, OnPull: func(p frame.Pull) { pulls <- p },
		Retry: 10 * time.Millisecond, MaxRetry: 50 * time.Millisecond, Logger: slog.New(slog.DiscardHandler)}
	ctx, stop := context.WithCancelCause(context.Background())
	done := make(chan error)
	go func() { done <- client.Run(ctx) }()
	defer func() {
		stop(errLeave)
		if err := <-done; !errors.Is(err, errLeave) {
			t.Error(err)
		}
	}()
	await := func(state frame.PullState) {
		for p := range pulls {
			if p.State == state {
				return
			}
		}
	}
	// remembered returns the units that the camera remembers, once there are n.
	remembered := func(n int) (units []frame.AccessUnit) {
		for {
			changed := cam.History.Changed()
			units = units[:0]
			for _, g := range cam.History.GOPs() {
				units = append(units, g...)
			}
			if len(units) >= n {
				return units
			}
			<-changed
		}
	}
	serve := func(told int) (leave func()) {
		ctx, cancel := context.WithCancel(context.Background())
		gone := make(chan struct{})
		go func() {
			defer close(gone)
			new(ipCamera).play(ctx, t, addr, units, time.Minute, told)
		}()
		return func() { cancel(); <-gone }
	}
	leave := serve(0)
	await(frame.PullConnected)
	before := remembered(70)
	leave()
	await(frame.PullLost)
	leave = serve(40)
	defer func() { leave() }()
	await(frame.PullConnected)
	after := remembered(len(before) + 80)

	for i, u := range after {
		if i > 0 && !u.Time.After(after[i-1].Time) {
			t.Errorf("unit %d of %d goes back by %v", i, len(after), after[i-1].Time.Sub(u.Time))
		}
		if early := time.Until(u.Shown()); early > time.Minute/2 || i > 40 && (u.Offset-time.Minute).Abs() > time.Minute/2 {
			t.Errorf("unit %d of %d is shown in %v by our clock, which is %v off", i, len(after), early, u.Offset)
		}
	}
	first := slices.IndexFunc(units, func(u frame.AccessUnit) bool { return bytes.Equal(u.Data, before[0].Data) })
	const gone = 30 // units until it was gone: a capture of a time ago may be that late
	for i := 0; i < len(before)-gone; i += 15 {
		u := before[i]
		for _, moment := range []func() capture.Moment{
			func() capture.Moment { return capture.At(u.Time) },
			func() capture.Moment { return capture.Ago(time.Since(u.Shown())) },
		} {
			m := moment()
			still, err := cam.Capture(t.Context(), capture.Request{Moment: m})
			if err != nil {
				t.Fatal(err)
			}
			late := still.Wanted.Sub(still.Time)
			if got, want := number(t, still), (first+frameOf(still.PTS, before[0].PTS))%len(units); got != want || still.Instead != nil ||
				late < 0 || late > time.Second/25 || still.Time.After(before[len(before)-1].Time) {
				t.Errorf("%v: frame %d of %v before it, want %d; %v", m, got, late, want, still.Instead)
			}
		}
	}
}
