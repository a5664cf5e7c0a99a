package rtmp

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"

	"github.com/livestill/livestill/internal/ingest"
	rtmpmsg "github.com/yutopp/go-rtmp/message"
)

const (
	defaultChunkSize = 128      // until a peer sets another, RTMP 1.0 §5.4.1
	maxChunkStreams  = 64       // encoders use three to eight
	firstBuffer      = 256      // of a message, before more of it has come: an attacker may begin 64
	keptBuffer       = 64 << 10 // of a message that is done with, for the next of its chunk stream

	// What is read is paid for in messages: each is one, and so are as many chunks or bytes of it. In chunks of 128 bytes that allows for
	// 50 MB a second, and of any size for 64 MB: more than ten times what 2160p60 takes. Who says little with much pays for that.
	chunksPerMessage = 200
	bytesPerMessage  = 32 << 10
	wordsPerMessage  = 1 << 10 // bytes of AMF, which takes a hundred times as long to decode as it takes to copy

	escape         = 0xffffff   // in place of a timestamp: the timestamp follows as 32 bits, §5.3.1.3
	sizeBits       = 0x7fffffff // the top bit of a chunk size must be zero, §5.4.1
	lastWithHeader = 2          // the last chunk type with a header of its own, which opens a message
	sameMessage    = 3          // the chunk type with no header: goes on with a message, or opens one like the last
)

// A message is one of a connection, put together from its chunks.
type message struct {
	kind   rtmpmsg.TypeID
	stream uint32 // message stream it belongs to
	time   uint32 // in milliseconds; wraps after 49.7 days
	body   []byte // valid until the next one is read
}

// The handshake, the message types and the AMF0 encoder are go-rtmp's and go-amf0's. Their chunk layer and AMF0 decoder are not used, since
// they end legal streams (extended timestamps on type 3 chunks come after 4 h 39 min; empty messages, Abort, aggregates and unknown
// types come at any time) and bound neither memory nor time: 25 bytes that announce an array of 2^31-1 elements end the process. A guard in
// front of them would have to parse all of that anyway.

// A chunkReader reads messages from a stream of interleaved chunks, RTMP 1.0 §5.3.
type chunkReader struct {
	r         *bufio.Reader
	maxLength int // the most bytes in a message; all messages under way have at most a quarter more, which is for sound and data beside a picture
	chunkSize int
	streams   map[uint32]*chunkStream
	last      *chunkStream // the one that the last chunk was on
	buffered  int          // capacity of all bodies
	beside    int          // bytes that are buffered beside them, of what was read
	done      *chunkStream // that the last message was on; nil if it is no longer valid
	chunks    int          // not yet paid for
	in        *ingest.Conn // that pays
	header    [11]byte     // scratch
}

// A chunkStream is what the header of a chunk may leave out because an earlier one on the same chunk stream said it.
type chunkStream struct {
	id       uint32
	message         // time is that of the message, not of a chunk
	length   int    // of the whole body
	open     bool   // some of the body is still to come
	delta    uint32 // what a type 3 chunk that opens a message adds to time
	extended bool   // the last header had its timestamp in 32 more bits, and so have the type 3 chunks that follow it
}

func newChunkReader(r *bufio.Reader, maxLength int, in *ingest.Conn) *chunkReader {
	return &chunkReader{r: r, maxLength: maxLength, chunkSize: defaultChunkSize, streams: make(map[uint32]*chunkStream), in: in}
}

