package main

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"strconv"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/bitstream"
	"github.com/livestill/livestill/rtmp"
)

const (
	rate        = 30 // pictures a second
	clipSeconds = 20 // of which all key intervals are divisors
)

// A scene is a live stream that is captured.
type scene struct {
	name       string
	codec      frame.Codec
	size       string
	mbits, gop int  // of bits a second; key interval in seconds
	compared   bool // with peers: so it comes over RTMP, the others straight from a file
}

var scenes = []scene{
	{"1080p30 H.264, GOP 2 s", frame.H264, "1920x1080", 4, 2, true},
	{"1080p30 H.264, GOP 1 s", frame.H264, "1920x1080", 4, 1, false},
	{"1080p30 H.264, GOP 5 s", frame.H264, "1920x1080", 4, 5, false},
	{"1080p30 H.264, GOP 10 s", frame.H264, "1920x1080", 4, 10, false},
	{"720p30 H.264, GOP 2 s", frame.H264, "1280x720", 2, 2, false},
	{"2160p30 H.264, GOP 2 s", frame.H264, "3840x2160", 15, 2, false},
	{"1080p30 H.265, GOP 2 s", frame.H265, "1920x1080", 3, 2, false},
}

// encode makes the clip that the stream plays over and over.
func (s scene) encode(ctx context.Context, path string) error {
	log.Printf("encoding %d s of %s", clipSeconds, s.name)
	gop, bits := strconv.Itoa(s.gop*rate), fmt.Sprint(s.mbits, "M")
	codec := []string{"-c:v", "libx264", "-preset", "veryfast", "-sc_threshold", "0"}
	if s.codec == frame.H265 {
		codec = []string{"-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "scenecut=0:open-gop=0:log-level=error:min-keyint=" + gop}
	}
	args := append([]string{
		"-nostdin", "-v", "error", "-y", "-f", "lavfi",
		"-i", fmt.Sprintf("testsrc2=s=%s:r=%d:d=%d,noise=alls=8:allf=t", s.size, rate, clipSeconds),
	}, codec...)
	args = append(args, "-tune", "zerolatency", "-pix_fmt", "yuv420p", "-g", gop, "-b:v", bits, "-maxrate", bits, "-bufsize", bits, path)
	if out, err := exec.CommandContext(ctx, "ffmpeg", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("ffmpeg: %w\n%s", err, out)
	}
	return nil
}

// units returns the access units of a clip.
func (s scene) units(ctx context.Context, path string) (units []frame.AccessUnit, err error) {
	name, delimiter, cut := "h264", []byte{0, 0, 0, 1, 9}, new(bitstream.H264).Unit
	if s.codec == frame.H265 {
		name, delimiter, cut = "hevc", []byte{0, 0, 0, 1, 0x46}, new(bitstream.H265).Unit
	}
	cmd := exec.CommandContext(ctx, "ffmpeg", "-nostdin", "-v", "error", "-i", path, "-c", "copy",
		"-bsf:v", fmt.Sprintf("%s_mp4toannexb,%[1]s_metadata=aud=insert", name), "-f", name, "-")
	cmd.Stderr = os.Stderr
	file, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	for _, unit := range bytes.Split(file, delimiter)[1:] {
		data, key, err := cut(bitstream.SplitAnnexB(nil, unit))
		if err != nil {
			return nil, err
		}
		units = append(units, frame.AccessUnit{Codec: s.codec, Key: key, Data: data})
	}
	if want := rate * clipSeconds; len(units) != want {
		return nil, fmt.Errorf("%d units where %d were encoded", len(units), want)
	}
	return units, nil
}

// play gives the clip to the Handler, live, until ctx ends.
func (s scene) play(ctx context.Context, path string, h frame.Handler) error {
	if !s.compared {
		units, err := s.units(ctx, path)
		if err != nil {
			return err
		}
		return h.ServeStream(ctx, live(ctx, units))
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	publisher, err := publish(ctx, path, "rtmp://"+ln.Addr().String()+"/live/bench", 1)
	if err != nil {
		return err
	}
	defer func() { _ = publisher.Wait() }()
	return (&rtmp.Server{Handler: h, Logger: slog.New(slog.DiscardHandler)}).Serve(ctx, ln)
}

// live returns a stream of units over and over in real time.
func live(ctx context.Context, units []frame.AccessUnit) *frame.Stream {
	return &frame.Stream{Name: "bench", Units: func(yield func(frame.AccessUnit, error) bool) {
		begin := time.Now()
		for i := 0; ctx.Err() == nil; i++ {
			u := units[i%len(units)]
			u.PTS = time.Duration(i) * time.Second / rate
			u.DTS, u.Time = u.PTS, begin.Add(u.PTS)
			time.Sleep(time.Until(u.Time)) // real time is what is played in
			if !yield(u, nil) {
				return
			}
		}
	}}
}

// publish starts an ffmpeg that publishes the clip to an RTMP URL over and over, at a pace of real time, until ctx ends.
func publish(ctx context.Context, path, url string, pace float64) (*exec.Cmd, error) {
	cmd := exec.CommandContext(ctx, "ffmpeg", "-nostdin", "-v", "error", "-readrate", fmt.Sprint(pace), "-stream_loop", "-1", "-i", path,
		"-c", "copy", "-f", "flv", url)
	return cmd, cmd.Start()
}
