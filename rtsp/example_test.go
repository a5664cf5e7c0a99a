package rtsp_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"os/exec"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/rtsp"
)

// A Server takes a stream that ffmpeg publishes with a password. A capture.Camera or a capture.Hub is such a Handler, too.
func ExampleServer() {
	ctx, stop := context.WithCancel(context.Background())
	passwords := map[string]string{"alice": "secret"}
	server := rtsp.Server{
		Authenticate: func(_ context.Context, l *rtsp.Login) error {
			if !l.Knows(passwords[l.User]) {
				return rtsp.ErrUnauthorized // asks for credentials if there were none
			}
			return nil
		},
		Handler: frame.HandlerFunc(func(_ context.Context, s *frame.Stream) error {
			defer stop()
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
		}),
	}
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0") // ListenAndServe does that for Server.Addr
	if err != nil {
		log.Fatal(err)
	}
	encoder := exec.CommandContext(context.Background(), "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=size=64x64:rate=10:duration=2",
		"-c:v", "libx264", "-pix_fmt", "yuv420p", "-g", "10", "-f", "rtsp", "-rtsp_transport", "tcp",
		"rtsp://alice:secret@"+ln.Addr().String()+"/live/alice")
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

// Run returns what does not heal by itself. With Once it returns everything that ends the stream.
func ExampleClient_Run() {
	handler := frame.HandlerFunc(func(_ context.Context, s *frame.Stream) error {
		for u, err := range s.Units {
			if err != nil {
				return err
			}
			fmt.Println(s.Name, u.Codec, u.PTS)
		}
		return nil
	})
	client := rtsp.Client{URL: "rtsp://user:pass/word@camera/stream1", Handler: handler, Once: true}
	var cert *rtsp.CertificateError
	switch err := client.Run(context.Background()); {
	case errors.Is(err, rtsp.ErrUnauthorized):
		fmt.Println("another password, please:", err)
	case errors.As(err, &cert):
		fmt.Println("is that the camera's own certificate?", cert.Fingerprint)
	case errors.Is(err, rtsp.ErrURL):
		fmt.Println("a password with a slash has to be percent-encoded:", err)
	default:
		fmt.Println(err)
	}

	// Output:
	// a password with a slash has to be percent-encoded: rtsp: configure: not a URL of the form rtsp://[user:password@]host[:port]/path, or rtsps://
}