// next returns the next message. Those that concern only chunks, Set Chunk Size and Abort, it obeys and skips. The error is io.EOF
// only at the end of a message with none other under way.
func (c *chunkReader) next() (message, error) {
	if s := c.done; s != nil && cap(s.body) > keptBuffer {
		c.release(s)
	}
	c.done = nil
	c.in.SetBuffered(c.buffered + c.beside)
	for {
		s, err := c.chunk()
		if err != nil {
			return message{}, err
		}
		if c.chunks++; c.chunks == chunksPerMessage {
			c.chunks = 0
			c.in.Spend(1)
		}
		if s.open {
			continue
		}
		c.in.Spend(price(s.message))
		switch s.kind {
		case rtmpmsg.TypeIDSetChunkSize, rtmpmsg.TypeIDAbortMessage:
			if len(s.body) < 4 {
				return message{}, protocolError("control message %d has %d bytes, want 4", s.kind, len(s.body))
			}
			c.control(s.kind, binary.BigEndian.Uint32(s.body))
			if c.chunkSize == 0 {
				return message{}, protocolError("chunk size 0")
			}
		default:
			c.done = s
			return s.message, nil
		}
	}
}

// price returns as how many messages p counts.
func price(m message) float64 {
	if isMedia(m.kind) || m.kind == rtmpmsg.TypeIDAggregateMessage {
		return 1 + float64(len(m.body))/bytesPerMessage
	}
	return 1 + float64(len(m.body))/wordsPerMessage
}

// control obeys Set Chunk Size and Abort, §5.4.1 and §5.4.2.
func (c *chunkReader) control(kind rtmpmsg.TypeID, value uint32) {
	if kind == rtmpmsg.TypeIDSetChunkSize {
		c.chunkSize = int(value & sizeBits)
	} else if s := c.streams[value]; s != nil {
		s.open, s.body = false, s.body[:0]
	}
}

// chunk reads one chunk and returns the chunk stream it was on.
func (c *chunkReader) chunk() (*chunkStream, error) {
	format, s, err := c.basicHeader()
	if err != nil {
		return nil, err
	}
	if err := c.messageHeader(format, s); err != nil {
		return nil, unexpected(err)
	}
	n := min(c.chunkSize, s.length-len(s.body))
	for n > 0 {
		if len(s.body) == cap(s.body) {
			if err := c.grow(s); err != nil {
				return nil, err
			}
		}
		free := s.body[len(s.body):cap(s.body)]
		m, err := c.r.Read(free[:min(n, len(free))])
		s.body = s.body[:len(s.body)+m]
		n -= m
		if err != nil && n > 0 {
			return nil, unexpected(err)
		}
	}
	s.open = len(s.body) < s.length
	return s, nil
}

// basicHeader reads the type of a chunk and finds its chunk stream, §5.3.1.1:
//
//	ttiiiiii                    t: type, i: chunk stream id from 2 to 63
//	tt000000 iiiiiiii           id - 64, to 319
//	tt000001 iiiiiiii jjjjjjjj  256j + i = id - 64, to 65599
func (c *chunkReader) basicHeader() (format byte, s *chunkStream, err error) {
	b, err := c.r.ReadByte()
	if err != nil {
		if c.partial() {
			err = unexpected(err)
		}
		return 0, nil, err
	}
	format, id := b>>6, uint32(b&0x3f)
	if id < 2 {
		more := c.header[:id+1]
		if _, err := io.ReadFull(c.r, more); err != nil {
			return 0, nil, unexpected(err)
		}
		base := 64 + uint32(more[0])
		if id == 1 {
			base += uint32(more[1]) << 8
		}
		id = base
	}
	if c.last != nil && c.last.id == id {
		return format, c.last, nil
	}
	s = c.streams[id]
	if s == nil {
		// Type 1 is what librtmp opens a chunk stream with when it has no need to tell the message stream.
		if format >= lastWithHeader {
			return 0, nil, protocolError("chunk stream %d begins with a chunk of type %d", id, format)
		}
		if len(c.streams) == maxChunkStreams {
			return 0, nil, ingest.LimitError("more than %d chunk streams", maxChunkStreams)
		}
		s = &chunkStream{id: id}
		c.streams[id] = s
	}
	c.last = s
	return format, s, nil
}

