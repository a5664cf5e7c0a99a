package rtmp

import (
	"errors"
	"fmt"

	rtmpmsg "github.com/yutopp/go-rtmp/message"
)

// A messageReader reads the messages of a connection, with aggregates taken apart.
type messageReader struct {
	chunkReader
	back   []message // to be read again before all others
	tags   []byte    // of an aggregate, not yet read
	stream uint32    // message stream of the aggregate
	shift  uint32    // from the timestamps of the tags to those of the connection
}

// The parts of an aggregate are laid out like tags of an FLV file, RTMP 1.0 §7.1.6:
//
//	k nnn ttt x sss  ...n bytes...  pppp    k: kind, n: length, t: timestamp, x: its top byte, s: message stream, p: 11 + n
const (
	tagHeader  = 11
	tagTrailer = 4
)

// pending reports whether a message is there without reading.
func (r *messageReader) pending() bool { return len(r.back) > 0 || len(r.tags) > 0 }

func (r *messageReader) next() (message, error) {
	if len(r.back) > 0 {
		var m message
		m, r.back[0] = r.back[0], m // its body may be large
		r.back = r.back[1:]
		return m, nil
	}
	for len(r.tags) == 0 {
		m, err := r.chunkReader.next()
		if err != nil || m.kind != rtmpmsg.TypeIDAggregateMessage {
			return m, err
		}
		r.tags, r.stream = m.body, m.stream
		if len(m.body) >= tagHeader {
			r.shift = m.time - tagTime(m.body) // the first part has the time of the whole
		}
	}
	if n := len(r.tags); n < tagHeader {
		return message{}, r.malformed("aggregate with %d bytes left over", n)
	}
	kind, size, time := r.tags[0], int(uint24(r.tags[1:])), tagTime(r.tags)
	tags := r.tags[tagHeader:]
	if size > len(tags) {
		return message{}, r.malformed("aggregate ends %d bytes short", size-len(tags))
	}
	body := tags[:size]
	if r.tags = tags[min(size+tagTrailer, len(tags)):]; len(r.tags) == 0 {
		r.tags = nil // else it would keep the memory of the whole
	}
	m := message{kind: rtmpmsg.TypeID(kind), stream: r.stream, time: r.shift + time, body: body}
	r.in.Spend(price(m))
	return m, nil
}

// errAggregate is an aggregate of which no more can be read. Messages go on behind it.
var errAggregate = errors.New("malformed aggregate")

// malformed gives up the aggregate.
func (r *messageReader) malformed(format string, args ...any) error {
	r.tags = nil
	return fmt.Errorf("%w: %w", errAggregate, protocolError(format, args...))
}

func tagTime(tag []byte) uint32 { return uint24(tag[4:]) | uint32(tag[7])<<24 }
