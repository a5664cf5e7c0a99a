package rtmp_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"os/exec"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/rtmp"
)

// A Server takes a stream that ffmpeg publishes. A capture.Camera or a capture.Hub is such a Handler, too.
func ExampleServer() {
	ctx, stop := context.WithCancel(context.Background())
	server := rtmp.Server{Handler: frame.HandlerFunc(func(_ context.Context, s *frame.Stream) error {
		defer stop()
		if s.Query.Get("token") != "secret" {
			return errors.New("wrong token") // the encoder is told
		}
		units := 0
		for u, err := range s.Units {
			if err != nil {
				return err // the encoder did not leave, but was lost
			}
			if units++; units == 1 {
				fmt.Println(s.Name, u.Codec, "key unit:", u.Key)
			}
		}
		fmt.Println(units, "units")
		return nil
	})}
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0") // ListenAndServe does that for Server.Addr
	if err != nil {
		log.Fatal(err)
	}
	encoder := exec.CommandContext(context.Background(), "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=size=64x64:rate=10:duration=2",
		"-c:v", "libx264", "-pix_fmt", "yuv420p", "-g", "10", "-f", "flv", "rtmp://"+ln.Addr().String()+"/live/alice?token=secret")
	if err := encoder.Start(); err != nil {
		log.Fatal(err)
	}
	fmt.Println(server.Serve(ctx, ln))
	_ = encoder.Wait()

	// Output:
	// live/alice H.264 key unit: true
	// 20 units
	// context canceled
}

// OnPull hears why a stream is not there yet. With Client.Once, Run would return that.
func ExampleClient_Run() {
	ctx, cancel := context.WithCancel(context.Background())
	client := rtmp.Client{
		URL: "rtmp://127.0.0.1:1/live/cam?token=secret", // where nobody listens
		Handler: frame.HandlerFunc(func(_ context.Context, s *frame.Stream) error {
			for u, err := range s.Units {
				if err != nil {
					return err
				}
				fmt.Println(s.Name, u.Codec, u.PTS)
			}
			return nil
		}),
		Logger: slog.New(slog.DiscardHandler),
		OnPull: func(p frame.Pull) {
			fmt.Println(p.Err)
			cancel() // instead of waiting for p.Wait
		},
	}
	fmt.Println(client.Run(ctx))

	// Output:
	// rtmp: dial live/cam: dial tcp 127.0.0.1:1: connect: connection refused
	// context canceled
}
