package main

import (
	"context"
	"fmt"
	"log"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// measurePeers captures a clip that plays live in the ways that are usual today.
func measurePeers(ctx context.Context, dir, clip string) (results []result, err error) {
	ctx, cancel := context.WithCancel(ctx)
	var children []*exec.Cmd
	defer func() {
		cancel()
		for _, c := range children {
			_ = c.Wait()
		}
	}()
	nginx, url, err := startNginx(ctx, dir)
	if err != nil {
		return nil, err
	}
	children = append(children, nginx)
	publisher, err := publish(ctx, clip, url, 1)
	if err != nil {
		return nil, err
	}
	children = append(children, publisher)
	for _, kind := range []struct {
		name string
		args []string
	}{
		{"ffmpeg per picture", nil},
		{"ffmpeg, less probing", []string{"-probesize", "32", "-analyzeduration", "0"}},
	} {
		r := result{name: kind.name}
		for i := range *peer + 1 { // the first does not count: the stream may have to begin yet
			log.Printf("%s: %d of %d", kind.name, i, *peer)
			time.Sleep(rand.N(spread)) // so that pictures are wanted anywhere in a GOP
			begin := time.Now()
			if err := peerTake(ctx, url, filepath.Join(dir, "out.jpg"), kind.args...); err != nil {
				return nil, fmt.Errorf("%s: %w", kind.name, err)
			}
			if i > 0 {
				r.Took = append(r.Took, time.Since(begin))
			}
		}
		results = append(results, r)
	}
	return results, nil
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
		time.Sleep(50 * time.Millisecond) // nginx tells nobody when it listens
	}
	log, _ := os.ReadFile(filepath.Join(dir, "log"))
	_ = nginx.Process.Kill()
	_ = nginx.Wait()
	return nil, "", fmt.Errorf("nginx does not listen:\n%s", log)
}
