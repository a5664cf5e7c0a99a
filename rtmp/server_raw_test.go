package rtmp_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"testing"

	"github.com/livestill/livestill/rtmp"
	"github.com/yutopp/go-amf0"
	"github.com/yutopp/go-rtmp/handshake"
)

// A client is a publisher built byte by byte. It does not use the package's own chunks to write.
type client struct {
	t    testing.TB
	conn net.Conn
	chunker
	next func() (rtmp.Message, error)
}

// dial connects to the server and shakes hands.
func dial(tb testing.TB, addr string) *client {
	tb.Helper()
	return greet(tb, connect(tb, addr))
}

// greet shakes hands over a connection.
func greet(tb testing.TB, conn net.Conn) *client {
	tb.Helper()
	if err := handshake.HandshakeWithServer(conn, conn, &handshake.Config{}); err != nil {
		tb.Fatal(err)
	}
	return &client{t: tb, conn: conn, next: rtmp.Messages(bufio.NewReader(conn), 1<<20)}
}

// connect connects to addr until the test ends.
func connect(tb testing.TB, addr string) net.Conn {
	tb.Helper()
	conn, err := new(net.Dialer).DialContext(tb.Context(), "tcp", addr)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = conn.Close() })
	return conn
}

// send sends what was written. An error is not one of the test's: servers may hang up.
func (c *client) send() error {
	_, err := c.conn.Write(c.out)
	c.out = c.out[:0]
	return err
}

// call writes and sends a command.
func (c *client) call(stream uint32, name string, id float64, args ...any) {
	c.write(3, rtmp.Message{Kind: commandAMF0, Stream: stream, Body: call(c.t, name, id, args...)})
	_ = c.send()
}

func call(tb testing.TB, name string, id float64, args ...any) []byte {
	tb.Helper()
	var b bytes.Buffer
	for _, v := range append([]any{name, id}, args...) {
		if err := amf0.NewEncoder(&b).Encode(v); err != nil {
			tb.Fatal(err)
		}
	}
	return b.Bytes()
}

// answer reads up to the next command and returns its values.
func (c *client) answer() []any {
	c.t.Helper()
	for {
		p, err := c.next()
		if err != nil {
			c.t.Fatal(err)
		}
		if p.Kind != commandAMF0 {
			continue
		}
		values, err := rtmp.DecodeAMF(p.Body)
		if err != nil {
			c.t.Fatal(err)
		}
		return values
	}
}

// status reads up to the next onStatus and returns its code and description.
func (c *client) status() (code, description string) {
	c.t.Helper()
	for {
		values := c.answer()
		if info, ok := values[len(values)-1].(map[string]any); ok && values[0] == "onStatus" {
			return info["code"].(string), info["description"].(string)
		}
	}
}

// publish goes through the commands of a publisher to app live, and begins with the sequence header of a test stream.
func (c *client) publish(key string) {
	c.t.Helper()
	c.call(0, "connect", 1, map[string]any{"app": "live", "tcUrl": "rtmp://host/live"})
	c.answer()
	c.call(0, "createStream", 2, nil)
	c.answer()
	c.call(1, "publish", 3, nil, key, "live")
	if code, text := c.status(); code != "NetStream.Publish.Start" {
		c.t.Fatalf("publish: %s, %s", code, text)
	}
	c.write(4, rtmp.Message{Kind: video, Stream: 1, Body: sequenceHeader})
}

// unpublish leaves properly, and waits for the server to have seen it.
func (c *client) unpublish() {
	c.t.Helper()
	c.call(1, "deleteStream", 4, nil, 1)
	if code, text := c.status(); code != "NetStream.Unpublish.Success" {
		c.t.Errorf("unpublish: %s, %s", code, text)
	}
	c.closed()
}

// closed waits for the server to hang up.
func (c *client) closed() {
	c.t.Helper()
	_ = c.conn.(*net.TCPConn).CloseWrite()
	c.hungUp()
}

// hungUp waits for the server to hang up by itself.
func (c *client) hungUp() {
	c.t.Helper()
	_, _ = io.Copy(io.Discard, c.conn)
}

// picture returns the body of a video message with a slice of the given size; it is a key picture or refers to the one before.
func picture(key bool, size int) []byte {
	head, slice := byte(0x27), byte(0x41)
	if key {
		head, slice = 0x17, 0x65
	}
	b := binary.BigEndian.AppendUint32([]byte{head, 1, 0, 0, 0}, uint32(size))
	b = append(b, slice, 0x88, 0x84)
	return append(b, bytes.Repeat([]byte{0xaa}, size-3)...)
}

// sequenceHeader is an AVC sequence header with two parameter sets, which have their ids and little else.
var sequenceHeader = []byte("\x17\x00\x00\x00\x00\x01\x42\xc0\x14\xff\xe1\x00\x05\x67\x42\xc0\x14\xda\x01\x00\x04\x68\xce\x0f\x2c")

// script returns what a publisher sends that waits for no answer: handshake, commands, sequence header, and then a key picture.
func script(tb testing.TB) []byte {
	tb.Helper()
	return append(append([]byte{3}, make([]byte, 2*1536)...), commands(tb).out...)
}

// commands returns what script has behind the handshake.
func commands(tb testing.TB) *chunker {
	tb.Helper()
	w := new(chunker)
	for i, body := range [][]byte{
		call(tb, "connect", 1, map[string]any{"app": "live"}), call(tb, "createStream", 2, nil), call(tb, "publish", 3, nil, "key", "live"),
	} {
		w.write(3, rtmp.Message{Kind: commandAMF0, Stream: uint32(i / 2), Body: body})
	}
	w.write(4, rtmp.Message{Kind: video, Stream: 1, Body: sequenceHeader})
	w.write(4, rtmp.Message{Kind: video, Stream: 1, Body: picture(true, 300)})
	return w
}
