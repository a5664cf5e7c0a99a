package rtmp_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"strings"
	"testing"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/frametest"
	"github.com/livestill/livestill/internal/peer"
	"github.com/livestill/livestill/rtmp"
)

var (
	plain     = frametest.Clip{}
	reordered = frametest.Clip{BFrames: 2}
)

// publish runs a real ffmpeg that publishes the clip, as fast as it is taken, together with what args add to its inputs and options.
func publish(t *testing.T, clip frametest.Clip, url string, args ...string) error {
	t.Helper()
	peer.Needs(t, "ffmpeg")
	args = append(append([]string{"-nostdin", "-v", "error", "-i", clip.File(t)}, args...), "-c:v", "copy", "-f", "flv", url)
	output, err := exec.CommandContext(t.Context(), "ffmpeg", args...).CombinedOutput()
	if err != nil || len(output) > 0 {
		return fmt.Errorf("ffmpeg: %w\n%s", err, output)
	}
	return nil
}

func TestFFmpegPublishes(t *testing.T) {
	sound := []string{"-f", "lavfi", "-i", "sine=frequency=440:duration=2", "-c:a", "aac"}
	for _, c := range []struct {
		what string
		clip frametest.Clip
		args []string
	}{
		{"low latency", plain, nil},
		{"B-frames", reordered, nil},
		{"with audio", reordered, sound},
		{"across the timestamps that need 32 bits", reordered, append(sound, "-output_ts_offset", "16776")},
		{"beyond the timestamps that need 32 bits", reordered, []string{"-output_ts_offset", "20000"}},
	} {
		t.Run(c.what, func(t *testing.T) {
			got := make(recorder, 1)
			addr, _ := start(t, &rtmp.Server{Handler: got})
			if err := publish(t, c.clip, "rtmp://"+addr+"/live/key", c.args...); err != nil {
				t.Fatal(err)
			}
			r := <-got
			check(t, r, "live/key", 60, 2)
			for i, want := range c.clip.Units(t) {
				if u := r.units[i]; !bytes.Equal(u.Data, want.Data) || u.Key != want.Key || u.PTS-u.DTS != want.PTS-want.DTS {
					t.Errorf("unit %d differs from what was encoded", i)
				}
			}
		})
	}
}

func TestSeveralPublishAtOnce(t *testing.T) {
	const publishers = 4
	reordered.File(t) // encodes it once, before all of them need it
	got := make(recorder, publishers)
	addr, _ := start(t, &rtmp.Server{Handler: got})
	ended := make(chan error, publishers)
	for i := range publishers {
		go func() { ended <- publish(t, reordered, fmt.Sprintf("rtmp://%s/live/%d", addr, i)) }()
	}
	names := make(map[string]bool)
	for range publishers {
		if err := <-ended; err != nil {
			t.Error(err)
		}
		r := <-got
		check(t, r, r.name, 60, 2)
		names[r.name] = true
	}
	if len(names) != publishers {
		t.Errorf("streams %v, want %d", names, publishers)
	}
}

func TestRefusalReachesFFmpeg(t *testing.T) {
	allow := func(_ context.Context, s *frame.Stream) error {
		host, _, _ := net.SplitHostPort(s.Remote.String())
		switch {
		case !strings.HasPrefix(s.Name, "live/"):
			return errors.New("no such app")
		case s.Name != "live/good":
			return errors.New("no such key")
		case s.Query.Get("token") != "secret":
			return errors.New("wrong token")
		case host != "127.0.0.1":
			return errors.New("from elsewhere")
		case s.Query.Has("silent"):
			return nil
		}
		for _, err := range s.Units {
			if err != nil {
				return err
			}
		}
		return nil
	}
	addr, _ := start(t, &rtmp.Server{Handler: frame.HandlerFunc(allow)})
	for path, want := range map[string]string{
		"/other/good?token=secret":         "no such app",
		"/live/bad?token=secret":           "no such key",
		"/live/good":                       "wrong token",
		"/live/good?token=guess":           "wrong token",
		"/live/good?token=secret&silent=1": "The stream was refused.",
		"/live/good?token=secret":          "",
	} {
		t.Run(path, func(t *testing.T) {
			err := publish(t, plain, "rtmp://"+addr+path)
			if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
				t.Errorf("ffmpeg ended with %v, want %q", err, want)
			}
		})
	}
}

// A Handler that breaks off hangs up on the encoder, which notices.
func TestBreakHangsUp(t *testing.T) {
	addr, _ := start(t, &rtmp.Server{Handler: frame.HandlerFunc(func(_ context.Context, s *frame.Stream) error {
		for _, err := range s.Units {
			if err != nil {
				return err
			}
			break
		}
		for _, err := range s.Units { // there is no second time
			return err
		}
		return nil
	})})
	if _, err := plain.Loop(t, "rtmp://"+addr+"/live/key").Wait(); err == nil {
		t.Error("ffmpeg noticed nothing")
	}
}

