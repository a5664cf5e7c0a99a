package rtmp

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/flv"
	"github.com/livestill/livestill/internal/ingest"
	"github.com/yutopp/go-rtmp/handshake"
	"github.com/yutopp/go-rtmp/message"
)

const (
	version      = 3       // of RTMP, in the first byte of the handshake, RTMP 1.0 §5.2.2
	versionTLS   = 22      // what is in its place when the peer speaks TLS
	smallBuffer  = 4 << 10 // of a connection that does not publish yet: commands
	mediaBuffer  = 32 << 10
	lingerTime   = time.Second
	lingerAmount = 1 << 20
)

// A session is one connection, served on one goroutine: first its commands up to publish, then its media.
type session struct {
	role       role         // what it does its own way: itself, but for a player
	in         *ingest.Conn // below TLS, if there is any
	wire       *wire
	buffer     *bufio.Reader
	packets    packetReader
	maxMessage int
	idle       time.Duration

	step      string
	connected bool
	app       string
	query     url.Values // behind the app and in tcUrl
	url       string     // tcUrl
	streams   uint32     // message streams created
	forecast  bool       // the encoder sent FCPublish, and so expects onFCPublish

	name     string  // of the stream, from publish on
	publish  command // the publish
	accepted bool    // Units was ranged over
	left     bool    // the publisher ended its stream properly
	video    flv.Video
	onCue    func(frame.Cue) // nil if nobody listens
	timeline timeline
	clock    frame.Clock
}

// newSession returns a session over conn, which is in or TLS over in.
func newSession(conn net.Conn, in *ingest.Conn, maxMessage int, idle time.Duration) *session {
	c := &session{in: in, wire: &wire{Conn: conn, window: ackWindow}, maxMessage: maxMessage, idle: idle, step: "handshake"}
	c.buffer = bufio.NewReaderSize(c.wire, smallBuffer)
	c.packets.chunkReader = *newChunkReader(c.buffer, maxCommand, in.Spend)
	c.role = c
	return c
}

// handshake shakes hands in the plain form, RTMP 1.0 §5.2, which all encoders fall back to. What they echo is not compared: some
// echo nothing of use, and it proves nothing.
func (c *session) handshake() error {
	first, err := c.buffer.Peek(1)
	switch {
	case err != nil:
		return err
	case first[0] == versionTLS:
		return protocolError("the peer speaks TLS, on a listener without")
	case first[0] != version:
		return protocolError("version %d, want %d", first[0], version)
	}
	return handshake.HandshakeWithClient(c.buffer, c.wire, &handshake.Config{SkipHandshakeVerification: true})
}

// untilPublish answers commands until there is one to publish.
func (c *session) untilPublish() error {
	c.step = "connect"
	for {
		p, err := c.packets.next()
		if err != nil {
			return unexpected(err)
		}
		if !isCommand(p.kind) {
			c.wire.control(p)
			continue
		}
		cmd, err := parseCommand(p)
		if err != nil {
			return err
		}
		switch {
		case cmd.name == "connect":
			err = c.connect(cmd)
		case cmd.name == "publish" && c.connected:
			return c.named(cmd)
		case cmd.name == "publish":
			return protocolError("publish before connect")
		default:
			err = c.answer(cmd)
		}
		if err != nil {
			return err
		}
	}
}

// connect answers a connect, RTMP 1.0 §7.2.1.1.
func (c *session) connect(cmd command) error {
	app, _ := cmd.object()["app"].(string)
	tcURL, _ := cmd.object()["tcUrl"].(string)
	app, query, _ := strings.Cut(app, "?")
	_, more, _ := strings.Cut(tcURL, "?")
	c.connected, c.app, c.url, c.step = true, strings.Trim(app, "/"), tcURL, "publish"
	c.in.Reach(ingest.Named)
	c.query = merge(parseQuery(query), parseQuery(more))

	w := c.wire
	const dynamic = 2 // limit type, §5.4.5
	w.out = appendControl(w.out, message.TypeIDWinAckSize, ackWindow)
	w.out = appendPacket(w.out, controlChunks, packet{kind: message.TypeIDSetPeerBandwidth, body: []byte{
		ackWindow >> 24, ackWindow >> 16 & 0xff, ackWindow >> 8 & 0xff, ackWindow & 0xff, dynamic,
	}})
	w.out = appendPacket(w.out, controlChunks, packet{kind: message.TypeIDUserCtrl, body: []byte{0, streamBegin, 0, 0, 0, 0}})
	properties := message.NetConnectionConnectResultProperties{FMSVer: serverVersion, Capabilities: serverCapabilities, Mode: 1}
	info := connectInfo{"status", string(message.NetConnectionConnectCodeSuccess), "Connection succeeded.", 0}
	return w.call(0, "_result", cmd.id, properties, info.answerTo(cmd.object()))
}

