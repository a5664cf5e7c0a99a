// Wall pulls any number of RTSP cameras and keeps a contact sheet of them up to date: a grid of small pictures in one JPEG file, in the order
// of the arguments. A camera that has nothing to show is black. Wall prints a line whenever it has written the file.
//
//	go run ./examples/wall -out wall.jpg -every 2s rtsp://user:password@camera1/stream rtsps://camera2/stream
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"io"
	"log"
	"math"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/livestill/livestill/capture"
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
			shown, err := refresh(ctx, cameras, *out, image.Pt(*width, *width*9/16))
			fmt.Printf("%s  %s  %d of %d cameras, error: %v\n", time.Now().Format("15:04:05"), *out, shown, len(cameras), err)
		case <-ctx.Done():
		}
	}
	stop()
	running.Wait()
}

// none encodes nothing: only Still.Picture is wanted.
type none struct{}

func (none) Encode(io.Writer, *frame.Picture) error { return nil }
func (none) Type() string                           { return "" }

// refresh writes a sheet with the newest picture of each camera that has a fresh one, and returns how many have.
func refresh(ctx context.Context, cameras []*capture.Camera, path string, cell image.Point) (shown int, err error) {
	const fresh, captureTimeout = 10 * time.Second, 2 * time.Second // a camera that is away is not waited for
	columns := int(math.Ceil(math.Sqrt(float64(len(cameras)))))
	sheet := image.NewRGBA(image.Rect(0, 0, columns*cell.X, (len(cameras)+columns-1)/columns*cell.Y))
	draw.Draw(sheet, sheet.Rect, image.Black, image.Point{}, draw.Src)
	ctx, cancel := context.WithTimeout(ctx, captureTimeout)
	defer cancel()
	pictures := make([]*frame.Picture, len(cameras))
	var capturing sync.WaitGroup
	for i, camera := range cameras {
		capturing.Go(func() {
			if still, err := camera.Capture(ctx, capture.Request{}); err == nil && still.Age < fresh {
				pictures[i] = still.Picture
			}
		})
	}
	capturing.Wait()
	for i, p := range pictures {
		if p != nil {
			shown++
			scale(sheet, image.Pt(i%columns*cell.X, i/columns*cell.Y), cell, p)
		}
	}
	var file bytes.Buffer
	err = errors.Join(jpeg.Encode(&file, sheet, nil), os.WriteFile(path+".new", file.Bytes(), 0o644))
	return shown, errors.Join(err, os.Rename(path+".new", path)) // so that nobody sees half a file
}

// scale draws p into a cell of the sheet, as large as fits, each pixel the mean of those that it stands for.
func scale(sheet *image.RGBA, at, cell image.Point, p *frame.Picture) {
	step := max(float64(p.Rect.Dx())/float64(cell.X), float64(p.Rect.Dy())/float64(cell.Y))
	fit := image.Pt(int(float64(p.Rect.Dx())/step), int(float64(p.Rect.Dy())/step))
	at = at.Add(cell.Sub(fit).Div(2))
	for y := range fit.Y {
		for x := range fit.X {
			from := p.Rect.Min.Add(image.Pt(int(float64(x)*step), int(float64(y)*step)))
			var r, g, b, n int
			for dy := range max(1, int(step)) {
				for dx := range max(1, int(step)) {
					c := p.YCbCrAt(from.X+dx, from.Y+dy)
					red, green, blue := color.YCbCrToRGB(c.Y, c.Cb, c.Cr)
					r, g, b, n = r+int(red), g+int(green), b+int(blue), n+1
				}
			}
			sheet.SetRGBA(at.X+x, at.Y+y, color.RGBA{uint8(r / n), uint8(g / n), uint8(b / n), 255})
		}
	}
}
