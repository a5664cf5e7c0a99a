package e2e_test

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"net"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/ffmpeg"
	"github.com/livestill/livestill/frame/frametest"
	"github.com/livestill/livestill/rtsp"
)

var (
	lossFull  = flag.Bool("loss.full", false, "TestLoss: each mishap at each rate, 200 stills of each")
	lossClips = flag.String("loss.clips", "", "TestLoss: a pattern of video files to publish")
	lossSeed  = flag.Uint64("loss.seed", 1, "TestLoss: another seed is another network")
)

// TestLoss lets real encoders publish over a network that drops, duplicates, reorders and corrupts packets, and captures stills
// all over the streams. No still that is broken may be delivered: each must be what the undamaged stream shows at its time.
//
// It prints how the captures ended. The experiment at full length, with clips of your own, takes some minutes:
//
//	go test ./internal/e2e -run TestLoss -v -loss.full -loss.clips '/path/*.mp4'
func TestLoss(t *testing.T) {
	noisy := frametest.Clip{Width: 640, Height: 360, Noise: 3, GOP: 45, Frames: 120}
	if *lossFull {
		noisy.Frames = 210
	}
	single, basic, reordered := noisy, noisy, noisy
	single.Args = []string{"-x264-params", "sliced-threads=0:slices=1"}
	basic.Args = []string{"-profile:v", "baseline", "-slices", "3"}
	reordered.BFrames = 2
	type source struct {
		name, path string
	}
	sources := []source{{"slices", noisy.File(t)}, {"one slice", single.File(t)}, {"CAVLC", basic.File(t)}, {"B-frames", reordered.File(t)}}
	if *lossClips != "" {
		files, err := filepath.Glob(*lossClips)
		if err != nil || len(files) == 0 {
			t.Fatal("no clips", err)
		}
		sources = nil
		for _, f := range files {
			sources = append(sources, source{filepath.Base(f), f})
		}
	}
	stills, mishaps := 40, []mishap{mixed}
	if *lossFull {
		stills, mishaps = 200, []mishap{drop, duplicate, reorder, corrupt}
	}
	for i, source := range sources {
		cam := remember(t, source.path)
		clean := newReference(t, cam)
		for j, m := range mishaps {
			for k, share := range []float64{0.005, 0.02, 0.05} {
				if !*lossFull && k != i%3 && source.name != "slices" {
					continue
				}
				t.Run(fmt.Sprintf("%s/%v/%v%%", source.name, m, 100*share), func(t *testing.T) {
					t.Parallel()
					path := &lossy{mishap: m, share: share, random: rand.New(rand.NewPCG(*lossSeed, uint64(100*i+10*j+k)))}
					clean.judge(t, path, record(t, path, source.path), stills)
				})
			}
		}
	}
}

