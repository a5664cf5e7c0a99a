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
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/sheet"
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
	var compared tiles
	cam := &capture.Camera{
		Decoder:  s.decoder,
		Enhancer: comparison{enhance.Auto{}, &compared},
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
	return errors.Join(err, compared.write(context.WithoutCancel(ctx), filepath.Join(s.out, filepath.Base(stream.Name)+"-contact-sheet.jpg")))
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

// A comparison is an Enhancer that keeps its newest six pictures for a contact sheet, before and after, at their full resolution.
type comparison struct {
	capture.Merger
	*tiles
}

type tiles []sheet.Tile

func (c comparison) Enhance(ctx context.Context, b *frame.Burst) (*frame.Picture, error) {
	p, err := c.Merger.Enhance(ctx, b)
	if err == nil {
		shown := p.Time.Format("15:04:05.000")
		all := append(*c.tiles, sheet.Tile{Picture: middle(b.Picture()), Label: shown + "  plain"}, sheet.Tile{Picture: middle(p), Label: shown + "  enhanced"})
		*c.tiles = all[max(0, len(all)-2*6):]
	}
	return p, err
}

const tileWidth, tileHeight = 640, 360

// middle returns the middle of a picture.
func middle(p *frame.Picture) *frame.Picture {
	part := *p
	from := p.Rect.Min.Add(p.Rect.Size().Sub(image.Pt(tileWidth, tileHeight)).Div(2))
	part.YCbCr = p.SubImage(image.Rectangle{Min: from, Max: from.Add(image.Pt(tileWidth, tileHeight))}).(*image.YCbCr)
	return &part
}

// write makes an image file of them.
func (t tiles) write(ctx context.Context, path string) error {
	if len(t) == 0 {
		return nil
	}
	p, err := sheet.Sheet{Columns: 2, Width: tileWidth, Height: tileHeight}.Draw(ctx, t...)
	if err != nil {
		return err
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	err = errors.Join((&ffmpeg.JPEG{Quality: 95}).Encode(ctx, file, p), file.Close())
	if err == nil {
		fmt.Printf("%s  plain on the left, enhanced on the right\n", path)
	}
	return err
}
