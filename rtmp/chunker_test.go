package rtmp_test

import (
	"encoding/binary"

	"github.com/livestill/livestill/rtmp"
)

// Kinds of messages, RTMP 1.0 §5.4 and §7.1.
const (
	setChunkSize = 1
	abort        = 2
	acknowledge  = 3
	userControl  = 4
	windowSize   = 5
	audio        = 8
	video        = 9
	commandAMF3  = 17
	data         = 18
	commandAMF0  = 20
	aggregate    = 22
)

// A chunker writes messages in chunks. It is told how, and so can write them in every legal way.
type chunker struct {
	out     []byte
	size    int // of chunks; zero means 128
	streams map[uint32]*sent
}

// sent is what the other side knows from earlier chunks of a chunk stream.
type sent struct {
	last     rtmp.Message
	delta    uint32
	extended bool
	rest     []byte // of the body, still to be written
	open     bool
}

// best returns the type of chunk that says the least and still enough to begin p on chunk stream id.
func (w *chunker) best(id uint32, p rtmp.Message) byte {
	s := w.streams[id]
	switch {
	case s == nil || s.last.Stream != p.Stream:
		return 0
	case s.last.Kind != p.Kind || len(s.last.Body) != len(p.Body):
		return 1
	case p.Time-s.last.Time != s.delta:
		return 2
	}
	return 3
}

// begin writes the first chunk of p in the given format, which must not be greater than best.
func (w *chunker) begin(id uint32, format byte, p rtmp.Message) {
	s := w.streams[id]
	if s == nil {
		s = new(sent)
		if w.streams == nil {
			w.streams = make(map[uint32]*sent)
		}
		w.streams[id] = s
	}
	w.basicHeader(format, id)
	if format == 0 {
		s.delta = p.Time
	} else if format < 3 {
		s.delta = p.Time - s.last.Time
	}
	if format < 3 {
		s.extended = s.delta >= 0xffffff
		field := s.delta
		if s.extended {
			field = 0xffffff
		}
		w.out = append(w.out, byte(field>>16), byte(field>>8), byte(field))
	}
	if n := len(p.Body); format < 2 {
		w.out = append(w.out, byte(n>>16), byte(n>>8), byte(n), p.Kind)
	}
	if format == 0 {
		w.out = binary.LittleEndian.AppendUint32(w.out, p.Stream)
	}
	s.last, s.rest = p, p.Body
	w.body(s)
}

// more writes the next chunk of the message that is open on chunk stream id.
func (w *chunker) more(id uint32) {
	w.basicHeader(3, id)
	w.body(w.streams[id])
}

// write writes the whole of p in chunks of the best types.
func (w *chunker) write(id uint32, p rtmp.Message) {
	w.begin(id, w.best(id, p), p)
	for w.streams[id].open {
		w.more(id)
	}
}

// control writes a message with a 32-bit value.
func (w *chunker) control(kind byte, value uint32) {
	w.write(2, rtmp.Message{Kind: kind, Body: binary.BigEndian.AppendUint32(nil, value)})
}

func (w *chunker) body(s *sent) {
	if s.extended {
		w.out = binary.BigEndian.AppendUint32(w.out, s.delta)
	}
	size := w.size
	if size == 0 {
		size = 128
	}
	n := min(size, len(s.rest))
	w.out = append(w.out, s.rest[:n]...)
	s.rest = s.rest[n:]
	s.open = len(s.rest) > 0
}

func (w *chunker) basicHeader(format byte, id uint32) {
	switch {
	case id < 64:
		w.out = append(w.out, format<<6|byte(id))
	case id < 320:
		w.out = append(w.out, format<<6, byte(id-64))
	default:
		w.out = append(w.out, format<<6|1, byte(id-64), byte((id-64)>>8))
	}
}
