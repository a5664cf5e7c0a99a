package e2e_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/frametest"
)

// frameOf returns the number of the frame with the given presentation time in a 30 fps clip whose first is shown at start.
func frameOf(pts, start time.Duration) int {
	return int((pts-start).Seconds()*30 + 0.5)
}

const rounds = 300 // frames of a clip that is published over and over

// beforeEach calls each before every unit that is taken, with its number from one on.
func beforeEach(units iter.Seq2[frame.AccessUnit, error], each func(n int)) iter.Seq2[frame.AccessUnit, error] {
	return func(yield func(frame.AccessUnit, error) bool) {
		n := 1
		each(n)
		for u, err := range units {
			if !yield(u, err) {
				return
			}
			n++
			each(n)
		}
	}
}

// TestLiveMoments captures from several publishers that send in real time, all at once.
func TestLiveMoments(t *testing.T) {
	hub := &capture.Hub{NewCamera: func(*frame.Stream) (*capture.Camera, error) { return camera(), nil }}
	begun := make(chan string, 2)
	url := listen(t, frame.HandlerFunc(func(ctx context.Context, s *frame.Stream) error {
		s.Units = beforeEach(s.Units, func(n int) {
			if n == 2 { // so that the first is in the History
				begun <- s.Name
			}
		})
		return hub.ServeStream(ctx, s)
	}))
	streams := map[string]frametest.Clip{
		"live/plain":   {Frames: rounds},
		"live/bframes": {Frames: rounds, BFrames: 3},
	}
	for name, clip := range streams {
		clip.Loop(t, url+filepath.Base(name))
	}
	var checks sync.WaitGroup
	defer checks.Wait()
	for range streams {
		name := <-begun
		cam := hub.Camera(name)
		start := cam.History.GOPs()[0][0].PTS
		for _, moment := range []func() capture.Moment{
			func() capture.Moment { return capture.Moment{} },
			capture.Keyframe,
			func() capture.Moment { return capture.Ago(0) },
			func() capture.Moment { return capture.Ago(500 * time.Millisecond) },
			func() capture.Moment { return capture.At(time.Now().Add(700 * time.Millisecond)) },
			func() capture.Moment { return capture.At(time.Now().Add(-300 * time.Millisecond)) },
		} {
			checks.Go(func() {
				n := 0
				for _, err := range cam.Every(t.Context(), 300*time.Millisecond, capture.Request{Tolerance: -1}) {
					if n++; n > 4 || err != nil {
						if err != nil {
							t.Error(err)
						}
						return
					}
					var newest time.Time
					gops := cam.History.GOPs()
					for _, u := range gops[len(gops)-1] {
						if u.Time.After(newest) {
							newest = u.Time
						}
					}
					m := moment()
					still, err := hub.Capture(t.Context(), capture.Request{Stream: name, Moment: m, Tolerance: -1})
					if errors.Is(err, capture.ErrForgotten) && cam.History.GOPs()[0][0].PTS == start {
						continue // asked for a moment before the stream began
					}
					if err != nil {
						t.Errorf("%s, %v: %v", name, m, err)
						return
					}
					if got, want := number(t, still), frameOf(still.PTS, start)%rounds; got != want {
						t.Errorf("%s, %v: shows frame %d, says %v, which is %d", name, m, got, still.PTS, want)
					}
					switch m {
					case capture.Moment{}:
						if still.Time.Before(newest) {
							t.Errorf("%s: newest is of %v, but %v was there", name, still.Time, newest)
						}
					case capture.Keyframe():
						if number(t, still)%30 != 0 || !still.Key {
							t.Errorf("%s: key picture is frame %d", name, number(t, still))
						}
					default:
						if still.Time.After(still.Wanted) {
							t.Errorf("%s: wanted %v, delivered %v", name, still.Wanted, still.Time)
						}
						for _, u := range slices.Concat(cam.History.GOPs()...) {
							if u.Time.After(still.Time) && u.Time.Before(still.Wanted) {
								t.Errorf("%s: wanted %v, delivered %v, but %v was there", name, still.Wanted, still.Time, u.Time)
							}
						}
					}
				}
			})
		}
	}
}

