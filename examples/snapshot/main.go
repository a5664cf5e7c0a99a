// Snapshot pulls an RTSP stream, writes the newest picture to still.jpg, and ends.
//
//	go run ./examples/snapshot rtsp://user:password@camera/stream
package main

import (
	"context"
	"log"
	"os"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame/ffmpeg"
	"github.com/livestill/livestill/rtsp"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	ctx, stop := context.WithCancelCause(ctx)

	cam := &capture.Camera{Decoder: &ffmpeg.Decoder{}}
	client := &rtsp.Client{URL: os.Args[1], Handler: cam}
	go func() { stop(client.Run(ctx)) }() // a wrong password ends Run, and is the capture's error

	still, err := cam.Capture(ctx, capture.Request{})
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile("still.jpg", still.Data, 0o644); err != nil {
		log.Fatal(err)
	}
}
