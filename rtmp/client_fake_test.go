package rtmp_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/ingest/ingesttest"
	"github.com/livestill/livestill/rtmp"
)

// A player is a connection of a Client to a server that is built byte by byte.
type player struct {
	client
	object map[string]any // of connect
}

// fake runs a server of which serve serves each connection, the nth as n, until the test ends, and returns its address.
func fake(t *testing.T, serve func(n int, p *player)) (addr string) {
	t.Helper()
	return ingesttest.Serve(t, func(n int, conn net.Conn) {
		serve(n, &player{client: client{t: t, conn: conn, next: rtmp.Messages(bufio.NewReader(conn), 1<<20)}})
	})
}

// greet shakes hands and reads connect. It is false if the Client leaves before.
func (p *player) greet() bool {
	hello := make([]byte, 1+1536)
	if _, err := io.ReadFull(p.conn, hello); err != nil {
		return false
	}
	_, _ = p.conn.Write(append(append([]byte{3}, make([]byte, 1536)...), hello[1:]...))
	if _, err := io.ReadFull(p.conn, hello[1:]); err != nil {
		return false
	}
	connect, ok := p.command("connect")
	if !ok {
		return false
	}
	p.object, _ = connect[2].(map[string]any)
	return true
}

// command reads up to the command of that name. It is false if the Client leaves before.
func (p *player) command(name string) (values []any, ok bool) {
	for {
		m, err := p.next()
		if err != nil {
			return nil, false
		}
		if m.Kind != commandAMF0 {
			continue
		}
		values, err := rtmp.DecodeAMF(m.Body)
		if err != nil {
			p.t.Error(err)
			return nil, false
		}
		if values[0] == name {
			return values, true
		}
	}
}

// connected answers connect and createStream, with a stream of id 1. It is false if the Client leaves before.
func (p *player) connected() bool {
	p.control(windowSize, 2500000)
	p.write(2, rtmp.Message{Kind: setPeerBandwidth, Body: []byte{0, 0, 0x10, 0, 2}})
	p.call(0, "onBWDone", 0, nil)
	p.call(0, "_result", 1, nil, map[string]any{"level": "status", "code": "NetConnection.Connect.Success"})
	create, ok := p.command("createStream")
	if ok {
		p.call(0, "_result", create[1].(float64), nil, 1)
	}
	return ok
}

// asked goes through all up to play, and returns what it asks for. It is false if the Client leaves before.
func (p *player) asked() (key string, ok bool) {
	if !p.greet() || !p.connected() {
		return "", false
	}
	play, ok := p.command("play")
	if ok {
		key, _ = play[3].(string)
	}
	return key, ok
}

// tell sends an onStatus for the stream.
func (p *player) tell(level, code, description string) {
	p.call(1, "onStatus", 0, nil, map[string]any{"level": level, "code": code, "description": description})
}

// start tells that the stream plays.
func (p *player) start() {
	p.tell("status", "NetStream.Play.Reset", "")
	p.tell("status", "NetStream.Play.Start", "")
}

// media sends n pictures of a stream, from its sequence header on.
func (p *player) media(n int) {
	p.write(4, rtmp.Message{Kind: video, Stream: 1, Body: sequenceHeader})
	for i := range n {
		p.write(4, rtmp.Message{Kind: video, Stream: 1, Time: uint32(40 * i), Body: picture(i == 0, 500)})
	}
	_ = p.send()
}

// gone waits until the Client hangs up.
func (p *player) gone() { _, _ = io.Copy(io.Discard, p.conn) }

// await waits for a log record of the Client with text in it, twice so that it is clear that it tries again.
func awaitLog(t *testing.T, c *rtmp.Client, text string) {
	t.Helper()
	records := make(chan string)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	c.Logger = slog.New(slog.NewTextHandler(writerFunc(func(b []byte) {
		select {
		case records <- string(b):
		case <-ctx.Done():
		}
	}), nil))
	if c.Retry == 0 {
		c.Retry, c.MaxRetry = time.Millisecond, 50*time.Millisecond
	}
	if c.Handler == nil {
		c.Handler = frame.HandlerFunc(func(_ context.Context, s *frame.Stream) error {
			for _, err := range s.Units {
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	done := make(chan error)
	go func() { done <- c.Run(ctx) }()
	var last string
	for found := 0; found < 2; {
		select {
		case last = <-records:
			if strings.Contains(strings.ReplaceAll(last, `\"`, `"`), text) {
				found++
			}
			if strings.Contains(last, secret) {
				t.Errorf("a log record shows a secret: %s", last)
			}
		case err := <-done:
			t.Fatalf("Run returned %v; no log record has %q, the last is %s", err, text, last)
		}
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("Run returned %v, want the cause of its context", err)
	}
}

const setPeerBandwidth = 6

const secret = "pass-word"

type writerFunc func([]byte)

func (f writerFunc) Write(b []byte) (int, error) { f(b); return len(b), nil }

func TestWhatAClientAsks(t *testing.T) {
	for _, c := range []struct {
		about    string
		path     string
		app, key string // as they are sent
		name     string
		query    string // as the Handler has it
	}{
		{"app and key", "live/cam", "live", "cam", "live/cam", ""},
		{"a query stays with the key", "live/cam?token=a/b&n=%20", "live", "cam?token=a/b&n=%20", "live/cam", "n=+&token=a%2Fb"},
		{"the instance of an app", "live/east/cam", "live/east", "cam", "live/east/cam", ""},
		{"a key with slashes", "live/east/a/b", "live/east", "a/b", "live/east/a/b", ""},
		{"a key with a type", "vod/mp4:a/b.mp4", "vod", "mp4:a/b.mp4", "vod/mp4:a/b.mp4", ""},
		{"an app alone", "cam", "cam", "", "cam", ""},
		{"an app alone with a query", "cam?token=a", "cam?token=a", "", "cam", "token=a"},
		{"nothing is decoded", "live/a%20b+c", "live", "a%20b+c", "live/a%20b+c", ""},
	} {
		t.Run(c.about, func(t *testing.T) {
			asked := make(chan [2]any, 1)
			addr := fake(t, func(_ int, p *player) {
				key, ok := p.asked()
				if !ok {
					return
				}
				asked <- [2]any{key, p.object}
				p.start()
				p.media(1)
				p.gone()
			})
			got := make(events)
			stop := run(t, &rtmp.Client{URL: "rtmp://" + addr + "/" + c.path, Handler: got})
			s := got.begun(t)
			stop()
			a := <-asked
			object := a[1].(map[string]any)
			if a[0] != c.key || object["app"] != c.app || object["tcUrl"] != "rtmp://"+addr+"/"+c.app {
				t.Errorf("asks for %v of app %v at %v", a[0], object["app"], object["tcUrl"])
			}
			if !reflect.DeepEqual(object["fourCcList"], []any{"avc1", "hvc1", "av01", "vp09", "vp08"}) || object["capsEx"] != 14.0 ||
				object["videoFourCcInfoMap"].(map[string]any)["hvc1"] != 1.0 {
				t.Errorf("tells of itself %v", object)
			}
			if s.Name != c.name || s.Query.Encode() != c.query || s.URL != "rtmp://"+addr+"/"+c.name {
				t.Errorf("stream %s, query %s, URL %s", s.Name, s.Query.Encode(), s.URL)
			}
		})
	}
}
