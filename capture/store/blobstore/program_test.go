package blobstore_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"image"
	"io"
	"iter"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"

	"gocloud.dev/blob/s3blob"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/store"
	"github.com/livestill/livestill/capture/store/blobstore"
	"github.com/livestill/livestill/frame"
)

// A program is what TestNothingIsLost kills: it captures stills of live streams without end, and stores each in a bucket behind a
// Spool, and in a folder. It says on standard output which are acknowledged.
type program struct {
	Spool, Folder string
	URL, Bucket   string // of the bucket
	Run           int    // makes IDs that no other run has
	Drain         bool   // captures nothing, and ends when all is delivered
}

const (
	chaosEnv     = "LIVESTILL_CHAOS" // has a program as JSON, in the process that is it
	volumeSpool  = "spool"
	volumeFolder = "folder"
	streams      = 3
	captors      = 4 // that capture at a time
)

// An acknowledgement is a line of a program's output.
type acknowledgement struct {
	ID, Location string
	Tries        int // captures that this one took
	Sum          [sha256.Size]byte
}

// main runs the program in a process of its own.
func (p *program) main() error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() { // if the test ends, so does this
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	bucket, err := s3blob.OpenBucket(ctx, newClient(p.URL, secret, false, &http.Transport{}), p.Bucket, nil)
	if err != nil {
		return err
	}
	spool := &store.Spool{
		Path: p.Spool, Volume: volumeSpool, Store: &blobstore.Store{Bucket: bucket},
		First: 20 * time.Millisecond, Longest: 200 * time.Millisecond, Timeout: 2 * time.Second, MinFree: 1 << 20,
	}
	var all sync.WaitGroup
	all.Go(func() { _ = spool.Run(ctx) }) // ends with ctx
	defer func() { cancel(); all.Wait() }()
	if p.Drain {
		return spool.Flush(ctx)
	}

	kept := store.Tee{spool, &store.Dir{Path: p.Folder, Volume: volumeFolder, MinFree: 1 << 20}}
	hub := &capture.Hub{NewCamera: func(*frame.Stream) (*capture.Camera, error) {
		return &capture.Camera{Decoder: painter{}, Sealer: capture.SealerFunc(summed), Store: kept}, nil
	}}
	for n := range streams {
		all.Go(func() { _ = hub.ServeStream(ctx, live(ctx, fmt.Sprint("live/", n))) })
	}
	for n := range captors {
		all.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				r := capture.Request{
					Stream: fmt.Sprint("live/", i%streams), ID: fmt.Sprintf("%d-%d-%d", p.Run, n, i), By: fmt.Sprint("user", i%7),
					Moment: capture.At(time.Now().Add(-50 * time.Millisecond)), // one picture, and so one key, however often
				}
				r.Labels = map[string]string{"id": r.ID}
				for try := 1; try <= 50; try++ {
					still, err := hub.Capture(ctx, r)
					if err != nil {
						<-time.After(10 * time.Millisecond) // a disk that is full is so for a while
						continue
					}
					line, err := json.Marshal(acknowledgement{r.ID, still.Location, try, sha256.Sum256(still.Data)})
					if err != nil {
						panic(err)
					}
					_, _ = os.Stdout.Write(append(line, '\n')) // at once, or not at all
					break
				}
			}
		})
	}
	all.Wait()
	return ctx.Err()
}

// live is a stream of key pictures, thirty a second.
func live(ctx context.Context, name string) *frame.Stream {
	return &frame.Stream{Name: name, Units: func(yield func(frame.AccessUnit, error) bool) {
		tick := time.NewTicker(time.Second / 30)
		defer tick.Stop()
		start := time.Now()
		for {
			at := time.Now()
			if !yield(frame.AccessUnit{Codec: frame.MJPEG, Key: true, PTS: at.Sub(start), DTS: at.Sub(start), Time: at, Data: []byte{0xff, 0xd8}}, nil) {
				return
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				yield(frame.AccessUnit{}, ctx.Err())
				return
			}
		}
	}}
}

// painter is a Decoder of pictures that are noise.
type painter struct{}

func (painter) Decode(_ context.Context, g frame.GOP, from time.Time) iter.Seq2[*frame.Picture, error] {
	return func(yield func(*frame.Picture, error) bool) {
		for _, u := range g {
			if u.Time.Before(from) {
				continue
			}
			img := image.NewYCbCr(image.Rect(0, 0, 160, 96), image.YCbCrSubsampleRatio420)
			for i := range img.Y {
				img.Y[i] = byte(rand.Uint32())
			}
			if !yield(&frame.Picture{YCbCr: img, PTS: u.PTS, Time: u.Time, Key: true}, nil) {
				return
			}
		}
	}
}

// summed ends a file with the SHA-256 of all before it.
func summed(_ context.Context, s *capture.Still) (file []byte, err error) {
	sum := sha256.Sum256(s.Data)
	return slices.Concat(s.Data, sum[:]), nil
}