func TestKilledMidGOP(t *testing.T) {
	type end struct {
		units int
		err   error
	}
	first, ended := make(chan struct{}), make(chan end, 1)
	addr, _ := start(t, &rtmp.Server{Handler: frame.HandlerFunc(func(_ context.Context, s *frame.Stream) error {
		var e end
		for _, err := range s.Units {
			if e.err = err; err == nil {
				if e.units++; e.units == 1 {
					close(first)
				}
			}
		}
		ended <- e
		return e.err
	})})
	p := plain.Loop(t, "rtmp://"+addr+"/live/key")
	<-first
	p.Kill()
	e := <-ended
	var wrapped *rtmp.Error
	if !errors.As(e.err, &wrapped) || wrapped.Stream != "live/key" || wrapped.Step != "receive" {
		t.Errorf("%d units, then %v", e.units, e.err)
	}
}

func TestContextStopsPublishers(t *testing.T) {
	first, ended := make(chan struct{}, 2), make(chan error, 2)
	addr, stop := start(t, &rtmp.Server{Handler: frame.HandlerFunc(func(ctx context.Context, s *frame.Stream) error {
		var last error
		n := 0
		for _, err := range s.Units {
			if n++; n == 1 {
				first <- struct{}{}
			}
			last = err
		}
		ended <- last
		return last
	})})
	for _, key := range []string{"a", "b"} {
		plain.Loop(t, "rtmp://"+addr+"/live/"+key)
	}
	<-first
	<-first
	stop()
	for range 2 {
		if err := <-ended; !errors.Is(err, errStop) {
			t.Errorf("Units ended with %v, want the cause of the context", err)
		}
	}
}

func TestRTMPS(t *testing.T) {
	got := make(recorder, 1)
	addr, _ := start(t, &rtmp.Server{Handler: got, TLSConfig: &tls.Config{Certificates: []tls.Certificate{selfSigned(t)}}})
	if err := publish(t, reordered, "rtmps://"+addr+"/live/key"); err != nil {
		t.Fatal(err)
	}
	check(t, <-got, "live/key", 60, 2)
}

func TestAudioOnly(t *testing.T) {
	peer.Needs(t, "ffmpeg")
	got := make(recorder, 1)
	addr, _ := start(t, &rtmp.Server{Handler: got})
	cmd := exec.CommandContext(t.Context(), "ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", "sine=duration=2", "-c:a", "aac",
		"-f", "flv", "rtmp://"+addr+"/live/sound")
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg: %v\n%s", err, output)
	}
	check(t, <-got, "live/sound", 0, 0)
}

func TestHandlerPanicsAlone(t *testing.T) {
	var log bytes.Buffer
	got := make(recorder, 1)
	s := &rtmp.Server{Logger: textLogger(&log), Handler: frame.HandlerFunc(func(ctx context.Context, s *frame.Stream) error {
		switch s.Name {
		case "live/before":
			panic("before")
		case "live/during":
			for _, err := range s.Units {
				if err == nil {
					panic("during")
				}
			}
		}
		return got.ServeStream(ctx, s)
	})}
	addr, stop := start(t, s)
	for _, key := range []string{"before", "during"} {
		if _, err := plain.Loop(t, "rtmp://"+addr+"/live/"+key).Wait(); err == nil {
			t.Errorf("%s: ffmpeg noticed nothing", key)
		}
	}
	if err := publish(t, plain, "rtmp://"+addr+"/live/good"); err != nil {
		t.Error(err)
	}
	check(t, <-got, "live/good", 60, 2)
	stop()
	for _, want := range []string{"panic=before", "panic=during"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("log lacks %q:\n%s", want, &log)
		}
	}
}

// TestWholeURLAsKey: users paste the whole URL where the stream key belongs.
func TestWholeURLAsKey(t *testing.T) {
	got := make(recorder, 1)
	addr, _ := start(t, &rtmp.Server{Handler: got})
	for playpath, want := range map[string]string{
		"rtmp://" + addr + "/live/cam": "live/cam", "RTMPS://example.com/live/cam?token=x": "live/cam", "rtmp://example.com/cam": "live/cam",
		"cam": "live/cam", "a://cam": "live/a://cam",
	} {
		out, err := frametest.Run(t, "-i", frametest.Clip{}.File(t), "-c:v", "copy", "-f", "flv", "-rtmp_app", "live", "-rtmp_playpath", playpath,
			"rtmp://"+addr+"/live").Wait()
		if err != nil {
			t.Fatal(err, out)
		}
		if r := <-got; r.name != want {
			t.Errorf("%s: the stream is %s, want %s", playpath, r.name, want)
		}
	}
}
