package rtmp_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/livestill/livestill/rtmp"
)

// Connections that drip, send garbage, say nothing, or begin messages of 16 MiB on many chunk streams cost little memory, and a
// real ffmpeg beside them loses no unit. Examples/rtmpload does this with ten thousand, and says how late the units are.
func TestHundredsOfHostileConnections(t *testing.T) {
	const connections, most = 300, 20 << 10 // bytes for each; of ten thousand, 200 MiB
	got := make(recorder, connections)
	addr, stop := start(t, &rtmp.Server{Handler: got, MaxConnsPerAddr: -1})
	good := reordered.Publish(t, "rtmp://"+addr+"/live/good", true)
	before := inUse()
	slow, ended := make(chan net.Conn, connections), make(chan struct{})
	for n := range connections {
		conn := connect(t, addr)
		switch n % 4 {
		case 0:
			slow <- conn
		case 1:
			_, _ = conn.Write(append(script(t)[:1+2*1536], noise(20_000)...))
		case 2: // nothing
		case 3:
			b := script(t)
			for id := range byte(58) {
				b = append(append(b, 5+id, 0, 0, 0, 0xff, 0xff, 0xff, video, 1, 0, 0, 0), make([]byte, 128)...)
			}
			_, _ = conn.Write(b)
			_, _ = io.Copy(io.Discard, conn) // the server hangs up
		}
	}
	close(slow)
	var dripping sync.WaitGroup
	dripping.Go(func() { drip(t, slow, ended) })
	if output, err := good.Wait(); err != nil {
		t.Errorf("ffmpeg: %v\n%s", err, output)
	}
	if n := inUse() - before; n > connections*most {
		t.Errorf("%d bytes for each connection", n/connections)
	}
	close(ended)
	dripping.Wait()
	stop()
	close(got)
	for r := range got {
		if r.name == "live/good" {
			check(t, r, "live/good", 60, 2)
			return
		}
	}
	t.Error("the good stream did not come")
}

// inUse returns the bytes of memory that are in use.
func inUse() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

func noise(size int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(rand.Uint32())
	}
	return b
}

// drip sends a publisher's script to all conns a byte at a time, until it has ended.
func drip(tb testing.TB, conns <-chan net.Conn, ended <-chan struct{}) {
	tb.Helper()
	var all []net.Conn
	for conn := range conns {
		all = append(all, conn)
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for _, b := range script(tb) {
		for _, conn := range all {
			_, _ = conn.Write([]byte{b})
		}
		select {
		case <-tick.C:
		case <-ended:
			return
		}
	}
}

// Publishers that send as fast as they can do not lose each other's units.
func TestManyPublishersAtOnce(t *testing.T) {
	const publishers, pictures = 50, 60
	got := make(recorder, publishers)
	addr, _ := start(t, &rtmp.Server{Handler: got})
	t.Run("all", func(t *testing.T) {
		for n := range publishers {
			t.Run(fmt.Sprint(n), func(t *testing.T) {
				t.Parallel()
				c := dial(t, addr)
				c.publish(fmt.Sprint(n))
				for i := range uint32(pictures) {
					c.write(4, rtmp.Message{Kind: video, Stream: 1, Time: 40 * i, Body: picture(i == 0, 8<<10)})
					if err := c.send(); err != nil {
						t.Fatal(err)
					}
				}
				c.unpublish()
			})
		}
	})
	names := make(map[string]bool)
	for range publishers {
		r := <-got
		names[r.name] = true
		check(t, r, r.name, pictures, 1)
	}
	if len(names) != publishers {
		t.Errorf("%d streams, want %d", len(names), publishers)
	}
}
