package rtmp_test

import (
	"encoding/binary"
	"errors"
	"io"
	"maps"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/livestill/livestill/rtmp"
)

func TestCommandsAreAnswered(t *testing.T) {
	addr, _ := start(t, &rtmp.Server{Handler: make(recorder, 1)})
	c := dial(t, addr)
	c.call(0, "connect", 1, map[string]any{"app": "live", "objectEncoding": 3.0})
	if a := c.answer(); a[0] != "_result" || a[1] != 1.0 || a[3].(map[string]any)["code"] != "NetConnection.Connect.Success" {
		t.Errorf("connect: %v", a)
	}
	for id, call := range []struct {
		name string
		want []any // behind the id
	}{
		{"releaseStream", []any{nil, nil}},
		{"FCPublish", []any{nil, nil}},
		{"createStream", []any{nil, 1.0}},
		{"createStream", []any{nil, 2.0}},
		{"_checkbw", []any{nil, nil}},
		{"getStreamLength", []any{nil, 0.0}},
		{"FCUnpublish", []any{nil, nil}},
	} {
		c.call(0, call.name, float64(id+2), nil, "key")
		if a := c.answer(); a[0] != "_result" || a[1] != float64(id+2) || !reflect.DeepEqual(a[2:], call.want) {
			t.Errorf("%s: %v", call.name, a)
		}
	}
	c.call(0, "makeCoffee", 77, nil)
	if a := c.answer(); a[0] != "_error" || a[1] != 77.0 {
		t.Errorf("makeCoffee: %v", a)
	}
	for _, name := range []string{"makeCoffee", "_checkbw"} { // id 0 wants no answer
		c.call(0, name, 0, nil)
	}
	for _, name := range []string{"_result", "onStatus", "deleteStream", "closeStream"} { // nor do these
		c.call(0, name, 9, nil)
	}
	c.call(1, "play", 0, nil, "key")
	if code, _ := c.status(); code != "NetStream.Play.Failed" {
		t.Errorf("play: %s", code)
	}
	c.closed()
}

func TestAMF3CommandsAndPings(t *testing.T) {
	got := make(recorder, 1)
	addr, _ := start(t, &rtmp.Server{Handler: got})
	c := dial(t, addr)
	for i, body := range [][]byte{
		call(t, "connect", 1, map[string]any{"app": "live"}), call(t, "FCPublish", 2, nil, "key"), call(t, "publish", 3, nil, "key"),
	} {
		c.write(3, rtmp.Message{Kind: commandAMF3, Stream: uint32(i / 2), Body: append([]byte{0}, body...)})
	}
	c.write(2, rtmp.Message{Kind: userControl, Body: []byte{0, 6, 1, 2, 3, 4}})
	c.write(2, rtmp.Message{Kind: userControl, Body: []byte{0, 31}})
	c.control(windowSize, 3000)
	c.write(4, rtmp.Message{Kind: audio, Stream: 1, Body: make([]byte, 9000)})
	if err := c.send(); err != nil {
		t.Fatal(err)
	}
	var pong, acknowledged, announced, begun bool
	for !pong || !acknowledged || !announced || !begun {
		p, err := c.next()
		if err != nil {
			t.Fatalf("%v; pong %v, acknowledged %v, announced %v, begun %v", err, pong, acknowledged, announced, begun)
		}
		switch p.Kind {
		case userControl:
			pong = string(p.Body) == "\x00\x07\x01\x02\x03\x04"
		case acknowledge:
			acknowledged = binary.BigEndian.Uint32(p.Body) > 3000
		case commandAMF0:
			announced = announced || strings.Contains(string(p.Body), "onFCPublish")
			begun = begun || strings.Contains(string(p.Body), "NetStream.Publish.Start")
		}
	}
	c.unpublish()
	check(t, <-got, "live/key", 0, 0)
}

