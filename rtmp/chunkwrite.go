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

// appendMessage appends a message to b as a type 0 chunk followed by type 3 chunks, of so many bytes each.
// Its timestamp is zero, whatever p says: no reply has a time.
func appendMessage(b []byte, size int, chunks byte, m message) []byte {
	b = append(b, chunks, 0, 0, 0, byte(len(m.body)>>16), byte(len(m.body)>>8), byte(len(m.body)), byte(m.kind))
	b = binary.LittleEndian.AppendUint32(b, m.stream)
	body := m.body
	for len(body) > size {
		b = append(b, body[:size]...)
		b = append(b, sameMessage<<6|chunks)
		body = body[size:]
	}
	return append(b, body...)
}

// control32 writes a protocol control message with a 32-bit value, §5.4.
func (w *wire) control32(kind rtmpmsg.TypeID, value uint32) {
	w.append(controlChunks, message{kind: kind, body: binary.BigEndian.AppendUint32(nil, value)})
}

// setChunkSize says that chunks are larger from now on, and so has encoders send larger ones: FFmpeg's publishes in those of the size that the
// server has, else in those of 128 bytes, each a write and a read.
func (w *wire) setChunkSize(size int) {
	w.control32(rtmpmsg.TypeIDSetChunkSize, uint32(size))
	w.chunkSize = size
}
