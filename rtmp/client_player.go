package rtmp

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/binary"
	"math"
	"net"
	"strings"
	"time"

	"github.com/livestill/livestill/internal/ingest"
	"github.com/yutopp/go-rtmp/handshake"
	rtmpmsg "github.com/yutopp/go-rtmp/message"
)

const (
	flashVersion = "LNX 9,0,124,2" // servers look for Flash's name; ffmpeg says the same
	liveOrAny    = -2000           // play's start, RTMP 1.0 §7.2.2.1, in ms as all have it: the live stream, or else a recorded one
	bufferLength = 3000            // ms; some servers send nothing to a player that buffers nothing

	streamEOF       = 1 // events of user control messages, §7.1.7
	setBufferLength = 3

	maxKept = 16 // data messages that come before sound and pictures; servers send two or three
)

// Transaction ids of our commands.
const (
	connectID = iota + 1
	createID
	subscribeID
	playID
)

// A player is a connection on which a server plays a stream.
type player struct {
	*conn
	at      address
	login   string // what connect carries behind the app
	id      uint32 // message stream
	playing bool   // the server said that the stream plays
}

func newPlayer(nc net.Conn, in *ingest.Conn, p *pull, timeout time.Duration) *player {
	c := &player{conn: newConn(nc, in, mediaBuffer, cmp.Or(p.MaxMessage, defaultMaxMessage), timeout), at: p.at, login: p.login.query}
	c.name, c.title, c.query, c.url = p.at.name, p.at.name, p.at.query, p.at.url
	c.video.Track = p.Track
	return c
}

// greet shakes hands in the plain form, RTMP 1.0 §5.2, which all servers still know.
func (c *player) greet() error {
	e, d := handshake.NewEncoder(c.wire), handshake.NewDecoder(c.buffer)
	c0, c1 := handshake.S0C0(version), new(handshake.S1C1)
	_, _ = rand.Read(c1.Random[:]) // never fails
	if err := cmp.Or(e.EncodeS0C0(&c0), e.EncodeS1C1(c1)); err != nil {
		return err
	}
	first, err := c.buffer.Peek(1)
	switch {
	case err != nil:
		return unexpected(err)
	case first[0] != version:
		return protocolError("the server answers with byte %#02x, want version %d: it speaks something else", first[0], version)
	}
	var s0 handshake.S0C0
	var s1 handshake.S1C1
	var s2 handshake.S2C2
	if err := cmp.Or(d.DecodeS0C0(&s0), d.DecodeS1C1(&s1), d.DecodeS2C2(&s2)); err != nil {
		return unexpected(err)
	}
	return e.EncodeS2C2(&handshake.S2C2{Time: s1.Time, Random: s1.Random})
}

// begin goes through handshake and commands, and waits until the stream is live: until the first sound or picture, which Units will
// find. What is waited for, too, are data messages.
func (c *player) begin() error {
	if err := c.greet(); err != nil {
		return err
	}
	if err := c.connect(); err != nil {
		return err
	}
	c.step = "play"
	if err := c.ask(); err != nil {
		return err
	}
	return c.awaitMedia()
}

// awaitMedia reads until the first sound or picture has come. That and the data messages before it are to be read again.
func (c *player) awaitMedia() error {
	var kept []message
	free := maxCue // bytes, for all that are kept
	for {
		c.wire.expectMessage()
		m, err := c.messages.next()
		if err != nil {
			return unexpected(err)
		}
		switch {
		case isMedia(m.kind):
			kept = append(kept, m)
			c.messages.back = kept
			return c.live()
		case isData(m.kind):
			if len(kept) < maxKept && len(m.body) <= free {
				free -= len(m.body)
				m.body = bytes.Clone(m.body)
				kept = append(kept, m)
			}
		default:
			if err := c.obey(m); err != nil {
				return err
			}
		}
		if c.playing && c.wire.timeout == 0 {
			if err := c.live(); err != nil {
				return err
			}
		}
	}
}

// live has the deadlines of a stream that plays begin.
func (c *player) live() error {
	c.wire.timeout = c.idle
	return c.wire.SetDeadline(time.Time{})
}

