package frametest

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"testing"

	"github.com/livestill/livestill/internal/peer"
)

// A Publisher is a running ffmpeg.
type Publisher struct {
	cmd    *exec.Cmd
	cancel context.CancelFunc
	output bytes.Buffer
}

// Publish starts a real ffmpeg that publishes the clip to an RTMP URL. It plays in real time if live is set, else as fast as
// it is taken. Args stand between the input and the output; they may add audio or change timestamps. The publisher is killed
// when the test ends.
func (c Clip) Publish(tb testing.TB, url string, live bool, args ...string) *Publisher {
	tb.Helper()
	return PublishFile(tb, c.File(tb), url, live, args...)
}

// Loop starts a real ffmpeg that publishes the clip to an RTMP URL over and over, in real time. Its timestamps go on. Args stand between
// the input and the output; they may add audio. The publisher is killed when the test ends.
func (c Clip) Loop(tb testing.TB, url string, args ...string) *Publisher {
	tb.Helper()
	line := []string{"-re", "-stream_loop", "-1", "-i", c.File(tb)}
	return Run(tb, append(append(line, args...), "-c:v", "copy", "-f", "flv", url)...)
}

// PublishFile is Publish of a video file.
func PublishFile(tb testing.TB, path, url string, live bool, args ...string) *Publisher {
	tb.Helper()
	line := []string{"-i", path}
	if live {
		line = []string{"-re", "-i", path}
	}
	return Run(tb, append(append(line, args...), "-c:v", "copy", "-f", "flv", url)...)
}

// Run starts a real ffmpeg. It is killed when the test ends.
func Run(tb testing.TB, args ...string) *Publisher {
	tb.Helper()
	peer.Needs(tb, "ffmpeg")
	ctx, cancel := context.WithCancel(context.Background())
	p := &Publisher{cmd: exec.CommandContext(ctx, "ffmpeg", append([]string{"-nostdin", "-v", "error"}, args...)...), cancel: cancel}
	p.cmd.Stderr = &p.output
	if err := p.cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(p.Kill)
	return p
}

// Process returns ffmpeg's process, to send it signals.
func (p *Publisher) Process() *os.Process { return p.cmd.Process }

// Wait waits until ffmpeg has ended by itself; the error says whether it failed, with what it printed.
func (p *Publisher) Wait() (output string, err error) {
	err = p.cmd.Wait()
	p.cancel()
	return p.output.String(), err
}

// Kill ends ffmpeg at once, as a crash or a lost network would, and waits for it. It may be called more than once.
func (p *Publisher) Kill() {
	p.cancel()
	if p.cmd.ProcessState == nil {
		_ = p.cmd.Wait()
	}
}
