// Server takes in RTMP publishers and captures a still of each stream every few seconds, merged with its neighbours in time. When a stream ends
// it leaves a contact sheet beside the stills: the plain pictures on the left, the enhanced ones on the right.
//
//	go run ./examples/server -rtmp 127.0.0.1:1935 -out stills -every 2s
//	ffmpeg -re -i clip.mp4 -c copy -f flv rtmp://127.0.0.1:1935/live/clip
//
// With -isolated it decodes in processes of its own, so that no publisher can crash it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"image"
	"image/draw"
	"image/jpeg"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/store"
	"github.com/livestill/livestill/enhance"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/ffmpeg"
	"github.com/livestill/livestill/rtmp"
)

func main() {
	ffmpeg.Child() // decodes, and does not return, in the processes of -isolated
	addr := flag.String("rtmp", "127.0.0.1:1935", "address to accept publishers at")
	out := flag.String("out", "stills", "folder for the stills")
	every := flag.Duration("every", 2*time.Second, "time between two stills of a stream")
	isolated := flag.Bool("isolated", false, "decode in processes of its own, as is wise when strangers publish")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)

	s := &server{out: *out, every: *every, decoder: &ffmpeg.Decoder{}}
	if *isolated {
		s.decoder = &ffmpeg.Isolated{}
	}
	log.Printf("waiting for publishers at rtmp://%s/live/NAME", *addr)
	err := (&rtmp.Server{Addr: *addr, Handler: frame.HandlerFunc(s.serve)}).ListenAndServe(ctx)
	stop()
	if !errors.Is(err, context.Canceled) {
		log.Fatal(err)
	}
}

type server struct {
	out     string
	every   time.Duration
	decoder capture.Decoder // one for all streams, so that they share its places
}

// serve captures from one stream for as long as it lives.
func (s *server) serve(ctx context.Context, stream *frame.Stream) error {
	var sheet sheet
	cam := &capture.Camera{
		Decoder:  s.decoder,
		Enhancer: comparison{enhance.Auto{}, &sheet},
		Encoder:  &ffmpeg.JPEG{},
		Store:    &store.Dir{Path: s.out},
	}
	ctx, cancel := context.WithCancel(ctx)
	var capturing sync.WaitGroup
	capturing.Go(func() {
		for still, err := range cam.Every(ctx, s.every, capture.Request{}) {
			if err != nil {
				log.Print(err)
				continue
			}
			report(still)
		}
	})
	err := cam.ServeStream(ctx, stream)
	cancel()
	capturing.Wait()
	return errors.Join(err, sheet.write(filepath.Join(s.out, filepath.Base(stream.Name)+"-contact-sheet.jpg")))
}

// report prints a line about a still.
func report(s *capture.Still) {
	const clock = "15:04:05.000"
	var steps strings.Builder
	for _, step := range s.Steps {
		fmt.Fprintf(&steps, "  %s %.1f", step.Name, float64(step.Took.Microseconds())/1000)
	}
	size := s.Picture.Rect.Size()
	fmt.Printf("%s  wanted %s  delivered %s  %dx%d  %d KiB  ms:%s\n",
		s.Location, s.Wanted.Format(clock), s.Time.Format(clock), size.X, size.Y, len(s.Data)>>10, steps.String())
}

// A sheet collects pictures before and after they were enhanced.
type sheet struct{ rows [][2]*frame.Picture }

// A comparison is an Enhancer whose newest six pictures a sheet remembers.
type comparison struct {
	capture.Merger
	*sheet
}

func (c comparison) Enhance(ctx context.Context, b *frame.Burst) (*frame.Picture, error) {
	p, err := c.Merger.Enhance(ctx, b)
	if err == nil {
		c.rows = append(c.rows[max(0, len(c.rows)-5):], [2]*frame.Picture{b.Picture(), p})
	}
	return p, err
}

// write makes an image file of the middles of the pictures at their full resolution, a row for each.
func (s *sheet) write(path string) error {
	if len(s.rows) == 0 {
		return nil
	}
	const gap = 8
	tile := image.Pt(min(640, s.rows[0][0].Rect.Dx()), min(360, s.rows[0][0].Rect.Dy()))
	img := image.NewRGBA(image.Rect(0, 0, 2*tile.X+gap, len(s.rows)*(tile.Y+gap)-gap))
	for y, row := range s.rows {
		for x, p := range row {
			at := image.Pt(x*(tile.X+gap), y*(tile.Y+gap))
			middle := p.Rect.Min.Add(p.Rect.Size().Sub(tile).Div(2))
			draw.Draw(img, image.Rectangle{at, at.Add(tile)}, p.YCbCr, middle, draw.Src)
		}
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	err = errors.Join(jpeg.Encode(file, img, &jpeg.Options{Quality: 95}), file.Close())
	if err == nil {
		fmt.Printf("%s  plain on the left, enhanced on the right\n", path)
	}
	return err
}
