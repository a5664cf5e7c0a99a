// Rtmpload puts an rtmp.Server under load and says what that costs: one good publisher alone, the same beside ten thousand
// hostile connections, and five hundred good ones at 2 Mbit/s. The server is a process of its own, so that its memory is told
// apart from that of the load.
//
//	go run ./examples/rtmpload
//	go run ./examples/rtmpload -connections 300 -publishers 50 -seconds 5
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"flag"
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
	"syscall"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/rtmp"
)

var (
	connections = flag.Int("connections", 10_000, "hostile connections at once")
	publishers  = flag.Int("publishers", 500, "publishers at 2 Mbit/s at once")
	seconds     = flag.Int("seconds", 30, "how long each load lasts")
	serve       = flag.Bool("serve", false, "be the server, until standard input ends")
)

func main() {
	flag.Parse()
	if *serve {
		beServer()
		return
	}
	log.SetFlags(log.Ltime)
	table := fmt.Sprintf("%-28s %7s %7s %27s %9s %11s %9s\n", "", "sent", "came", "late p50, p99, max", "peak RSS", "server CPU", "load CPU")
	for _, load := range []struct {
		name string
		put  func(ctx context.Context, addr string) (sent int)
	}{
		{"one publisher alone", func(ctx context.Context, addr string) int { return publish(ctx, addr, "good", 0) }},
		{fmt.Sprint(*connections, " hostile connections"), beHostile},
		{fmt.Sprint(*publishers, " publishers at 2 Mbit/s"), publishMany},
	} {
		log.Print(load.name)
		s, begin, before := startServer(), time.Now(), cpu()
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(*seconds)*time.Second)
		watched := make(chan struct{})
		go func() {
			defer close(watched)
			for pause(ctx, 2*time.Second) {
				log.Printf("server: %d files open, RSS %d KiB", s.files(), s.memory("VmRSS"))
			}
		}()
		sent := load.put(ctx, s.addr)
		cancel()
		<-watched
		share := func(d time.Duration) string {
			return fmt.Sprintf("%.0f %%", 100*d.Seconds()/time.Since(begin).Seconds())
		}
		mine, peak := share(cpu()-before), s.memory("VmHWM")
		r := s.stop()
		late := fmt.Sprintf("%.1f, %.1f, %.1f ms", 1e3*r.p50.Seconds(), 1e3*r.p99.Seconds(), 1e3*r.max.Seconds())
		table += fmt.Sprintf("%-28s %7d %7d %27s %5d MiB %11s %9s\n",
			load.name, sent, r.came, late, peak>>10, share(r.cpu), mine)
	}
	fmt.Print("\n", table, "CPU in per cent of one core; late is from the send of a good unit to its arrival at the Handler.\n")
}

// beHostile publishes one good stream beside connections of four kinds, which are made anew when the server ended them.
func beHostile(ctx context.Context, addr string) (sent int) {
	var all sync.WaitGroup
	for n := range *connections {
		attack := []func(context.Context, net.Conn){drip, garbage, func(context.Context, net.Conn) {}, longMessages}[n%4]
		all.Go(func() {
			for pause(ctx, rand.N(4*time.Second)) {
				conn, err := dial(ctx, addr, n)
				if err != nil {
					continue
				}
				hangUp := context.AfterFunc(ctx, func() { _ = conn.Close() })
				attack(ctx, conn)
				_, _ = io.Copy(io.Discard, conn) // until the server has had enough
				hangUp()
				_ = conn.Close()
			}
		})
	}
	sent = publish(ctx, addr, "good", 0)
	all.Wait()
	return sent
}

// drip says all that a publisher would, a byte a second.
func drip(ctx context.Context, conn net.Conn) {
	for _, b := range opening("slow") {
		if _, err := conn.Write([]byte{b}); err != nil || !pause(ctx, time.Second) {
			return
		}
	}
}

func garbage(_ context.Context, conn net.Conn) {
	b := make([]byte, 20_000)
	for i := range b {
		b[i] = byte(rand.Uint32())
	}
	_, _ = conn.Write(append(handshake(), b...))
}

// longMessages begins a message of 16 MiB on each of as many chunk streams as there may be, half of the time after it was let in.
func longMessages(_ context.Context, conn net.Conn) {
	b := [][]byte{handshake(), opening("hostile")}[rand.IntN(2)]
	for id := range byte(58) {
		b = append(append(b, 5+id, 0, 0, 0, 0xff, 0xff, 0xff, 9, 1, 0, 0, 0), make([]byte, 128)...)
	}
	_, _ = conn.Write(b)
}

// publishMany has many publishers send a picture, be idle for some seconds, and go on.
func publishMany(ctx context.Context, addr string) int {
	var all sync.WaitGroup
	var sent atomic.Int64
	for n := range *publishers {
		all.Go(func() { sent.Add(int64(publish(ctx, addr, fmt.Sprint("good", n), 5*time.Second))) })
	}
	all.Wait()
	return int(sent.Load())
}