// record publishes a file over the path, and returns a Camera that remembers what arrived.
func record(t *testing.T, path *lossy, file string) *capture.Camera {
	t.Helper()
	cam := &capture.Camera{Decoder: &ffmpeg.Decoder{}, Encoder: &ffmpeg.JPEG{}, History: frame.History{MaxAge: time.Minute}}
	ended := make(chan error, 1)
	s := &rtsp.Server{UDPAddr: "127.0.0.1:0", Logger: slog.New(slog.DiscardHandler), PublishTimeout: ample, IdleTimeout: ample}
	s.Handler = frame.HandlerFunc(func(ctx context.Context, s *frame.Stream) error {
		err := cam.ServeStream(ctx, s)
		ended <- err
		return err
	})
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error)
	go func() { served <- s.Serve(ctx, ln) }()
	t.Cleanup(func() {
		cancel()
		if err := <-served; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	path.start(t, ln.Addr().String())
	args := []string{"-readrate", "2", "-i", file, "-an", "-c:v", "copy", "-f", "rtsp", "-rtsp_transport", "udp", path.url + "cam"}
	if out, err := frametest.Run(t, args...).Wait(); err != nil {
		t.Fatal(err, out)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	return cam
}

// A reference is a stream as it was sent: its pictures in the order they are shown, the first at zero.
type reference []*frame.Picture

func newReference(t *testing.T, cam *capture.Camera) (r reference) {
	t.Helper()
	refused := 0
	for _, g := range cam.History.GOPs() {
		for p, err := range cam.Decoder.Decode(t.Context(), g, time.Time{}) {
			switch {
			case err != nil:
				t.Fatal(err)
			case p.Corrupt:
				refused++
			}
			r = append(r, p)
		}
	}
	if refused > 0 {
		t.Errorf("%d of %d undamaged pictures are said to be corrupt", refused, len(r))
	}
	slices.SortFunc(r, func(a, b *frame.Picture) int { return cmp.Compare(a.PTS, b.PTS) })
	first := r[0].PTS
	for _, p := range r {
		p.PTS -= first
	}
	return r
}

// find returns the picture that is shown at a time, which RTP and FLV may round; nil if none is.
func (r reference) find(pts time.Duration) *frame.Picture {
	const rounding = 3 * time.Millisecond
	i, _ := slices.BinarySearchFunc(r, pts-rounding, func(p *frame.Picture, at time.Duration) int { return cmp.Compare(p.PTS, at) })
	if i == len(r) || r[i].PTS > pts+rounding {
		return nil
	}
	return r[i]
}

// judge captures stills at moments all over what arrived, and looks at each.
func (r reference) judge(t *testing.T, path *lossy, cam *capture.Camera, stills int) {
	t.Helper()
	var units, lost, taken, exact, older, instead, refused, broken int
	var began, decided time.Time
	for _, g := range cam.History.GOPs() {
		for _, u := range g {
			if units++; u.Lost {
				lost++
			}
			decided = u.Time.Add(u.DTS - u.PTS)
			if began.IsZero() {
				p := r.find(u.PTS)
				if p == nil {
					t.Fatalf("the first unit is of %v, when nothing was sent", u.PTS)
				}
				began = u.Time.Add(-p.PTS)
			}
		}
	}
	if units == 0 {
		t.Fatal("nothing arrived")
	}
	for i := range stills {
		want := r[i*len(r)/stills]
		at := began.Add(want.PTS + 5*time.Millisecond)
		if at.After(decided) {
			break // the end of the stream did not arrive
		}
		taken++
		still, err := cam.Capture(t.Context(), capture.Request{Moment: capture.At(at)})
		if err != nil {
			if !errors.Is(err, capture.ErrCorrupt) && !errors.Is(err, capture.ErrForgotten) {
				t.Error(err)
			}
			refused++
			continue
		}
		switch shown := r.find(still.PTS); {
		case shown == nil:
			t.Errorf("a still is of %v, when nothing was shown", still.PTS)
			continue
		case still.Instead != nil:
			instead++
		case shown != want:
			older++
		default:
			exact++
		}
		if psnr := worstBlock(still.Picture, r.find(still.PTS)); psnr < 30 {
			broken++
			t.Errorf("the still of %v has a block of %.1f dB; instead of another: %v", still.PTS, psnr, still.Instead)
		}
	}
	path.mu.Lock()
	defer path.mu.Unlock()
	t.Logf("%s: %d of %d packets hit; %d of %d units arrived, %d marked", t.Name(), path.hit, path.sent, units, len(r), lost)
	t.Logf("%d stills: %d exact, %d of the picture before, %d instead, %d refused; %d broken", taken, exact, older, instead, refused, broken)
}

// worstBlock returns the PSNR of the luma block of 64x64 that differs most.
//
//go:norace
func worstBlock(a, b *frame.Picture) float64 {
	const side = 64
	if a.Rect.Size() != b.Rect.Size() {
		return 0
	}
	low := math.Inf(1)
	for y := 0; y < a.Rect.Dy(); y += side {
		for x := 0; x < a.Rect.Dx(); x += side {
			sum, n := 0, 0
			for row := y; row < min(y+side, a.Rect.Dy()); row++ {
				end := min(x+side, a.Rect.Dx())
				p, q := a.Y[row*a.YStride:][x:end], b.Y[row*b.YStride:][x:end]
				n += len(p)
				for i := range p {
					d := int(p[i]) - int(q[i])
					sum += d * d
				}
			}
			low = min(low, 10*math.Log10(255*255*float64(n)/float64(sum)))
		}
	}
	return low
}
