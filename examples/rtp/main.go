// Rtp takes in H.264 that comes in RTP packets over UDP, with no RTSP around it, and writes the newest picture to still.jpg each second.
//
//	go run ./examples/rtp 127.0.0.1:5004
//	ffmpeg -re -stream_loop -1 -i testdata/dog.mp4 -an -c copy -bsf:v h264_mp4toannexb -f rtp rtp://127.0.0.1:5004
package main

import (
	"context"
	"errors"
	"log"
	"net"
	"os"
	"os/signal"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/feed"
	"github.com/livestill/livestill/frame/ffmpeg"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	conn, err := new(net.ListenConfig).ListenPacket(ctx, "udp", os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	cam := &capture.Camera{Decoder: &ffmpeg.Decoder{}}
	go save(ctx, cam)
	context.AfterFunc(ctx, func() { _ = conn.Close() })
	rtp := &feed.RTP{Codec: frame.H264}
	log.Print(cam.ServeStream(ctx, &frame.Stream{Name: os.Args[1], Units: units(conn, rtp), Lacks: rtp.Lacks}))
	stop()
}

// units yields what comes in.
func units(conn net.PacketConn, rtp *feed.RTP) func(yield func(frame.AccessUnit, error) bool) {
	return func(yield func(frame.AccessUnit, error) bool) {
		packet := make([]byte, 64<<10)
		for {
			n, _, err := conn.ReadFrom(packet)
			var units []frame.AccessUnit
			if err == nil {
				units, err = rtp.Packet(packet[:n])
			}
			for _, u := range units {
				if !yield(u, nil) {
					return
				}
			}
			if err != nil && !errors.Is(err, feed.ErrPacket) { // anybody can send anything here
				yield(frame.AccessUnit{}, err)
				return
			}
		}
	}
}

// save captures each second, until ctx ends.
func save(ctx context.Context, cam *capture.Camera) {
	for tick := time.Tick(time.Second); ctx.Err() == nil; <-tick {
		still, err := cam.Capture(ctx, capture.Request{})
		if err == nil {
			err = os.WriteFile("still.jpg", still.Data, 0o644)
		}
		log.Print("still.jpg: ", err)
	}
}
