package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"os"
	"runtime"
	"testing"

	gortmp "github.com/yutopp/go-rtmp"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/ffmpeg"
	"github.com/livestill/livestill/frame/frametest"
	"github.com/livestill/livestill/rtmp"
)

// TestThousandPublishers has a thousand publishers come and go over RTMP, a few at a time, some of them cut off, some taken over, some hung up
// on. Each is captured, with hooks that work, panic or hang. Then file descriptors and bytes are as before. Goroutines are at the end of all
// tests.
func TestThousandPublishers(t *testing.T) {
	units := frametest.Clip{Frames: 12, GOP: 6}.Units(t)
	messages := messagesOf(units, 0, math.MaxUint32)
	crowd(t, messages, 50) // which makes what is made once
	fds, bytes := resources(t)
	crowd(t, messages, 1000)
	const lately = 32 << 20 // what the last captures have made is kept for a moment, for others to share; all together have made 80 MB
	if f, b := resources(t); f > fds || b > bytes+lately {
		t.Errorf("%d file descriptors, %d before; %d bytes, %d before", f, fds, b, bytes)
	}
}

// resources returns what is in use now; file descriptors on Linux.
func resources(t *testing.T) (fds int, bytes uint64) {
	t.Helper()
	if runtime.GOOS == "linux" {
		open, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		fds = len(open)
	}
	runtime.GC()
	runtime.GC() // for what finalizers let go of
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return fds, m.HeapAlloc
}

// crowd has n publishers come and go.
func crowd(t *testing.T, messages []timed, n int) {
	t.Helper()
	const atOnce = 8
	hangs := make(chan struct{})
	moderator := capture.ModeratorFunc(func(ctx context.Context, r capture.Request, _ *frame.Picture) error {
		switch r.By {
		case "panics":
			panic("a hook's")
		case "hangs":
			close(hangs)
			<-ctx.Done()
		}
		return nil
	})
	decoder := &ffmpeg.Decoder{}
	hub := &capture.Hub{TakeOver: true, Linger: -1, NewCamera: func(*frame.Stream) (*capture.Camera, error) {
		return &capture.Camera{Decoder: decoder, Moderator: moderator, Encoder: noFile{}}, nil
	}}
	came := make(chan string, n)
	hub.OnBegin = func(l capture.Live) { came <- l.Name }
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &rtmp.Server{Handler: hub, Logger: slog.New(slog.DiscardHandler), HandshakeTimeout: ample, PublishTimeout: ample, IdleTimeout: ample}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error)
	go func() { served <- server.Serve(ctx, ln) }()

	var publishing []*gortmp.ClientConn
	for i := range n {
		name := fmt.Sprint(i - i%4/3) // each fourth takes the one before over
		client, _ := publishOn(t, "rtmp://"+ln.Addr().String()+"/live/", name, messages)
		publishing = append(publishing, client)
		stream := <-came
		by := []string{"bob", "panics", "bob", "hangs", "bob"}[i%5]
		within, cancel := context.WithCancelCause(t.Context())
		if by == "hangs" {
			hangs = make(chan struct{})
			go func() {
				<-hangs
				cancel(errLeave)
			}()
		}
		_, err := hub.Capture(within, capture.Request{Stream: stream, By: by, Moment: capture.Keyframe()})
		cancel(nil)
		var failed *capture.Error
		if (by == "bob") != (err == nil) || by == "hangs" && !errors.Is(err, errLeave) || by == "panics" && (!errors.As(err, &failed) || failed.Step != capture.StepModerate) {
			t.Fatalf("publisher %d, captured by %s: %v", i, by, err)
		}
		if i%3 == 0 {
			_ = hub.Close(stream, errLeave)
		}
		if len(publishing) == atOnce || i == n-1 {
			for _, client := range publishing {
				_ = client.Close() // cuts it off
			}
			publishing = nil
		}
	}
	stop()
	if err := <-served; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if s := server.Stats(); s.Begun != int64(n) || s.Streams != 0 || s.Conns != 0 || len(hub.Live()) != 0 {
		t.Errorf("%+v, live: %v", s, hub.Live())
	}
}