// messageHeader reads what a chunk of the given type says about its message, §5.3.1.2, and begins the message if the chunk does:
//
//	tttttttt tttttttt tttttttt  timestamp (type 0) or its increase (types 1 and 2) in ms
//	nnnnnnnn nnnnnnnn nnnnnnnn  length of the message's body (types 0 and 1)
//	kkkkkkkk                    kind of the message (types 0 and 1)
//	ssssssss ... ssssssss       message stream id, little-endian (type 0)
//	xxxxxxxx ... xxxxxxxx       timestamp or increase if t is all ones, §5.3.1.3
func (c *chunkReader) messageHeader(format byte, s *chunkStream) error {
	if format == sameMessage {
		return c.noHeader(s)
	}
	if s.open {
		return protocolError("chunk stream %d begins a message inside another", s.id)
	}
	h := c.header[:[...]int{11, 7, 3}[format]]
	if _, err := io.ReadFull(c.r, h); err != nil {
		return err
	}
	s.delta = uint24(h)
	s.extended = s.delta == escape
	if format <= 1 {
		s.length, s.kind = int(uint24(h[3:])), rtmpmsg.TypeID(h[6])
	}
	if format == 0 {
		s.stream = binary.LittleEndian.Uint32(h[7:])
	}
	if s.extended {
		var err error
		if s.delta, err = c.uint32(); err != nil {
			return err
		}
	}
	if format == 0 {
		s.time = 0 // so that delta, which is the whole timestamp, is what a type 3 chunk adds, §5.3.1.2.4
	}
	return c.begin(s)
}

// noHeader prepares for the body of a type 3 chunk. Its extended timestamp repeats the one before. Some encoders leave it out
// where it goes on with a message, against §5.3.1.3; then the four bytes are not a repetition but part of the body.
func (c *chunkReader) noHeader(s *chunkStream) error {
	if !s.open {
		if s.extended {
			delta, err := c.uint32()
			if err != nil {
				return err
			}
			s.delta = delta
		}
		return c.begin(s)
	}
	if s.extended {
		b, err := c.r.Peek(4)
		if err != nil {
			return err
		}
		if binary.BigEndian.Uint32(b) == s.delta {
			_, err = c.r.Discard(4)
		}
		return err
	}
	return nil
}

func (c *chunkReader) begin(s *chunkStream) error {
	if s.length > c.maxLength {
		return ingest.LimitError("message of %d bytes, the most is %d", s.length, c.maxLength)
	}
	s.time += s.delta
	s.body = s.body[:0]
	return nil
}

// grow takes more memory for a body, in proportion to what has come of it. Before there is too much, that of messages that are done with is
// given back.
func (c *chunkReader) grow(s *chunkStream) error {
	size, most := min(s.length, max(2*cap(s.body), firstBuffer)), c.maxLength+c.maxLength/4
	c.buffered += size - cap(s.body)
	if c.buffered > most {
		for _, o := range c.streams {
			if o != s && !o.open {
				c.release(o)
			}
		}
		if c.buffered > most {
			return ingest.LimitError("messages under way exceed %d bytes", most)
		}
	}
	c.in.SetBuffered(c.buffered + c.beside)
	body := make([]byte, len(s.body), size)
	copy(body, s.body)
	s.body = body
	return nil
}

// release gives the memory of a message back that is done with.
func (c *chunkReader) release(s *chunkStream) {
	c.buffered -= cap(s.body)
	s.body = nil
}

// partial tells whether a message is under way.
func (c *chunkReader) partial() bool {
	for _, s := range c.streams {
		if s.open {
			return true
		}
	}
	return false
}

func (c *chunkReader) uint32() (uint32, error) {
	b := c.header[:4]
	_, err := io.ReadFull(c.r, b)
	return binary.BigEndian.Uint32(b), err
}

func uint24(b []byte) uint32 { return uint32(b[0])<<16 | uint32(b[1])<<8 | uint32(b[2]) }

// unexpected says that an end of the stream came in the middle of something.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