// errPlay ends connections that want to watch.
var errPlay = errors.New("play is not served")

// answer answers the commands that are neither connect nor publish. Encoders wait for an answer to some of them, and a few to all.
func (c *session) answer(cmd command) error {
	switch cmd.name {
	case "createStream":
		c.streams++
		return c.wire.call(0, "_result", cmd.id, nil, c.streams)
	case "FCPublish":
		c.forecast = true
		return c.result(cmd, nil)
	case "releaseStream", "FCUnpublish", "_checkbw":
		return c.result(cmd, nil)
	case "getStreamLength":
		return c.result(cmd, 0)
	case "publish", "deleteStream", "closeStream", "_result", "_error", "onStatus":
		return nil
	case "play", "play2":
		err := c.wire.onStatus(cmd.stream, message.NetStreamOnStatusLevelError, message.NetStreamOnStatusCodePlayFailed,
			"This server takes streams in; it does not play them.")
		return errors.Join(errPlay, err)
	}
	if cmd.id == 0 {
		return nil
	}
	return c.wire.call(0, "_error", cmd.id, nil, status{"error", "NetConnection.Call.Failed", "Unknown command."})
}

func (c *session) result(cmd command, value any) error {
	if cmd.id == 0 {
		return nil
	}
	return c.wire.call(0, "_result", cmd.id, nil, value)
}

// named notes under what name cmd publishes.
func (c *session) named(cmd command) error {
	c.publish, c.step = cmd, "publish"
	key, query, _ := strings.Cut(cmd.text(1), "?")
	name := strings.Trim(c.app+"/"+strings.TrimPrefix(key, "/"), "/")
	if name == "" || len(name) > maxName || !acceptable(name) {
		err := protocolError("name %.100q is empty, longer than %d bytes, or not text", name, maxName)
		return errors.Join(err, c.refuse(errors.New("bad name")))
	}
	c.name, c.query = name, merge(parseQuery(query), c.query)
	return nil
}

// refuse tells the encoder that it may not publish.
func (c *session) refuse(reason error) error {
	text := "The stream was refused."
	if reason != nil {
		text = reason.Error()
	}
	return c.wire.onStatus(c.publish.stream, message.NetStreamOnStatusLevelError, message.NetStreamOnStatusCodePublishBadName, text)
}

// stream returns what the Handler is given.
func (c *session) stream(ctx context.Context) *frame.Stream {
	s := &frame.Stream{Name: c.name, Remote: c.wire.RemoteAddr(), Query: c.query, URL: c.url}
	if conn, ok := c.wire.Conn.(*tls.Conn); ok {
		state := conn.ConnectionState()
		s.TLS = &state
	}
	s.Units = func(yield func(frame.AccessUnit, error) bool) {
		c.onCue = s.OnCue
		c.units(ctx, yield)
	}
	return s
}

// bye sends what is still to be said, and gives the peer a second to hang up first. Encoders that left still send what they have to
// say: if the connection were closed with that unread in it, it would be reset, and a reset may overtake what was sent last.
func (c *session) bye() {
	c.wire.patience = 0
	if c.wire.SetDeadline(time.Now().Add(lingerTime)) == nil && c.wire.flush() == nil {
		_, _ = io.CopyN(io.Discard, c.wire.Conn, lingerAmount)
	}
}

func isCommand(kind message.TypeID) bool {
	return kind == message.TypeIDCommandMessageAMF0 || kind == message.TypeIDCommandMessageAMF3
}

// parseQuery keeps what it can of a query that is partly malformed.
func parseQuery(query string) url.Values {
	values, _ := url.ParseQuery(query)
	return values
}

// merge adds to a the parameters of b that it has not.
func merge(a, b url.Values) url.Values {
	for k, v := range b {
		if _, ok := a[k]; !ok {
			a[k] = v
		}
	}
	return a
}
