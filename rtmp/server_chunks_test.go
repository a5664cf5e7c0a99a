package rtmp_test

import (
	"net"
	"sync/atomic"
	"testing"

	"github.com/livestill/livestill/frame/frametest"
	"github.com/livestill/livestill/internal/ingest/ingesttest"
	"github.com/livestill/livestill/rtmp"
)

// A readsListener counts the reads of its connections that brought something.
type readsListener struct {
	net.Listener
	reads atomic.Int64
}

func (l *readsListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return &readsConn{c, l}, err
}

type readsConn struct {
	net.Conn
	of *readsListener
}

func (c *readsConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.of.reads.Add(1)
	}
	return n, err
}

// TestPicturesComeInOnePiece: a real ffmpeg in real time writes each picture at once, since it is told to, and not in chunks of 128 bytes.
func TestPicturesComeInOnePiece(t *testing.T) {
	got := make(recorder, 1)
	ln := &readsListener{Listener: ingesttest.Listen(t)}
	serve(t, &rtmp.Server{Handler: got}, ln)
	clip := frametest.Clip{Width: 640, Height: 360, Frames: 60, GOP: 30}
	if out, err := clip.Publish(t, "rtmp://"+ln.Addr().String()+"/live/alice", true).Wait(); err != nil {
		t.Fatal(err, out)
	}
	r := <-got
	bytes := 0
	for _, u := range r.units {
		bytes += len(u.Data)
	}
	if reads, units := ln.reads.Load(), int64(len(r.units)); units != 60 || reads > 5*units || int64(bytes) < 1000*units {
		t.Errorf("%d reads for %d units of %d bytes", reads, units, bytes)
	}
}
