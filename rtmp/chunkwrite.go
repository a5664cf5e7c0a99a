package rtmp

import (
	"encoding/binary"

	rtmpmsg "github.com/yutopp/go-rtmp/message"
)

// Chunk streams of what we send.
const (
	controlChunks = 2 // for protocol control messages, RTMP 1.0 §5.4
	commandChunks = 3
)

// appendMessage appends a message to b as a type 0 chunk followed by type 3 chunks, all of the default chunk size.
// Its timestamp is zero, whatever p says: no reply has a time.
func appendMessage(b []byte, chunks byte, m message) []byte {
	b = append(b, chunks, 0, 0, 0, byte(len(m.body)>>16), byte(len(m.body)>>8), byte(len(m.body)), byte(m.kind))
	b = binary.LittleEndian.AppendUint32(b, m.stream)
	body := m.body
	for len(body) > defaultChunkSize {
		b = append(b, body[:defaultChunkSize]...)
		b = append(b, sameMessage<<6|chunks)
		body = body[defaultChunkSize:]
	}
	return append(b, body...)
}

// appendControl appends a protocol control message with a 32-bit value, §5.4.
func appendControl(b []byte, kind rtmpmsg.TypeID, value uint32) []byte {
	return appendMessage(b, controlChunks, message{kind: kind, body: binary.BigEndian.AppendUint32(nil, value)})
}
