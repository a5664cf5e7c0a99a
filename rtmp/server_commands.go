package rtmp

import (
	"errors"
	"strings"

	"github.com/livestill/livestill/internal/ingest"
	rtmpmsg "github.com/yutopp/go-rtmp/message"
)

// connect answers a connect, RTMP 1.0 §7.2.1.1.
func (c *publisher) connect(cmd command) error {
	app, _ := cmd.object()["app"].(string)
	tcURL, _ := cmd.object()["tcUrl"].(string)
	app, query, _ := strings.Cut(app, "?")
	_, more, _ := strings.Cut(tcURL, "?")
	c.connected, c.app, c.url, c.step = true, strings.Trim(app, "/"), tcURL, "publish"
	c.in.Advance(ingest.Named)
	c.query = merge(parseQuery(query), parseQuery(more))

	w := c.wire
	const dynamic = 2 // limit type, §5.4.5
	w.control32(rtmpmsg.TypeIDWinAckSize, ackWindow)
	w.append(controlChunks, message{kind: rtmpmsg.TypeIDSetPeerBandwidth, body: []byte{
		ackWindow >> 24, ackWindow >> 16 & 0xff, ackWindow >> 8 & 0xff, ackWindow & 0xff, dynamic,
	}})
	w.setChunkSize(ourChunkSize)
	w.append(controlChunks, message{kind: rtmpmsg.TypeIDUserCtrl, body: []byte{0, streamBegin, 0, 0, 0, 0}})
	properties := rtmpmsg.NetConnectionConnectResultProperties{FMSVer: serverVersion, Capabilities: serverCapabilities, Mode: 1}
	info := connectInfo{"status", string(rtmpmsg.NetConnectionConnectCodeSuccess), "Connection succeeded.", 0}
	return w.call(0, "_result", cmd.id, properties, info.answerTo(cmd.object()))
}

// errPlay ends connections that want to play a stream.
var errPlay = errors.New("play is not served")

// answer answers the commands that are neither connect nor publish. Encoders wait for an answer to some of them, and a few to all.
func (c *publisher) answer(cmd command) error {
	switch cmd.name {
	case "createStream":
		c.streams++
		return c.wire.call(0, "_result", cmd.id, nil, c.streams)
	case "FCPublish":
		c.fcPublish = true
		return c.result(cmd, nil)
	case "releaseStream", "FCUnpublish", "_checkbw":
		return c.result(cmd, nil)
	case "getStreamLength":
		return c.result(cmd, 0)
	case "publish", "deleteStream", "closeStream", "_result", "_error", "onStatus":
		return nil
	case "play", "play2":
		err := c.wire.onStatus(cmd.stream, rtmpmsg.NetStreamOnStatusLevelError, rtmpmsg.NetStreamOnStatusCodePlayFailed,
			"This server takes streams in; it does not play them.")
		return errors.Join(errPlay, err)
	}
	if cmd.id == 0 {
		return nil
	}
	return c.wire.call(0, "_error", cmd.id, nil, status{"error", "NetConnection.Call.Failed", "Unknown command."})
}

func (c *publisher) result(cmd command, value any) error {
	if cmd.id == 0 {
		return nil
	}
	return c.wire.call(0, "_result", cmd.id, nil, value)
}

// A connectInfo is the information object of the answer to a connect.
type connectInfo struct {
	Level          string  `amf0:"level"`
	Code           string  `amf0:"code"`
	Description    string  `amf0:"description"`
	ObjectEncoding float64 `amf0:"objectEncoding"`
}

// An enhancedInfo is the same for a client that knows enhanced RTMP. Others may stumble over what they do not know.
type enhancedInfo struct {
	Level          string             `amf0:"level"`
	Code           string             `amf0:"code"`
	Description    string             `amf0:"description"`
	ObjectEncoding float64            `amf0:"objectEncoding"`
	FourCCs        []string           `amf0:"fourCcList"` // of version 1
	VideoFourCCs   map[string]float64 `amf0:"videoFourCcInfoMap"`
	CapsEx         float64            `amf0:"capsEx"`
}

// answerTo returns the information object for a connect with the given command object.
func (i connectInfo) answerTo(object map[string]any) any {
	known := false
	for _, name := range []string{"fourCcList", "videoFourCcInfoMap", "audioFourCcInfoMap", "capsEx"} {
		_, has := object[name]
		known = known || has
	}
	if !known {
		return i
	}
	return enhancedInfo{i.Level, i.Code, i.Description, i.ObjectEncoding, fourCCs[:], decodable(), capsMultitrack | capsModEx | capsNanoOffset}
}
