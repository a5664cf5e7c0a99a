// Snapshot pulls an RTSP stream, writes the first picture to still.jpg, and ends. If there is none, it says why.
//
//	go run ./examples/snapshot rtsp://user:password@camera/stream
package main

import (
	"context"
	"log"
	"os"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame/ffmpeg"
	"github.com/livestill/livestill/rtsp"
)

func main() {
	ctx, stop := context.WithCancelCause(context.Background())
	cam := &capture.Camera{Decoder: &ffmpeg.Decoder{}}
	client := &rtsp.Client{URL: os.Args[1], Handler: cam, Once: true}
	go func() { stop(client.Run(ctx)) }() // Capture returns what ends the stream

	still, err := cam.Capture(ctx, capture.Request{})
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile("still.jpg", still.Data, 0o644); err != nil {
		log.Fatal(err)
	}
}
