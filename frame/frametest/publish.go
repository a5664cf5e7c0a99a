package frametest

import (
	"bytes"
	"context"
	"os/exec"
	"testing"
)

// A Publisher is a running ffmpeg that publishes a clip.
type Publisher struct {
	cmd    *exec.Cmd
	cancel context.CancelFunc
	output bytes.Buffer
}

// Publish starts a real ffmpeg that publishes the clip to an RTMP URL. It plays in real time if live is set, else as fast as
// it is taken. Args stand before the output's format and may add audio or change timestamps. The publisher is killed when the
// test ends.
func (c Clip) Publish(tb testing.TB, url string, live bool, args ...string) *Publisher {
	tb.Helper()
	line := []string{"-nostdin", "-v", "error"}
	if live {
		line = append(line, "-re")
	}
	line = append(append(line, "-i", c.File(tb), "-c", "copy"), args...)
	ctx, cancel := context.WithCancel(context.Background())
	p := &Publisher{cmd: exec.CommandContext(ctx, "ffmpeg", append(line, "-f", "flv", url)...), cancel: cancel}
	p.cmd.Stderr = &p.output
	if err := p.cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { p.Kill() })
	return p
}

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