func TestNamesAndQueries(t *testing.T) {
	for _, c := range []struct {
		what       string
		app, tcURL string
		key        string
		want       string
		query      map[string][]string
	}{
		{"plain", "live", "rtmp://h/live", "key", "live/key", nil},
		{"slash behind the app", "live/", "", "key", "live/key", nil},
		{"instance of an app", "live/east", "", "key", "live/east/key", nil},
		{"no app", "", "", "key", "key", nil},
		{"no key", "live", "", "", "live", nil},
		{"query of the key", "live", "", "key?a=1&b=2", "live/key", map[string][]string{"a": {"1"}, "b": {"2"}}},
		{"query of the app", "live?a=1", "rtmp://h/live?a=1", "key", "live/key", map[string][]string{"a": {"1"}}},
		{"query of tcUrl", "live", "rtmp://h/live?a=1", "key", "live/key", map[string][]string{"a": {"1"}}},
		{"the key's goes first", "live?a=app&b=app", "rtmp://h/live?a=url&b=url&c=url", "key?a=key", "live/key",
			map[string][]string{"a": {"key"}, "b": {"app"}, "c": {"url"}}},
		{"a malformed query", "live", "", "key?a=%zz&b=2", "live/key", map[string][]string{"b": {"2"}}},
		{"nothing at all", "", "", "?a=1", "", nil},
		{"a control character", "live", "", "key\n", "", nil},
		{"no UTF-8", "live", "", "\xff", "", nil},
	} {
		t.Run(c.what, func(t *testing.T) {
			got := make(recorder, 1)
			addr, _ := start(t, &rtmp.Server{Handler: got})
			conn := dial(t, addr)
			conn.call(0, "connect", 1, map[string]any{"app": c.app, "tcUrl": c.tcURL})
			conn.call(1, "publish", 2, nil, c.key, "live")
			code, text := conn.status()
			if c.want == "" {
				if code != "NetStream.Publish.BadName" {
					t.Errorf("got %s, %s", code, text)
				}
				conn.closed()
				return
			}
			conn.unpublish()
			r := <-got
			if r.name != c.want || !maps.EqualFunc(r.query, c.query, func(a, b []string) bool { return reflect.DeepEqual(a, b) }) {
				t.Errorf("got %s %v, want %s %v", r.name, r.query, c.want, c.query)
			}
			if r.remote.String() != conn.conn.LocalAddr().String() {
				t.Errorf("remote %v, want %v", r.remote, conn.conn.LocalAddr())
			}
		})
	}
}

func TestEveryWayToLeave(t *testing.T) {
	for what, leave := range map[string]func(c *client){
		"FCUnpublish":              func(c *client) { c.call(0, "FCUnpublish", 5, nil, "key") },
		"deleteStream":             func(c *client) { c.call(0, "deleteStream", 5, nil, 1) },
		"deleteStream of a string": func(c *client) { c.call(0, "deleteStream", 0, nil, "1") },
		"closeStream":              func(c *client) { c.call(1, "closeStream", 0, nil) },
	} {
		t.Run(what, func(t *testing.T) {
			got := make(recorder, 1)
			addr, _ := start(t, &rtmp.Server{Handler: got})
			c := dial(t, addr)
			c.publish("key")
			c.write(4, rtmp.Message{Kind: video, Stream: 1, Body: picture(true, 1000)})
			leave(c)
			if code, _ := c.status(); code != "NetStream.Unpublish.Success" {
				t.Error(code)
			}
			c.closed()
			check(t, <-got, "live/key", 1, 1)
		})
	}
}

// What is wrong in the middle of a stream ends it, with an error that says so.
func TestStreamsThatBreak(t *testing.T) {
	for _, c := range []struct {
		what string
		do   func(c *client)
		want error
	}{
		{"the socket is closed", func(c *client) { _ = c.conn.Close() }, io.ErrUnexpectedEOF},
		{"the socket is closed inside a message", func(c *client) {
			c.begin(4, 0, rtmp.Message{Kind: video, Stream: 1, Body: make([]byte, 999)})
			_ = c.send()
			_ = c.conn.Close()
		}, io.ErrUnexpectedEOF},
		{"a second publish", func(c *client) { c.call(1, "publish", 5, nil, "other") }, rtmp.ErrProtocol},
		{"a message too long", func(c *client) {
			c.write(4, rtmp.Message{Kind: video, Stream: 1, Body: make([]byte, 70<<10)})
			_ = c.send()
		}, rtmp.ErrLimit},
		{"a command too long", func(c *client) { c.call(1, "x", 0, strings.Repeat("x", 17<<10)) }, rtmp.ErrLimit},
	} {
		t.Run(c.what, func(t *testing.T) {
			got := make(recorder, 1)
			addr, _ := start(t, &rtmp.Server{Handler: got, MaxMessage: 64 << 10})
			conn := dial(t, addr)
			conn.publish("key")
			conn.write(4, rtmp.Message{Kind: video, Stream: 1, Body: picture(true, 1000)})
			conn.write(4, rtmp.Message{Kind: video, Stream: 1, Time: 40, Body: picture(false, 1000)})
			c.do(conn)
			r := <-got
			var wrapped *rtmp.Error
			if len(r.units) > 2 || r.err == nil || c.want != nil && !errors.Is(r.err, c.want) || !errors.As(r.err, &wrapped) {
				t.Errorf("%d units, then %v", len(r.units), r.err)
			}
			conn.hungUp()
		})
	}
}

