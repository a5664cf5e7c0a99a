// Tap takes in RTMP publishers that show a token, and makes a still of a stream whenever somebody taps. Here a tap is an HTTP request: it
// says which stream, who asks, and how long ago that person saw the wanted picture. The answer is the picture. It is kept in a folder, too.
//
//	go run ./examples/tap -token secret
//	ffmpeg -re -i testdata/dog.mp4 -c copy -f flv 'rtmp://127.0.0.1:1935/live/alice?token=secret'
//	curl -o still.jpg 'http://127.0.0.1:8080/live/alice?by=bob&ago=1.5s'
package main

import (
	"cmp"
	"context"
	"crypto/subtle"
	"errors"
	"flag"
	"log"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/store"
	"github.com/livestill/livestill/enhance"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/ffmpeg"
	"github.com/livestill/livestill/rtmp"
)

func main() {
	publish := flag.String("rtmp", "127.0.0.1:1935", "address for publishers")
	addr := flag.String("http", "127.0.0.1:8080", "address for taps")
	token := flag.String("token", "", "what publishers have to show; required")
	out := flag.String("out", "stills", "folder for the stills")
	flag.Parse()
	if *token == "" {
		flag.Usage()
		os.Exit(2)
	}

	decoder := &ffmpeg.Decoder{} // one for all streams
	hub := &capture.Hub{NewCamera: func(s *frame.Stream) (*capture.Camera, error) {
		if subtle.ConstantTimeCompare([]byte(s.Query.Get("token")), []byte(*token)) == 0 {
			return nil, errors.New("wrong token") // the encoder is told, before it sends any media
		}
		return &capture.Camera{
			Policy:    capture.PolicyFunc(mayCapture),
			Decoder:   decoder,
			Enhancer:  enhance.Auto{}, // merges neighbours in time
			Moderator: capture.ModeratorFunc(looksFine),
			Encoder:   &ffmpeg.JPEG{},
			Store:     &store.Dir{Path: *out},
			Notifier:  capture.NotifierFunc(tell),
		}, nil
	}}

	ctx, interrupted := signal.NotifyContext(context.Background(), os.Interrupt)
	ctx, stop := context.WithCancelCause(ctx)
	taps := &http.Server{Addr: *addr, Handler: tap(hub), ReadHeaderTimeout: 5 * time.Second}
	var serving sync.WaitGroup
	serving.Go(func() { stop((&rtmp.Server{Addr: *publish, Handler: hub}).ListenAndServe(ctx)) })
	serving.Go(func() { stop(taps.ListenAndServe()) })
	<-ctx.Done()
	err := taps.Close()
	serving.Wait()
	interrupted()
	log.Print(errors.Join(context.Cause(ctx), err))
}

// tap answers requests like /live/alice?by=bob&ago=1.5s with a still.
func tap(hub *capture.Hub) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ago, err := time.ParseDuration(cmp.Or(r.FormValue("ago"), "0"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		still, err := hub.Capture(r.Context(), capture.Request{
			Stream: strings.TrimPrefix(r.URL.Path, "/"),
			By:     r.FormValue("by"), // who it is has to be proven, in a real program
			Moment: capture.Ago(ago),
		})
		switch {
		case err == nil:
			w.Header().Set("Content-Type", still.Type)
			_, _ = w.Write(still.Data) // whoever hangs up finds it in the folder
		case errors.Is(err, capture.ErrNotLive):
			http.Error(w, err.Error(), http.StatusNotFound)
		case errors.Is(err, capture.ErrDenied):
			http.Error(w, err.Error(), http.StatusForbidden)
		default:
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	}
}

func mayCapture(_ context.Context, r capture.Request) error {
	if r.By == "" {
		return capture.Deny("say who you are")
	}
	return nil
}

func looksFine(_ context.Context, _ capture.Request, p *frame.Picture) error {
	if capture.Rate(p).Black > 0.99 {
		return capture.Deny("there is nothing to see")
	}
	return nil
}

func tell(_ context.Context, e capture.Event) {
	if e.Err != nil {
		log.Print(e.Err)
		return
	}
	log.Printf("%s captured %s: %s, about %.0f dB", e.Request.By, e.Still.Stream, e.Still.Location, e.Still.Scores.PSNR)
}
