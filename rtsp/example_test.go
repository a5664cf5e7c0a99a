package rtsp_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"os/exec"
	"strings"

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
			for u, err := range s.Units {
				if err != nil {
					return err
				}
				fmt.Println(s.Name, u.Codec, "key unit:", u.Key)
				break // one is enough: the encoder is hung up on
			}
			return nil
		}),
	}
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	const arguments = "-v quiet -re -f lavfi -i testsrc=size=64x64 -c:v libx264 -pix_fmt yuv420p -f rtsp -rtsp_transport tcp rtsp://alice:secret@"
	encoder := exec.CommandContext(ctx, "ffmpeg", strings.Fields(arguments+ln.Addr().String()+"/live/alice")...)
	if err := encoder.Start(); err != nil {
		log.Fatal(err)
	}
	_ = server.Serve(ctx, ln)
	_ = encoder.Wait()

	// Output: live/alice H.264 key unit: true
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
