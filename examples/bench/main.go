// Bench measures tap to bytes: how long it takes from asking for the newest picture of a live 1080p30 stream with a key interval
// of two seconds to holding its JPEG file. Beside Livestill it measures what is usual today, in the same run and on the same
// stream: an ffmpeg started per picture that plays from nginx's RTMP module. It needs ffmpeg and nginx with that module.
//
//	go run ./examples/bench -n 200 -peer 20
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/enhance"
	"github.com/livestill/livestill/frame/ffmpeg"
	"github.com/livestill/livestill/rtmp"
)

func main() {
	n := flag.Int("n", 200, "captures by Livestill, for each kind")
	peer := flag.Int("peer", 20, "captures by an ffmpeg started per picture")
	flag.Parse()
	if err := run(*n, *peer); err != nil {
		log.Fatal(err)
	}
}

func run(n, peer int) error {
	ctx, cancel := context.WithCancel(context.Background())
	var children []*exec.Cmd
	defer func() {
		cancel()
		for _, c := range children {
			_ = c.Wait()
		}
	}()
	dir, err := os.MkdirTemp("", "livestill-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()

	// Two Cameras on two servers get the same stream: one hands out plain pictures, the other enhances them.
	plain := &capture.Camera{Decoder: &ffmpeg.Decoder{}, Encoder: &ffmpeg.JPEG{}}
	enhanced := &capture.Camera{
		Decoder: &ffmpeg.Decoder{}, Encoder: &ffmpeg.JPEG{},
		Enhancer: capture.Apply(enhance.Chain{enhance.Denoise{}, enhance.Sharpen{}}),
	}
	var urls []string
	for _, cam := range []*capture.Camera{plain, enhanced} {
		ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		server := rtmp.Server{Handler: cam, Logger: slog.New(slog.DiscardHandler)}
		go func() { _ = server.Serve(ctx, ln) }() // until ctx ends
		urls = append(urls, "rtmp://"+ln.Addr().String()+"/live/bench")
	}
	nginx, url, err := startNginx(ctx, dir)
	if err != nil {
		return err
	}
	children = append(children, nginx)

	fmt.Println("encoding 20 s of 1080p30 at 4 Mbit/s")
	clip := filepath.Join(dir, "clip.flv")
	if out, err := exec.CommandContext(ctx, "ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=1920x1080:r=30:d=20,noise=alls=8:allf=t",
		"-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency", "-pix_fmt", "yuv420p", "-g", "60", "-sc_threshold", "0",
		"-b:v", "4M", "-maxrate", "4M", "-bufsize", "4M", clip).CombinedOutput(); err != nil {
		return fmt.Errorf("ffmpeg: %w\n%s", err, out)
	}
	for _, u := range append(urls, url) {
		publisher := exec.CommandContext(ctx, "ffmpeg", "-nostdin", "-v", "error", "-re", "-stream_loop", "-1", "-i", clip, "-c", "copy", "-f", "flv", u)
		if err := publisher.Start(); err != nil {
			return err
		}
		children = append(children, publisher)
	}

	for _, kind := range []struct {
		name  string
		times int
		take  func() error
	}{
		{"Livestill, newest picture", n, func() error { return take(ctx, plain, capture.Moment{}) }},
		{"Livestill, newest picture, denoised and sharpened", n, func() error { return take(ctx, enhanced, capture.Moment{}) }},
		{"Livestill, newest key picture", n, func() error { return take(ctx, plain, capture.Keyframe()) }},
		{"ffmpeg per picture", peer, func() error { return peerTake(ctx, url, filepath.Join(dir, "out.jpg")) }},
		{"ffmpeg per picture, probing as little as it can", peer, func() error {
			return peerTake(ctx, url, filepath.Join(dir, "out.jpg"), "-probesize", "32", "-analyzeduration", "0")
		}},
	} {
		if err := measure(kind.name, kind.times, kind.take); err != nil {
			return fmt.Errorf("%s: %w", kind.name, err)
		}
	}
	return nil
}

// measure prints how long take takes, at random instants of the stream.
func measure(name string, times int, take func() error) error {
	if err := take(); err != nil { // once before it counts, so that the stream has begun
		return err
	}
	var took []time.Duration
	for i := range times {
		fmt.Printf("\r%s: %d of %d ", name, i+1, times)
		time.Sleep(time.Duration(rand.IntN(500)) * time.Millisecond) // captures come at random instants
		began := time.Now()
		if err := take(); err != nil {
			return err
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	fmt.Printf("\r%-52s n=%3d  p50 %6d ms  p95 %6d ms\n", name, times, took[len(took)/2].Milliseconds(), took[len(took)*95/100].Milliseconds())
	return nil
}

func take(ctx context.Context, cam *capture.Camera, m capture.Moment) error {
	_, err := cam.Capture(ctx, capture.Request{Moment: m})
	return err
}

// peerTake starts an ffmpeg that plays the stream until it has a picture.
func peerTake(ctx context.Context, url, path string, args ...string) error {
	args = append(append([]string{"-nostdin", "-v", "error"}, args...), "-i", url, "-frames:v", "1", "-q:v", "2", "-y", path)
	if out, err := exec.CommandContext(ctx, "ffmpeg", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	_, err := os.Stat(path)
	return err
}

// startNginx starts nginx with its RTMP module, which ends with ctx, and returns the URL of a stream on it.
func startNginx(ctx context.Context, dir string) (nginx *exec.Cmd, url string, err error) {
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	addr := ln.Addr().String()
	if err := ln.Close(); err != nil {
		return nil, "", err
	}
	conf := filepath.Join(dir, "nginx.conf")
	text := fmt.Sprintf("load_module /usr/lib/nginx/modules/ngx_rtmp_module.so;\ndaemon off;\nmaster_process off;\npid %s/pid;\nerror_log %s/log;\n"+
		"events {}\nrtmp { server { listen %s; application live { live on; wait_key on; } } }\n", dir, dir, addr)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		return nil, "", err
	}
	nginx = exec.CommandContext(ctx, "nginx", "-c", conf, "-p", dir, "-e", filepath.Join(dir, "log"))
	if err := nginx.Start(); err != nil {
		return nil, "", err
	}
	for range 100 { // until it listens
		if conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr); err == nil {
			return nginx, "rtmp://" + addr + "/live/bench", conn.Close()
		}
		time.Sleep(50 * time.Millisecond)
	}
	log, _ := os.ReadFile(filepath.Join(dir, "log"))
	_ = nginx.Process.Kill()
	_ = nginx.Wait()
	return nil, "", fmt.Errorf("nginx does not listen:\n%s", log)
}
