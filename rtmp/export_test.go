package rtmp

import (
	"bufio"
	"io"
	"time"
)

// A Packet is a packet with names that tests can see.
type Packet struct {
	Kind         byte
	Stream, Time uint32
	Body         []byte
}

// Packets returns a function that reads the next message from r, as connections do: aggregates come apart.
func Packets(r io.Reader, maxLength int) func() (Packet, error) {
	p := packetReader{chunkReader: *newChunkReader(bufio.NewReader(r), maxLength)}
	return func() (Packet, error) {
		m, err := p.next()
		return Packet{Kind: byte(m.kind), Stream: m.stream, Time: m.time, Body: m.body}, err
	}
}

// DecodeAMF is decodeAMF.
func DecodeAMF(b []byte) ([]any, error) { return decodeAMF(b) }

// Place returns a function that places timestamps on a timeline.
func Place() func(uint32) time.Duration { return new(timeline).place }
