package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/examples/internal/usage"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/ffmpeg"
	"github.com/livestill/livestill/rtmp"
)

// What the server's process is.
const (
	reading    = "reading"    // an rtmp.Server whose streams are read, and forgotten
	defaults   = "defaults"   // the same with the bounds and the log that an rtmp.Server has by default
	discarding = "discarding" // no RTMP at all: what comes is read, as much at once as rtmp.Server does, and discarded
	cameras    = "cameras"    // an rtmp.Server with a capture.Camera for each stream
	capturing  = "capturing"  // the same, of which some are captured as fast as they can be
)

// beServer serves until standard input ends. It says where on standard output, and at its end what it has to report.
func beServer() {
	ctx, cancel := context.WithCancel(context.Background())
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(ln.Addr())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	var h handler
	var logged counter
	switch *serve {
	case discarding:
		discard(ctx, ln)
	case defaults:
		_ = (&rtmp.Server{Handler: &h, Logger: slog.New(slog.NewTextHandler(&logged, nil))}).Serve(ctx, ln)
	default:
		_ = (&rtmp.Server{Handler: &h, MaxConns: 100_000, MaxConnsPerAddr: -1, Logger: slog.New(slog.DiscardHandler)}).Serve(ctx, ln)
	}
	r := report{came: len(h.late), cpu: usage.CPU(), stills: int(h.stills.Load()), logged: int(logged.Load())}
	if slices.Sort(h.late); len(h.late) > 0 {
		r.p50, r.p99, r.max = h.late[len(h.late)/2], h.late[len(h.late)*99/100], h.late[len(h.late)-1]
	}
	fmt.Println(r.came, int64(r.p50), int64(r.p99), int64(r.max), int64(r.cpu), r.stills, r.logged)
}

// A counter counts the bytes that are written to it.
type counter struct{ atomic.Int64 }

func (c *counter) Write(p []byte) (int, error) {
	c.Add(int64(len(p)))
	return len(p), nil
}

// discard says to whoever connects what a publisher waits for, and reads the rest.
func discard(ctx context.Context, ln net.Listener) {
	context.AfterFunc(ctx, func() { _ = ln.Close() })
	for {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		go func() {
			_, err := conn.Write([]byte(publishStart))
			for buffer := make([]byte, 32<<10); err == nil; {
				_, err = conn.Read(buffer)
			}
			_ = conn.Close()
		}()
	}
}

// A handler measures how late good units come on their way to a Camera, or to nowhere.
type handler struct {
	decoder ffmpeg.Decoder
	stills  atomic.Int64

	mu   sync.Mutex
	live int
	late []time.Duration
}

// ServeStream is a frame.Handler.
func (h *handler) ServeStream(ctx context.Context, s *frame.Stream) error {
	h.mu.Lock()
	h.live++
	captured := *serve == capturing && h.live <= *captures
	h.mu.Unlock()

	var late []time.Duration
	measured := *s
	measured.Units = func(yield func(frame.AccessUnit, error) bool) {
		for u, err := range s.Units {
			if at, ok := stamp(u.Data); ok && strings.HasPrefix(s.Name, "load/good") {
				late = append(late, time.Since(at))
			}
			if !yield(u, err) {
				return
			}
		}
	}
	var err error
	if *serve == reading || *serve == defaults {
		for _, err = range measured.Units { // to the end
		}
	} else {
		cam := &capture.Camera{Decoder: &h.decoder, Encoder: &ffmpeg.JPEG{}}
		var capturing sync.WaitGroup
		ctx, cancel := context.WithCancel(ctx)
		if captured {
			capturing.Go(func() { h.capture(ctx, cam) })
		}
		err = cam.ServeStream(ctx, &measured)
		cancel()
		capturing.Wait()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.late = append(h.late, late...)
	return err
}

// capture captures one still after the other, of instants that share little.
func (h *handler) capture(ctx context.Context, cam *capture.Camera) {
	for ctx.Err() == nil {
		_, err := cam.Capture(ctx, capture.Request{Moment: capture.Ago(rand.N(clipSeconds * time.Second)), Tolerance: -1})
		switch {
		case err == nil:
			h.stills.Add(1)
		case ctx.Err() == nil && !errors.Is(err, capture.ErrForgotten): // it is, when the stream has just begun
			log.Print(err)
		}
	}
}

// A server is the server's process, as the load sees it.
type server struct {
	cmd   *exec.Cmd
	addr  string
	stdin io.Closer
	out   *bufio.Reader
}

// A report is what beServer says at its end: how many good units came, how late, what CPU time all took, how many stills
// were made, and how many bytes were logged.
type report struct {
	came               int
	p50, p99, max, cpu time.Duration
	stills, logged     int
}

func startServer(ctx context.Context, role string) *server {
	self, err := os.Executable()
	s := &server{cmd: exec.CommandContext(ctx, self, "-serve", role, "-captures", fmt.Sprint(*captures))}
	stdin, err1 := s.cmd.StdinPipe()
	out, err2 := s.cmd.StdoutPipe()
	s.cmd.Stderr, s.stdin, s.out = os.Stderr, stdin, bufio.NewReader(out)
	if err := errors.Join(err, err1, err2, s.cmd.Start()); err != nil {
		log.Fatal(err)
	}
	if _, err := fmt.Fscanln(s.out, &s.addr); err != nil {
		log.Fatal(err)
	}
	return s
}

func (s *server) stop() (r report) {
	_ = s.stdin.Close()
	if _, err := fmt.Fscan(s.out, &r.came, &r.p50, &r.p99, &r.max, &r.cpu, &r.stills, &r.logged); err != nil {
		log.Fatal(err)
	}
	_ = s.cmd.Wait()
	return r
}

// memory returns KiB from the server's entry in /proc: VmRSS is what it takes, VmHWM the most that it ever took.
func (s *server) memory(name string) (n int) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		log.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "\n"+name+":")
	_, _ = fmt.Sscan(rest, &n)
	return n
}

// files returns how many files the server has open. Connections are files, too.
func (s *server) files() int {
	files, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.cmd.Process.Pid))
	return len(files)
}
