// Wall pulls any number of RTSP cameras and keeps a contact sheet of them up to date: a grid of small pictures in one JPEG file, in the order
// of the arguments, with the time below each. A camera that has nothing to show is black. Wall prints a line whenever it has written the file.
//
//	go run ./examples/wall -out wall.jpg -every 2s rtsp://user:password@camera1/stream rtsps://camera2/stream
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/sheet"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/ffmpeg"
	"github.com/livestill/livestill/rtsp"
)

func main() {
	out := flag.String("out", "wall.jpg", "file for the contact sheet")
	every := flag.Duration("every", 2*time.Second, "time between two sheets")
	width := flag.Int("width", 320, "width of a camera's picture; its height is 9/16 of that")
	flag.Parse()
	if flag.NArg() == 0 || *width < 16 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	decoder := &ffmpeg.Decoder{} // one for all cameras, so that they share its places
	cameras := make([]*capture.Camera, flag.NArg())
	var running sync.WaitGroup
	for i := range cameras {
		cameras[i] = &capture.Camera{Decoder: decoder, Encoder: none{}}
		running.Go(func() {
			if err := (&rtsp.Client{URL: flag.Arg(i), Handler: cameras[i]}).Run(ctx); ctx.Err() == nil {
				log.Printf("camera %d is given up: %v", i+1, err)
			}
		})
	}
	for tick := time.NewTicker(*every); ctx.Err() == nil; {
		select {
		case <-tick.C:
			shown, err := refresh(ctx, cameras, *out, *width)
			fmt.Printf("%s  %s  %d of %d cameras, error: %v\n", time.Now().Format("15:04:05"), *out, shown, len(cameras), err)
		case <-ctx.Done():
		}
	}
	stop()
	running.Wait()
}

// none encodes nothing: only Still.Picture is wanted.
type none struct{}

func (none) Encode(context.Context, io.Writer, *frame.Picture) error { return nil }
func (none) Type() string                                            { return "" }

// refresh writes a sheet with the newest picture of each camera that has a fresh one, and returns how many have.
func refresh(ctx context.Context, cameras []*capture.Camera, path string, width int) (shown int, err error) {
	const fresh, captureTimeout = 10 * time.Second, 2 * time.Second // a camera that is away is not waited for
	capturing, cancel := context.WithTimeout(ctx, captureTimeout)
	defer cancel()
	tiles := make([]sheet.Tile, len(cameras))
	var all sync.WaitGroup
	for i, camera := range cameras {
		all.Go(func() {
			tiles[i].Label = fmt.Sprint("camera ", i+1)
			if still, err := camera.Capture(capturing, capture.Request{}); err == nil && still.Age < fresh {
				tiles[i].Picture = still.Picture
				tiles[i].Label += still.Time.Format("  15:04:05.000")
			}
		})
	}
	all.Wait()
	for _, tile := range tiles {
		if tile.Picture != nil {
			shown++
		}
	}
	p, err := sheet.Sheet{Width: width}.Draw(ctx, tiles...)
	if err != nil {
		return shown, err
	}
	var file bytes.Buffer
	err = errors.Join((&ffmpeg.JPEG{}).Encode(ctx, &file, p), os.WriteFile(path+".new", file.Bytes(), 0o644))
	return shown, errors.Join(err, os.Rename(path+".new", path)) // so that nobody sees half a file
}
