package capture_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/store"
	"github.com/livestill/livestill/frame"
)

// A Camera remembers a stream and captures stills of it. The Store here is a
// folder.
func ExampleCamera() {
	folder, err := os.MkdirTemp("", "stills")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(folder) }()

	cam := &capture.Camera{
		Decoder: painter{}, // &ffmpeg.Decoder{}
		Store:   &store.Dir{Path: folder, Template: "{stream}/{id}"},
		History: frame.History{MaxAge: time.Hour},
	}
	ctx := context.Background()
	if err := cam.ServeStream(ctx, slides("live/alice")); err != nil { // a Server or a Client calls it
		fmt.Println(err)
		return
	}

	still, err := cam.Capture(ctx, capture.Request{ID: "mine"}) // of the newest picture
	if err != nil {
		fmt.Println(err)
		return
	}
	file, err := filepath.Rel(folder, still.Location)
	fmt.Println(filepath.ToSlash(file), err)
	fmt.Println(still.Type, slide(still.Picture), still.Key, still.PTS)
	// Output:
	// live/alice/mine.jpg <nil>
	// image/jpeg 29 false 29m0s
}

// A Hub takes in any number of streams. NewCamera lets a publisher in, or
// refuses it before it sends any media.
func ExampleHub() {
	hub := &capture.Hub{NewCamera: func(s *frame.Stream) (*capture.Camera, error) {
		if s.Query.Get("token") != "secret" {
			return nil, errors.New("wrong token")
		}
		return &capture.Camera{Decoder: painter{}, History: frame.History{MaxAge: time.Hour}}, nil
	}}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()

	fmt.Println(hub.ServeStream(ctx, slides("live/mallory")))

	alice := slides("live/alice")
	alice.Query = map[string][]string{"token": {"secret"}}
	units, played, ended := alice.Units, make(chan struct{}), make(chan error)
	alice.Units = func(yield func(frame.AccessUnit, error) bool) {
		units(yield)
		close(played)
		<-ctx.Done() // the stream stays live
	}
	go func() { ended <- hub.ServeStream(ctx, alice) }()
	<-played

	fmt.Println(hub.Streams())
	still, err := hub.Capture(ctx, capture.Request{Stream: "live/alice", By: "bob"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(still.Stream, still.Request.By, slide(still.Picture))
	_, err = hub.Capture(ctx, capture.Request{Stream: "live/carol"})
	fmt.Println(err, errors.Is(err, capture.ErrNotLive))

	cancel()
	fmt.Println(<-ended)
	// Output:
	// wrong token
	// [live/alice]
	// live/alice bob 29
	// capture of live/carol: wait: stream is not live true
	// <nil>
}

// A Moment says which picture is wanted: the one that a viewer saw then.
func ExampleMoment() {
	cam := &capture.Camera{Decoder: painter{}, History: frame.History{MaxAge: time.Hour}}
	remember(cam)
	for _, m := range []struct {
		name   string
		moment capture.Moment
	}{
		{"the newest picture", capture.Moment{}},
		{"the newest key picture", capture.Keyframe()},
		{"ten minutes ago", capture.Ago(10 * time.Minute)},
		{"at an instant", capture.At(began.Add(12*time.Minute + 40*time.Second))},
		{"at a time of the publisher's own", capture.AtPTS(5 * time.Minute)},
	} {
		still, err := cam.Capture(context.Background(), capture.Request{Moment: m.moment})
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%s: slide %d\n", m.name, slide(still.Picture))
	}
	// Output:
	// the newest picture: slide 29
	// the newest key picture: slide 20
	// ten minutes ago: slide 19
	// at an instant: slide 12
	// at a time of the publisher's own: slide 5
}

// Best chooses among the pictures around a moment. The Metric says what is best;
// nil means Quality. The Still has the others, and the picture of the very
// moment.
func ExampleMoment_Best() {
	cam := &capture.Camera{Decoder: painter{}, History: frame.History{MaxAge: time.Hour}}
	remember(cam)
	finest := func(p *frame.Picture) float64 { return -float64(p.EffectiveQP) }
	still, err := cam.Capture(context.Background(), capture.Request{Moment: capture.AtPTS(18*time.Minute).Best(2*time.Minute, finest)})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("slide %d, %d after slide %d\n", slide(still.Picture), still.Off, slide(still.Literal))
	// Output:
	// slide 20, 2 after slide 18
}

// trio is an Enhancer that gets a picture and the two before it, of the same
// GOP. enhance.Auto is one that makes something of its neighbours.
type trio struct{}

func (trio) Neighbours(gops []frame.GOP, gop, unit int) [][]int {
	units := make([][]int, len(gops))
	for i := max(0, unit-2); i <= unit; i++ {
		units[gop] = append(units[gop], i)
	}
	return units
}

func (trio) Enhance(_ context.Context, b *frame.Burst) (*frame.Picture, error) {
	return b.Picture().Clone(), nil
}

// Refine delivers a still of the picture alone at once, and then the same
// picture made of its neighbours as well, under the same ID.
func ExampleCamera_Refine() {
	cam := &capture.Camera{Decoder: painter{}, Enhancer: trio{}, History: frame.History{MaxAge: time.Hour}}
	remember(cam)
	for still, err := range cam.Refine(context.Background(), capture.Request{ID: "mine"}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(still.ID, slide(still.Picture), still.Refined, still.Merged)
	}
	// Output:
	// mine 29 false 1
	// mine 29 true 3
}

// Every captures at an interval, until the context ends or the loop breaks.
// Here the stream shows no other key picture meanwhile.
func ExampleCamera_Every() {
	cam := &capture.Camera{Decoder: painter{}, History: frame.History{MaxAge: time.Hour}}
	remember(cam)
	tries := 0
	for still, err := range cam.Every(context.Background(), 10*time.Millisecond, capture.Request{Moment: capture.Keyframe()}) {
		if err != nil {
			fmt.Println(err) // the next may do better
		} else {
			fmt.Println(slide(still.Picture), still.Key)
		}
		if tries++; tries == 2 {
			break
		}
	}
	// Output:
	// 20 true
	// capture of live/alice: wait: picture was delivered before
}

// A Camera's fields are the steps of a capture, in the order they run. A hook
// that is one function needs no type.
func ExamplePolicyFunc() {
	friends := map[string]bool{"bob": true}
	cam := &capture.Camera{
		Policy: capture.PolicyFunc(func(_ context.Context, r capture.Request) error {
			if !friends[r.By] {
				return capture.Deny("only friends may capture")
			}
			return nil
		}),
		Decoder: painter{},
		Notifier: capture.NotifierFunc(func(_ context.Context, e capture.Event) {
			fmt.Println("told:", e.Request.By, e.Err)
		}),
		History: frame.History{MaxAge: time.Hour},
	}
	remember(cam)
	_, err := cam.Capture(context.Background(), capture.Request{By: "bob"})
	fmt.Println(err)
	_, err = cam.Capture(context.Background(), capture.Request{By: "mallory"})
	fmt.Println(errors.Is(err, capture.ErrDenied))
	// Output:
	// told: bob <nil>
	// <nil>
	// told: mallory capture of live/alice: policy: denied: only friends may capture
	// true
}

// Variants are other files of the same still, under the same ID: here a
// thumbnail, and a square of the middle. Who wants but one of them asks for it.
func ExampleVariant() {
	cam := &capture.Camera{
		Decoder: painter{}, // &ffmpeg.Decoder{}
		Variants: []capture.Variant{
			{Name: "thumb", Width: 16},
			{Name: "square", Width: 8, Height: 8, Fit: capture.Fill, Quality: 75},
		},
		Store:   &store.Mem{},
		History: frame.History{MaxAge: time.Hour},
	}
	ctx := context.Background()
	if err := cam.ServeStream(ctx, slides("live/alice")); err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range []capture.Request{{}, {Variants: []string{"thumb"}}} {
		still, err := cam.Capture(ctx, r)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(still.Location != "")
		for _, v := range still.Variants {
			fmt.Println(v.Variant, v.Picture.Rect.Size(), v.Type, v.Location != "")
		}
	}
	// Output:
	// true
	// thumb (16,8) image/jpeg true
	// square (8,8) image/jpeg true
	// false
	// thumb (16,8) image/jpeg true
}