// publish publishes pictures at 2 Mbit/s, the first of which is key, and returns how many it sent.
func publish(ctx context.Context, addr, name string, idle time.Duration) (sent int) {
	const rate = 30
	conn, err := dial(ctx, addr, 0)
	if err == nil {
		defer func() { _ = conn.Close() }()
		_, err = conn.Write(opening(name))
	}
	for answer := []byte(nil); err == nil && !bytes.Contains(answer, []byte("NetStream.Publish.Start")); {
		more := make([]byte, 4096)
		var n int
		n, err = conn.Read(more)
		answer = append(answer, more[:n]...)
	}
	buffer := chunks(4, 0, 9, []byte(sequenceHeader))
	body := append([]byte("\x17\x01\x00\x00\x00\x00\x00\x00\x00\x65"), make([]byte, 2_000_000/8/rate)...)
	binary.BigEndian.PutUint32(body[5:], uint32(len(body)-9))
	begin := time.Now().Add(idle + rand.N(time.Second/rate))
	for ; err == nil && ctx.Err() == nil; sent++ {
		binary.BigEndian.PutUint64(body[len(body)-8:], uint64(time.Now().UnixNano()))
		_, err = conn.Write(append(buffer, chunks(4, uint32(sent*1000/rate), 9, body)...))
		buffer, body[0], body[9] = nil, 0x27, 0x41 // what follows is not key
		pause(ctx, time.Until(begin.Add(time.Duration(sent)*time.Second/rate)))
	}
	if err == nil {
		_, err = conn.Write(chunks(3, 0, 20, []byte(deleteStream)))
		_, _ = io.Copy(io.Discard, conn) // until the server has all of it
	}
	if err != nil {
		log.Printf("%s after %d units: %v", name, sent, err)
	}
	return sent
}

// handshake returns what a client says in the handshake, with no wait for the server's part.
func handshake() []byte { return append([]byte{3}, make([]byte, 2*1536)...) }

// opening returns all that a publisher says before its media, with no wait for answers. From there on, chunks have 4096 bytes.
func opening(name string) []byte {
	named := slices.Concat([]byte(publishCall), []byte{byte(len(name))}, []byte(name))
	return slices.Concat(handshake(), chunks(3, 0, 20, []byte(connect)), chunks(3, 0, 20, []byte(createStream)),
		chunks(3, 0, 20, named), chunks(2, 0, 1, []byte{0, 0, 0x10, 0}))
}

// Bodies of messages: commands in AMF0 with the ids 1, 2, 3 and none, the third without its name, and an AVC sequence header.
const (
	connect        = "\x02\x00\x07connect\x00\x3f\xf0\x00\x00\x00\x00\x00\x00\x03\x00\x03app\x02\x00\x04load\x00\x00\x09"
	createStream   = "\x02\x00\x0ccreateStream\x00\x40\x00\x00\x00\x00\x00\x00\x00\x05"
	publishCall    = "\x02\x00\x07publish\x00\x40\x08\x00\x00\x00\x00\x00\x00\x05\x02\x00"
	deleteStream   = "\x02\x00\x0cdeleteStream\x00\x00\x00\x00\x00\x00\x00\x00\x00\x05\x00\x3f\xf0\x00\x00\x00\x00\x00\x00"
	sequenceHeader = "\x17\x00\x00\x00\x00\x01\x42\xc0\x14\xff\xe1\x00\x05\x67\x42\xc0\x14\xda\x01\x00\x04\x68\xce\x0f\x2c"
)

// chunks returns a message in chunks of 4096 bytes. All that comes before the server is told so fits in the 128 that hold until then.
func chunks(id byte, at uint32, kind byte, body []byte) []byte {
	n := len(body)
	b := []byte{id, byte(at >> 16), byte(at >> 8), byte(at), byte(n >> 16), byte(n >> 8), byte(n), kind, 1, 0, 0, 0}
	for i, part := range slices.Collect(slices.Chunk(body, 4096)) {
		if i > 0 {
			b = append(b, 0xc0|id)
		}
		b = append(b, part...)
	}
	return b
}

// dial connects from one of several addresses of the loopback interface, which has ports for some 28,000 connections each.
func dial(ctx context.Context, addr string, n int) (net.Conn, error) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(1+n%16))}, Timeout: 10 * time.Second}
	return d.DialContext(ctx, "tcp", addr)
}

// pause waits, and tells whether there is time left after that.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// beServer serves until standard input ends. It says where on standard output, and at its end how many good units came, how late,
// and what CPU time that took.
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
	var mu sync.Mutex
	var all []time.Duration
	handler := func(_ context.Context, s *frame.Stream) error {
		var late []time.Duration
		for u, err := range s.Units {
			if err == nil && strings.HasPrefix(s.Name, "load/good") {
				late = append(late, time.Since(time.Unix(0, int64(binary.BigEndian.Uint64(u.Data[len(u.Data)-8:])))))
			}
		}
		mu.Lock()
		defer mu.Unlock()
		all = append(all, late...)
		return nil
	}
	s := &rtmp.Server{Handler: frame.HandlerFunc(handler), MaxConns: 100_000, Logger: slog.New(slog.DiscardHandler)}
	_ = s.Serve(ctx, ln)
	if slices.Sort(all); len(all) == 0 {
		log.Fatal("no good unit came")
	}
	fmt.Println(len(all), int64(all[len(all)/2]), int64(all[len(all)*99/100]), int64(all[len(all)-1]), int64(cpu()))
}

// A server is the server's process, as the load sees it.
type server struct {
	cmd   *exec.Cmd
	addr  string
	stdin io.Closer
	out   *bufio.Reader
}

// A report is what beServer says at its end.
type report struct {
	came               int
	p50, p99, max, cpu time.Duration
}

func startServer() *server {
	self, err := os.Executable()
	s := &server{cmd: exec.CommandContext(context.Background(), self, "-serve")}
	stdin, err1 := s.cmd.StdinPipe()
	out, err2 := s.cmd.StdoutPipe()
	s.stdin, s.out = stdin, bufio.NewReader(out)
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
	if _, err := fmt.Fscan(s.out, &r.came, &r.p50, &r.p99, &r.max, &r.cpu); err != nil {
		log.Fatal(err)
	}
	_ = s.cmd.Wait()
	return r
}

// memory returns KiB from the server's entry in /proc: VmRSS is what it holds, VmHWM the most that it ever held.
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

// cpu returns the CPU time of this process so far.
func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
