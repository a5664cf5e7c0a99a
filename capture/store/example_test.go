package store_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/store"
)

// A still, as a Camera hands it to its Store.
func captured() *capture.Still {
	return &capture.Still{
		Stream: "live/alice", ID: "K3W7", Request: capture.Request{By: "bob"}, Data: []byte("\xff\xd8…\xff\xd9"), Type: "image/jpeg",
		Time: time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC),
	}
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// Stills go to a drive that is named once, when it is set up, and are forgotten after a month.
func ExampleDir() {
	mounted, err := os.MkdirTemp("", "nas") // where the NAS is mounted
	check(err)
	defer func() { check(os.RemoveAll(mounted)) }()
	check(store.Mark(mounted, "attic"))

	d := &store.Dir{
		Path: mounted, Volume: "attic", Template: "{year}-{month}/{stream}/{date}_{time}_{id}",
		MinFree: 1 << 20, Keep: store.Keep{Age: 30 * 24 * time.Hour, Bytes: 1 << 40},
	}
	location, err := d.Put(context.Background(), captured())
	name, _ := filepath.Rel(mounted, location)
	fmt.Println(filepath.ToSlash(name), err)
	// Output: 2026-05/live/alice/20260506_070809.000_K3W7~81b637d8fcd2c6da.jpg <nil>
}

// The still is acknowledged once it is on the local disk, and delivered to what is behind as soon as that works.
func ExampleSpool() {
	folder, err := os.MkdirTemp("", "spool")
	check(err)
	defer func() { check(os.RemoveAll(folder)) }()
	bucket := new(store.Mem) // or a slow one, far away

	spool := &store.Spool{Path: folder, Store: bucket}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- spool.Run(ctx) }()

	_, err = spool.Put(ctx, captured())
	check(err)
	check(spool.Flush(ctx)) // before the program ends; else what is left is delivered by the next one
	for s, err := range bucket.List(ctx, capture.Selection{By: "bob"}) {
		fmt.Println(s.Stream, s.ID, s.Size, err)
	}
	cancel()
	fmt.Println(<-ended)
	// Output:
	// live/alice K3W7 7 <nil>
	// context canceled
}

// Two copies of each still; if the first store fails three times, another takes its place.
func ExampleTee() {
	down := capture.StoreFunc(func(context.Context, *capture.Still) (string, error) { return "", errors.New("no route to host") })
	near, far := new(store.Mem), new(store.Mem)

	both := store.Tee{
		store.Failover{&store.Retry{Store: down, Attempts: 3, First: time.Millisecond, Timeout: time.Second}, near},
		far,
	}
	_, err := both.Put(context.Background(), captured())
	_, inNear := near.Get("live/alice/20260506_070809.000_K3W7~81b637d8fcd2c6da.jpg")
	_, inFar := far.Get("live/alice/20260506_070809.000_K3W7~81b637d8fcd2c6da.jpg")
	fmt.Println(inNear, inFar, err)

	// What bob asked for is deleted everywhere, or there is an error.
	files, err := far.Delete(context.Background(), capture.Selection{By: "bob"})
	fmt.Println(files, err)
	_, err = store.Delete(context.Background(), both, capture.Selection{By: "bob"})
	fmt.Println(errors.Is(err, errors.ErrUnsupported)) // a StoreFunc cannot delete
	// Output:
	// true true <nil>
	// 1 <nil>
	// true
}

// An app shows stills without knowing its store, to those who may see them: by what was told of each when it was put.
func ExampleOpen() {
	var stills capture.Store = new(store.Mem) // or any other that opens
	show := func(w http.ResponseWriter, r *http.Request) {
		opened, err := store.Open(r.Context(), stills, r.URL.Query().Get("at"))
		if errors.Is(err, fs.ErrNotExist) {
			http.NotFound(w, r)
			return
		} else if err != nil {
			http.Error(w, "try again", http.StatusServiceUnavailable)
			return
		}
		defer func() { _ = opened.Close() }() // it was opened to be read
		if opened.Still.Request.Labels["tenant"] != "acme" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", opened.Still.Type)
		http.ServeContent(w, r, "", opened.Modified, opened)
	}

	still := captured()
	still.Request.Labels = map[string]string{"tenant": "acme"}
	location, err := stills.Put(context.Background(), still)
	check(err)
	answer := httptest.NewRecorder()
	show(answer, httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/?at="+location, nil))
	fmt.Println(answer.Code, answer.Header().Get("Content-Type"), answer.Body.Len())
	// Output: 200 image/jpeg 7
}