// connect sends connect and createStream, RTMP 1.0 §7.2.1.
func (c *player) connect() error {
	c.step = "connect"
	app := c.at.app
	if c.login != "" {
		separator := "?"
		if strings.Contains(app, separator) {
			separator = "&"
		}
		app += separator + c.login
	}
	w := c.wire
	err := w.call(0, "connect", connectID, connectObject{
		App: app, FlashVersion: flashVersion, TCURL: c.at.scheme + "://" + c.at.host + "/" + app,
		Capabilities: 15, AudioCodecs: 4071, VideoCodecs: 252, VideoFunction: 1,
		FourCCs: fourCCs[:], VideoFourCCs: decodable(), CapsEx: capsMultitrack | capsModEx | capsNanoOffset,
	})
	if err != nil {
		return err
	}
	if _, err := c.await(connectID); err != nil {
		return err
	}
	w.control32(rtmpmsg.TypeIDWinAckSize, ackWindow)
	if err := w.call(0, "createStream", createID, nil); err != nil {
		return err
	}
	created, err := c.await(createID)
	if err != nil {
		return err
	}
	var id float64
	if len(created.args) > 1 {
		id, _ = created.args[1].(float64)
	}
	if id < 0 || id > math.MaxUint32 || id != math.Trunc(id) {
		return protocolError("message stream %v", id)
	}
	c.id = uint32(id)
	return nil
}

// A connectObject is the command object of a player's connect. The numbers are what Flash says of itself; from FourCCs on it is
// enhanced RTMP, which other servers ignore.
type connectObject struct {
	App           string             `amf0:"app"`
	FlashVersion  string             `amf0:"flashVer"`
	TCURL         string             `amf0:"tcUrl"`
	Proxied       bool               `amf0:"fpad"`
	Capabilities  float64            `amf0:"capabilities"`
	AudioCodecs   float64            `amf0:"audioCodecs"`
	VideoCodecs   float64            `amf0:"videoCodecs"`
	VideoFunction float64            `amf0:"videoFunction"`
	FourCCs       []string           `amf0:"fourCcList"`
	VideoFourCCs  map[string]float64 `amf0:"videoFourCcInfoMap"`
	CapsEx        float64            `amf0:"capsEx"`
}

// await waits for the answer to the command with the given id.
func (c *player) await(id float64) (command, error) {
	for {
		m, err := c.messages.next()
		if err != nil {
			return command{}, unexpected(err)
		}
		if !isCommand(m.kind) {
			if err := c.control(m); err != nil {
				return command{}, err
			}
			continue
		}
		cmd, err := parseCommand(m)
		switch {
		case err != nil:
			return command{}, err
		case cmd.name == "_result" && cmd.id == id:
			return cmd, nil
		case cmd.name == "_error" && cmd.id == id, cmd.name == "onStatus" && isRefusal(cmd.info()):
			return command{}, c.refusal(cmd.info())
		}
	}
}

// ask asks for the stream. Some content networks fetch it only when told by FCSubscribe; others do not know the word.
func (c *player) ask() error {
	key, _, _ := strings.Cut(c.at.key, "?")
	w := c.wire
	if err := w.call(0, "FCSubscribe", subscribeID, nil, key); err != nil {
		return err
	}
	if err := w.call(c.id, "play", playID, nil, c.at.key, liveOrAny); err != nil {
		return err
	}
	body := binary.BigEndian.AppendUint32([]byte{0, setBufferLength}, c.id)
	body = binary.BigEndian.AppendUint32(body, bufferLength)
	w.append(controlChunks, message{kind: rtmpmsg.TypeIDUserCtrl, body: body})
	c.messages.maxLength = c.maxMessage
	return nil
}

// obey acts on a message that is neither media nor data. The error is errLeft if it ends the stream.
func (c *player) obey(m message) error {
	if !isCommand(m.kind) {
		eof := m.kind == rtmpmsg.TypeIDUserCtrl && len(m.body) >= 6 && binary.BigEndian.Uint16(m.body) == streamEOF
		if eof && c.playing && binary.BigEndian.Uint32(m.body[2:]) == c.id {
			return errLeft
		}
		return c.control(m)
	}
	cmd, err := parseCommand(m)
	if err != nil {
		return err
	}
	info := cmd.info()
	switch code, _ := info["code"].(string); {
	case cmd.name == "_error" && cmd.id == playID:
		return c.refusal(info)
	case cmd.name != "onStatus":
		return nil
	case code == "NetStream.Play.Start":
		c.playing = true
	case code == "NetStream.Play.UnpublishNotify", code == "NetStream.Play.Stop", code == "NetStream.Play.Complete":
		return errLeft
	case isRefusal(info):
		return c.refusal(info)
	}
	return nil
}

// control obeys a control message. A server that limits what we send hears that we comply, RTMP 1.0 §5.4.5; we send too little to
// ever reach a limit.
func (c *player) control(m message) error {
	if m.kind == rtmpmsg.TypeIDSetPeerBandwidth && len(m.body) >= 4 {
		return c.wire.reply(controlChunks, message{kind: rtmpmsg.TypeIDWinAckSize, body: m.body[:4]})
	}
	return c.wire.control(m)
}