// TestCodecThatIsNotTaken has a codec end its stream unless there were pictures: then it costs its message, and the stream goes on.
func TestCodecThatIsNotTaken(t *testing.T) {
	for about, body := range map[string][]byte{
		"Sorenson H.263": {0x12, 0}, "VP6 with alpha": {0x15, 0}, "On2 Screen": {0x16, 0, 0, 0, 0, 1}, "H.266": []byte("\x91vvc1\x00\x00\x00"),
	} {
		for _, pictures := range []int{0, 1, 2} {
			got := make(recorder, 1)
			addr, _ := start(t, &rtmp.Server{Handler: got})
			c := dial(t, addr)
			c.publish("key")
			for i := range pictures {
				c.write(4, rtmp.Message{Kind: video, Stream: 1, Time: uint32(40 * i), Body: picture(i == 0, 1000)})
			}
			c.write(4, rtmp.Message{Kind: video, Stream: 1, Time: 80, Body: body})
			if pictures == 0 {
				_ = c.send()
				var wrapped *rtmp.Error
				if r := <-got; len(r.units) > 0 || r.err == nil || !errors.As(r.err, &wrapped) || !strings.Contains(r.err.Error(), "unsupported video codec") {
					t.Errorf("%s: %d units, then %v", about, len(r.units), r.err)
				}
				c.hungUp()
				continue
			}
			c.write(4, rtmp.Message{Kind: video, Stream: 1, Time: 120, Body: picture(false, 1000)})
			c.write(4, rtmp.Message{Kind: video, Stream: 1, Time: 160, Body: picture(true, 1000)})
			c.unpublish()
			if r := <-got; len(r.units) != pictures+2 || r.err != nil {
				t.Errorf("%s after %d pictures: %d units, then %v", about, pictures, len(r.units), r.err)
			}
		}
	}
}

// Empty messages, messages of unknown kinds, abandoned ones and aggregates do no harm to the pictures around them.
func TestLegalOddities(t *testing.T) {
	got := make(recorder, 1)
	addr, _ := start(t, &rtmp.Server{Handler: got})
	c := dial(t, addr)
	c.publish("key")
	c.control(setChunkSize, 1000)
	c.size = 1000
	oddities := []func(){
		func() { c.write(4, rtmp.Message{Kind: video, Stream: 1}) },
		func() { c.write(5, rtmp.Message{Kind: 99, Stream: 1, Body: []byte("?")}) },
		func() { c.write(6, rtmp.Message{Kind: data, Stream: 1, Body: []byte{0xff}}) },
		func() {
			c.begin(70, 0, rtmp.Message{Kind: video, Stream: 1, Body: make([]byte, 5000)})
			c.control(abort, 70)
			c.streams[70].open = false
		},
		func() { c.write(4, rtmp.Message{Kind: video, Stream: 1, Body: []byte{0x57, 0}}) },          // a video command frame
		func() { c.write(4, rtmp.Message{Kind: video, Stream: 1, Body: []byte{0x17, 2, 0, 0, 0}}) }, // an end of sequence
	}
	for i, odd := range oddities {
		c.write(7, rtmp.Message{Kind: video, Stream: 1, Time: uint32(40 * i), Body: picture(i == 0, 3000)})
		odd()
	}
	if err := c.send(); err != nil {
		t.Fatal(err)
	}
	c.unpublish()
	check(t, <-got, "live/key", len(oddities), 1)
}

// 400 days of a stream, an hour between pictures.
func TestTimestampsForDays(t *testing.T) {
	const hours, hour = 400 * 24, 60 * 60 * 1000
	got := make(recorder, 1)
	addr, _ := start(t, &rtmp.Server{Handler: got})
	c := dial(t, addr)
	c.publish("key")
	for i := range uint32(hours) {
		c.write(4, rtmp.Message{Kind: video, Stream: 1, Time: i * hour, Body: picture(i == 0, 300)})
		if err := c.send(); err != nil {
			t.Fatal(err)
		}
	}
	c.unpublish()
	r := <-got
	check(t, r, "live/key", hours, 1)
	if last := r.units[hours-1].DTS; last != (hours-1)*time.Hour {
		t.Errorf("the last unit is at %v", last)
	}
}
