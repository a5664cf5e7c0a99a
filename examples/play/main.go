// Play plays an MP4 file in real time, as if it were live, and writes a still of what is shown after a while.
//
//	go run ./examples/play -after 2s testdata/dog.mp4
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/feed"
	"github.com/livestill/livestill/frame/ffmpeg"
)

func main() {
	after := flag.Duration("after", 2*time.Second, "when to capture")
	out := flag.String("out", "still.jpg", "file for the still")
	flag.Parse()
	file, err := os.Open(flag.Arg(0))
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := context.WithCancelCause(context.Background())
	cam := &capture.Camera{Decoder: &ffmpeg.Decoder{}}
	stream := &frame.Stream{Name: flag.Arg(0), Units: feed.Play(ctx, feed.ReadMP4(file))}
	go func() { stop(errors.Join(cam.ServeStream(ctx, stream), errors.New("the file has ended"))) }()

	still, err := cam.Capture(ctx, capture.Request{Moment: capture.At(time.Now().Add(*after))})
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(*out, still.Data, 0o644); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s  shows %v of the file\n", *out, still.PTS)
}