// TestResolutionChangesMidStream publishes two clips of different size as one stream.
func TestResolutionChangesMidStream(t *testing.T) {
	small, large := frametest.Clip{Frames: 60}, frametest.Clip{Width: 640, Height: 360, Frames: 60}
	path := filepath.Join(t.TempDir(), "joined.flv")
	if err := os.WriteFile(path, join(t, small.File(t), large.File(t), 2000), 0o600); err != nil {
		t.Fatal(err)
	}
	cam := remember(t, path)
	units := 0
	for _, g := range cam.History.GOPs() {
		for _, u := range g {
			if units++; units%7 != 1 {
				continue
			}
			still, err := cam.Capture(t.Context(), capture.Request{Moment: capture.At(u.Time), Tolerance: -1})
			if err != nil {
				t.Fatal(err)
			}
			want := image.Pt(320, 180)
			if units > 60 {
				want = image.Pt(640, 360)
			}
			if got := still.Picture.Rect.Size(); got != want {
				t.Errorf("unit %d is %v, want %v", units, got, want)
			}
			if got := number(t, still); got != (units-1)%60 {
				t.Errorf("unit %d shows frame %d", units, got)
			}
		}
	}
	if units != 120 {
		t.Errorf("%d units, want 120", units)
	}
}

// join appends the tags of one FLV file to another, later by the given number of milliseconds.
func join(t *testing.T, first, second string, ms uint32) []byte {
	t.Helper()
	joined, err := os.ReadFile(first)
	if err != nil {
		t.Fatal(err)
	}
	rest, err := os.ReadFile(second)
	if err != nil {
		t.Fatal(err)
	}
	const header, tagHeader, trailer = 13, 11, 4
	for rest = rest[header:]; len(rest) >= tagHeader; {
		size := tagHeader + int(binary.BigEndian.Uint32(rest)&0xffffff) + trailer
		at := (uint32(rest[4])<<16 | uint32(rest[5])<<8 | uint32(rest[6])) + ms
		rest[4], rest[5], rest[6] = byte(at>>16), byte(at>>8), byte(at)
		joined, rest = append(joined, rest[:size]...), rest[size:]
	}
	return joined
}

// TestBadPublishersHarmNoOther lets publishers break in several ways while a good one is live. Captures of the bad ones must end
// with a typed error by their context, and the good one must lose no unit.
func TestBadPublishersHarmNoOther(t *testing.T) {
	hub := &capture.Hub{NewCamera: func(*frame.Stream) (*capture.Camera, error) { return camera(), nil }}
	begun := map[string]chan bool{"live/sound": make(chan bool), "live/dying": make(chan bool), "live/good": make(chan bool), "live/old": make(chan bool)}
	ends, heard := make(chan string, len(begun)), make(chan bool)
	url := listen(t, frame.HandlerFunc(func(ctx context.Context, s *frame.Stream) error {
		units := 0
		s.Units = beforeEach(s.Units, func(n int) {
			if units = n - 1; units > 0 {
				return
			}
			close(begun[s.Name])
			if s.Name == "live/sound" {
				<-heard // it does not end before
			}
		})
		err := hub.ServeStream(ctx, s)
		ends <- fmt.Sprintf("%s: %d units, clean %v", s.Name, units, err == nil)
		return err
	}))
	good := frametest.Clip{Frames: 90}
	publisher := good.Publish(t, url+"good", true)

	// Sound alone is a stream without pictures.
	sound := frametest.Run(t, "-f", "lavfi", "-i", "sine", "-t", "2", "-c:a", "aac", "-f", "flv", url+"sound")
	// A publisher that dies in the middle of a GOP.
	dying := frametest.Clip{Frames: rounds}.Loop(t, url+"dying")
	// A codec that is not supported.
	old := frametest.Run(t, "-f", "lavfi", "-i", "testsrc2=s=320x180:d=1", "-c:v", "flv1", "-f", "flv", url+"old")

	<-begun["live/sound"]
	cam := hub.Camera("live/sound")
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	var typed *capture.Error
	if _, err := cam.Capture(ctx, capture.Request{}); !errors.As(err, &typed) || typed.Step != "wait" || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("sound alone: %v", err)
	}
	close(heard)
	<-begun["live/dying"]
	cam = hub.Camera("live/dying")
	before, err := cam.Capture(t.Context(), capture.Request{})
	if err != nil {
		t.Fatal(err)
	}
	dying.Kill()
	if out, err := sound.Wait(); err != nil {
		t.Error(err, out)
	}
	_, _ = old.Wait() // it may or may not have noticed
	if out, err := publisher.Wait(); err != nil {
		t.Error(err, out)
	}
	got := map[string]bool{}
	for range 4 {
		got[<-ends] = true
	}
	for _, want := range []string{"live/good: 90 units, clean true", "live/sound: 0 units, clean true", "live/old: 0 units, clean false"} {
		if !got[want] {
			t.Errorf("want %q among %v", want, got)
		}
	}
	if still, err := cam.Capture(t.Context(), capture.Request{}); err != nil || still.Time.Before(before.Time) {
		t.Errorf("the last picture of the dead publisher: %v, %v", still, err)
	}
}
