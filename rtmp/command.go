package rtmp

import (
	"bytes"
	"encoding/binary"
	"strings"

	"github.com/livestill/livestill/internal/ingest"
	"github.com/yutopp/go-amf0"
	rtmpmsg "github.com/yutopp/go-rtmp/message"
)

const (
	maxCommand = 16 << 10 // a connect has about 300 bytes, and tokens in URLs up to a few KiB

	maxName = 1 << 10 // bytes of the name of a stream: it stands in every line of the log about it

	ackWindow = 2_500_000 // bytes; what Adobe's server asks for

	streamBegin  = 0 // events of user control messages, RTMP 1.0 §7.1.7
	pingRequest  = 6
	pingResponse = 7

	ourChunkSize       = 1 << 16         // of a Server: as large as most pictures, so that each comes in one piece
	serverVersion      = "FMS/3,0,1,123" // encoders look for Adobe's name; this one promises nothing that newer versions have
	serverCapabilities = 31              // as Adobe's server says with it
)

// A command is a call of one peer on the other, RTMP 1.0 §7.2.
type command struct {
	name   string
	id     float64 // what an answer refers to; zero wants none
	args   []any   // the first is the command object
	stream uint32  // message stream it came on
}

// text returns argument i if it is a string.
func (c command) text(i int) string {
	if i >= len(c.args) {
		return ""
	}
	s, _ := c.args[i].(string)
	return s
}

// object returns the command object.
func (c command) object() map[string]any {
	if len(c.args) == 0 {
		return nil
	}
	o, _ := c.args[0].(map[string]any)
	return o
}

// parseCommand returns the command in p. An AMF3 command is AMF0 behind a byte of format, in all that encoders send.
func parseCommand(m message) (command, error) {
	if len(m.body) > maxCommand {
		return command{}, ingest.LimitError("command of %d bytes, the most is %d", len(m.body), maxCommand)
	}
	body := m.body
	if m.kind == rtmpmsg.TypeIDCommandMessageAMF3 && len(body) > 0 {
		body = body[1:]
	}
	values, err := decodeAMF(body)
	if err != nil {
		return command{}, err
	}
	c := command{stream: m.stream}
	if len(values) > 0 {
		c.name, _ = values[0].(string)
	}
	if c.name == "" {
		return command{}, protocolError("command without a name")
	}
	if len(values) > 1 {
		c.id, _ = values[1].(float64)
		c.args = values[2:]
	}
	return c, nil
}

// A status is the information object of an onStatus or of an answer to connect.
type status struct {
	Level       string `amf0:"level"` // "status" or "error"
	Code        string `amf0:"code"`
	Description string `amf0:"description"`
}

// call sends a command made of the given name, id and arguments.
func (w *wire) call(stream uint32, name string, id float64, args ...any) error {
	var body bytes.Buffer
	e := amf0.NewEncoder(&body)
	for _, v := range append([]any{name, id}, args...) {
		if err := e.Encode(v); err != nil {
			return err
		}
	}
	return w.reply(commandChunks, message{kind: rtmpmsg.TypeIDCommandMessageAMF0, stream: stream, body: body.Bytes()})
}

// onStatus tells the peer how a message stream fares.
func (w *wire) onStatus(stream uint32, level rtmpmsg.NetStreamOnStatusLevel, code rtmpmsg.NetStreamOnStatusCode, text string) error {
	const most = 1024 // no display of an encoder shows more
	if len(text) > most {
		text = text[:most]
	}
	return w.call(stream, "onStatus", 0, nil, status{string(level), string(code), strings.ToValidUTF8(text, "")})
}

// control obeys a protocol or user control message, §5.4 and §7.1.7.
func (w *wire) control(m message) error {
	switch {
	case m.kind == rtmpmsg.TypeIDWinAckSize && len(m.body) >= 4:
		w.window = max(binary.BigEndian.Uint32(m.body), 1)
	case m.kind == rtmpmsg.TypeIDUserCtrl && len(m.body) >= 6 && binary.BigEndian.Uint16(m.body) == pingRequest:
		pong := append([]byte{0, pingResponse}, m.body[2:6]...)
		return w.reply(controlChunks, message{kind: rtmpmsg.TypeIDUserCtrl, body: pong})
	}
	return nil
}

func isCommand(kind rtmpmsg.TypeID) bool {
	return kind == rtmpmsg.TypeIDCommandMessageAMF0 || kind == rtmpmsg.TypeIDCommandMessageAMF3
}
