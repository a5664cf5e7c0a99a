package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

const (
	rate        = 30 // pictures a second
	clipSeconds = 2  // of one GOP
)

// A clip is what publishers publish over and over: the bodies of a GOP's video messages, and the sequence header before them.
type clip struct {
	header []byte
	bodies [][]byte
}

// encode makes a clip of 720p at 2 Mbit/s.
func encode(ctx context.Context) (c clip, err error) {
	cmd := exec.CommandContext(ctx, "ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi",
		"-i", fmt.Sprintf("testsrc2=s=1280x720:r=%d:d=%d,noise=alls=8:allf=t", rate, clipSeconds), "-c:v", "libx264", "-preset", "veryfast",
		"-tune", "zerolatency", "-pix_fmt", "yuv420p", "-g", fmt.Sprint(clipSeconds*rate), "-sc_threshold", "0",
		"-b:v", "2M", "-maxrate", "2M", "-bufsize", "2M", "-f", "flv", "-flvflags", "no_sequence_end", "-")
	cmd.Stderr = os.Stderr
	file, err := cmd.Output()
	const header, tagHeader, trailer, typeVideo = 13, 11, 4, 9
	size := 0
	for b := file[min(header, len(file)):]; len(b) > tagHeader; {
		end := tagHeader + int(binary.BigEndian.Uint32(b)&0xffffff)
		if body := b[tagHeader:end]; b[0] != typeVideo {
		} else if body[1] == 0 {
			c.header = body
		} else {
			c.bodies = append(c.bodies, body)
			size += len(body)
		}
		b = b[end+trailer:]
	}
	log.Printf("the clip has %.2f Mbit/s", float64(size)*8/1e6/clipSeconds)
	if err == nil && len(c.bodies) != clipSeconds*rate {
		err = fmt.Errorf("a clip of %d pictures", len(c.bodies))
	}
	return c, err
}

// In front of each picture stands when it was sent, as user data of H.264 (D.1.7): a type, a length, sixteen bytes that say whose, and
// the nanoseconds in as many digits of hexadecimals.
const (
	stampMark = "livestill's load"
	stampForm = "\x00\x00\x00\x24\x06\x05\x20" + stampMark + "%016x\x80"
)

// stamped returns the body of a video message with the time in it.
func stamped(body []byte, at time.Time) []byte {
	const header = 5
	return slices.Concat(body[:header], fmt.Appendf(nil, stampForm, at.UnixNano()), body[header:])
}

// stamp returns when a unit was sent.
func stamp(unit []byte) (at time.Time, ok bool) {
	_, after, ok := bytes.Cut(unit[:min(len(unit), 256)], []byte(stampMark)) // parameter sets come before it
	if !ok {
		return at, false
	}
	ns, err := strconv.ParseInt(string(after[:16]), 16, 64)
	return time.Unix(0, ns), err == nil
}

// publishMany has many publishers send a picture, be idle for some time, and go on.
func publishMany(ctx context.Context, addr string, count int, clip clip, idle time.Duration) int {
	var all sync.WaitGroup
	var sent atomic.Int64
	for n := range count {
		all.Go(func() { sent.Add(int64(publish(ctx, addr, fmt.Sprint("good", n), clip, idle))) })
	}
	all.Wait()
	return int(sent.Load())
}

// publish publishes the clip in real time, and returns how many pictures it sent. It goes on at any time of a GOP's length, so that
// the key pictures of many publishers do not all come at once.
func publish(ctx context.Context, addr, name string, clip clip, idle time.Duration) (sent int) {
	conn, err := begin(ctx, addr, name)
	if err == nil {
		defer func() { _ = conn.Close() }()
	}
	buffer := chunks(4, 0, 9, clip.header)
	first := time.Now().Add(idle + rand.N(clipSeconds*time.Second))
	for ; err == nil && ctx.Err() == nil; sent++ {
		body := clip.bodies[sent%len(clip.bodies)]
		_, err = conn.Write(append(buffer, chunks(4, uint32(sent*1000/rate), 9, stamped(body, time.Now()))...))
		buffer = nil
		pause(ctx, time.Until(first.Add(time.Duration(sent)*time.Second/rate)))
	}
	if tcp, ok := conn.(*net.TCPConn); ok && err == nil {
		_, err = conn.Write(chunks(3, 0, 20, []byte(deleteStream)))
		err = errors.Join(err, tcp.CloseWrite())
		_, _ = io.Copy(io.Discard, conn) // until the server has all of it
	}
	if err != nil {
		log.Printf("%s after %d units: %v", name, sent, err)
	}
	return sent
}

// begin connects to the server, and returns when it is let in to publish.
func begin(ctx context.Context, addr, name string) (net.Conn, error) {
	conn, err := dial(ctx, addr, 0)
	if err != nil {
		return nil, err
	}
	_, err = conn.Write(opening(name))
	for answer := []byte(nil); err == nil && !bytes.Contains(answer, []byte(publishStart)); {
		more := make([]byte, 4096)
		var n int
		n, err = conn.Read(more)
		answer = append(answer, more[:n]...)
	}
	if err != nil {
		_ = conn.Close()
	}
	return conn, err
}

// handshake returns what a client says in the handshake, with no wait for the server's part.
func handshake() []byte { return append([]byte{3}, make([]byte, 2*1536)...) }

// opening returns all that a publisher says before its media, with no wait for answers. From there on, chunks have 4096 bytes.
func opening(name string) []byte {
	named := slices.Concat([]byte(publishCall), []byte{byte(len(name))}, []byte(name))
	return slices.Concat(handshake(), chunks(3, 0, 20, []byte(connect)), chunks(3, 0, 20, []byte(createStream)),
		chunks(3, 0, 20, named), chunks(2, 0, 1, []byte{0, 0, 0x10, 0}))
}

// Bodies of messages: commands in AMF0 with the ids 1, 2, 3 and none, the third without its name. PublishStart is in the last answer.
const (
	publishStart = "NetStream.Publish.Start"
	connect      = "\x02\x00\x07connect\x00\x3f\xf0\x00\x00\x00\x00\x00\x00\x03\x00\x03app\x02\x00\x04load\x00\x00\x09"
	createStream = "\x02\x00\x0ccreateStream\x00\x40\x00\x00\x00\x00\x00\x00\x00\x05"
	publishCall  = "\x02\x00\x07publish\x00\x40\x08\x00\x00\x00\x00\x00\x00\x05\x02\x00"
	deleteStream = "\x02\x00\x0cdeleteStream\x00\x00\x00\x00\x00\x00\x00\x00\x00\x05\x00\x3f\xf0\x00\x00\x00\x00\x00\x00"
)

// chunks returns a message in chunks of 4096 bytes. All that comes before the server is told so fits in the 128 that are valid until then.
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
