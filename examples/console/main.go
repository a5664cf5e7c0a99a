// Console takes in RTMP publishers by their stream keys, pulls cameras for as long as somebody asks for them, and shows and steers all of it
// over HTTP. Whoever may use it has to be settled in a real program. The stills are in the folder stills.
//
//	go run ./examples/console -keys s3cret=alice -source rtsp://127.0.0.1:8554/
//	ffmpeg -re -i testdata/dog.mp4 -c copy -f flv rtmp://127.0.0.1:1935/live/s3cret
//	curl http://127.0.0.1:8080/streams                                what is live, and what it costs
//	curl -X POST 'http://127.0.0.1:8080/streams/alice?by=bob&moment=ago:1.5s&label=show:7'
//	curl -X POST 'http://127.0.0.1:8080/streams/door?by=bob'          pulls rtsp://127.0.0.1:8554/door
//	curl -X DELETE 'http://127.0.0.1:8080/streams/alice?why=enough'   hangs up on the publisher
//	curl http://127.0.0.1:8080/stills                                 what was captured
//	curl -G -o still.jpg http://127.0.0.1:8080/still -d at=LOCATION
package main

import (
	"context"
	"encoding/json"
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
	"github.com/livestill/livestill/rtsp"
)

func main() {
	publish := flag.String("rtmp", "127.0.0.1:1935", "address for publishers")
	addr := flag.String("http", "127.0.0.1:8080", "address for the console")
	keys := flag.String("keys", "", "stream keys and whose they are: s3cret=alice,...")
	source := flag.String("source", "", "RTSP server of the streams that nobody publishes; empty means none")
	flag.Parse()
	names := make(map[string]string) // by key
	for pair := range strings.SplitSeq(*keys, ",") {
		if key, name, ok := strings.Cut(pair, "="); ok && key != "" {
			names[key] = name
		}
	}
	stills := &store.Dir{Path: "stills", Keep: store.Keep{Count: 1000}, Template: "{stream}/{date}_{time}_{id}"}
	decoder := &ffmpeg.Decoder{}
	hub := &capture.Hub{
		TakeOver: true,
		Name: func(s *frame.Stream) (string, error) {
			if name := names[s.Key]; name != "" {
				return name, nil
			}
			return "", errors.New("unknown stream key")
		},
		NewCamera: func(*frame.Stream) (*capture.Camera, error) {
			return &capture.Camera{Decoder: decoder, Enhancer: enhance.Auto{}, Encoder: &ffmpeg.JPEG{}, Store: stills}, nil
		},
		Policy: capture.PolicyFunc(func(_ context.Context, r capture.Request) error {
			if r.By == "" {
				return capture.Deny("Please say who you are.")
			}
			return nil
		}),
		OnBegin: func(l capture.Live) { log.Printf("%s begins, from %v", l.Name, l.Remote) },
		OnEnd:   func(l capture.Live, err error) { log.Printf("%s has ended after %d units: %v", l.Name, l.Units, err) },
	}
	if *source != "" {
		hub.Source = func(stream string) (capture.Runner, error) {
			return &rtsp.Client{URL: *source + stream, Handler: hub, Once: true}, nil
		}
	}
	server := &rtmp.Server{Addr: *publish, Handler: hub}
	web := http.NewServeMux()
	web.HandleFunc("GET /streams", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]any{"live": hub.Live(), "costs": hub.Stats(), "server": server.Stats(), "store": stills.Stats()})
	})
	web.HandleFunc("POST /streams/{name...}", func(w http.ResponseWriter, r *http.Request) { take(hub, w, r) })
	web.HandleFunc("DELETE /streams/{name...}", func(w http.ResponseWriter, r *http.Request) {
		if err := hub.Close(r.PathValue("name"), errors.New("closed: "+r.FormValue("why"))); err != nil {
			answer(w, http.StatusNotFound, err.Error())
		}
	})
	web.HandleFunc("GET /stills", func(w http.ResponseWriter, r *http.Request) {
		all := []capture.Stored{}
		for stored, err := range stills.List(r.Context(), capture.Selection{Stream: r.FormValue("stream")}) {
			if err != nil {
				answer(w, http.StatusInternalServerError, err.Error())
				return
			}
			all = append(all, stored)
		}
		answer(w, http.StatusOK, all)
	})
	web.HandleFunc("GET /still", func(w http.ResponseWriter, r *http.Request) {
		opened, err := stills.Open(r.Context(), r.FormValue("at"))
		if err != nil {
			answer(w, http.StatusNotFound, err.Error())
			return
		}
		defer func() { _ = opened.Close() }()
		w.Header().Set("Content-Type", opened.Still.Type)
		http.ServeContent(w, r, "", opened.Modified, opened)
	})
	ctx, interrupted := signal.NotifyContext(context.Background(), os.Interrupt)
	defer interrupted()
	ctx, stop := context.WithCancelCause(ctx)
	console := &http.Server{Addr: *addr, Handler: web, ReadHeaderTimeout: 5 * time.Second}
	var serving sync.WaitGroup
	serving.Go(func() { stop(server.ListenAndServe(ctx)) })
	serving.Go(func() { stop(hub.Run(ctx)) })
	serving.Go(func() { stop(console.ListenAndServe()) })
	<-ctx.Done()
	log.Print(errors.Join(context.Cause(ctx), console.Close()))
	serving.Wait()
}

// take captures as a request asks.
func take(hub *capture.Hub, w http.ResponseWriter, r *http.Request) {
	want := capture.Request{Stream: r.PathValue("name"), By: r.FormValue("by"), Labels: make(map[string]string)}
	for _, label := range r.Form["label"] {
		name, value, _ := strings.Cut(label, ":")
		want.Labels[name] = value
	}
	if err := want.Moment.UnmarshalText([]byte(r.FormValue("moment"))); err != nil {
		answer(w, http.StatusBadRequest, err.Error())
		return
	}
	still, err := hub.Capture(r.Context(), want)
	status := http.StatusCreated
	switch {
	case errors.Is(err, capture.ErrDenied):
		status = http.StatusForbidden
	case errors.Is(err, capture.ErrNotLive):
		status = http.StatusNotFound
	case err != nil:
		status = http.StatusInternalServerError
	}
	answer(w, status, capture.Event{Request: want, Still: still, Err: err})
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // whoever hangs up needs no answer
}
