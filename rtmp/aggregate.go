package rtmp

import "github.com/yutopp/go-rtmp/message"

// A packetReader reads the messages of a connection, with aggregates taken apart.
type packetReader struct {
	chunkReader
	back   []packet // to be read again before all others
	tags   []byte   // of an aggregate, not yet read
	stream uint32   // message stream of the aggregate
	shift  uint32   // from the timestamps of the tags to those of the connection
}

// The parts of an aggregate are laid out like tags of an FLV file, RTMP 1.0 §7.1.6:
//
//	k nnn ttt x sss  ...n bytes...  pppp    k: kind, n: length, t: timestamp, x: its top byte, s: message stream, p: 11 + n
const (
	tagHeader  = 11
	tagTrailer = 4
)

func (r *packetReader) next() (packet, error) {
	if len(r.back) > 0 {
		p := r.back[0]
		r.back = r.back[1:]
		return p, nil
	}
	for len(r.tags) == 0 {
		p, err := r.chunkReader.next()
		if err != nil || p.kind != message.TypeIDAggregateMessage {
			return p, err
		}
		r.tags, r.stream = p.body, p.stream
		if len(p.body) >= tagHeader {
			r.shift = p.time - tagTime(p.body) // the first part has the time of the whole
		}
	}
	if len(r.tags) < tagHeader {
		return packet{}, protocolError("aggregate with %d bytes left over", len(r.tags))
	}
	kind, size, time := r.tags[0], int(uint24(r.tags[1:])), tagTime(r.tags)
	tags := r.tags[tagHeader:]
	if size > len(tags) {
		return packet{}, protocolError("aggregate ends %d bytes short", size-len(tags))
	}
	body := tags[:size]
	r.tags = tags[min(size+tagTrailer, len(tags)):]
	p := packet{kind: message.TypeID(kind), stream: r.stream, time: r.shift + time, body: body}
	r.in.Spend(price(p))
	return p, nil
}

func tagTime(tag []byte) uint32 { return uint24(tag[4:]) | uint32(tag[7])<<24 }
