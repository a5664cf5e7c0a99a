package rtmp

import (
	"bufio"
	"io"
	"time"

	"github.com/livestill/livestill/internal/flv"
	"github.com/livestill/livestill/internal/ingest"
)

// A Packet is a packet with names that tests can see.
type Packet struct {
	Kind         byte
	Stream, Time uint32
	Body         []byte
}

// Packets returns a function that reads the next message from r, as connections do: aggregates come apart.
func Packets(r io.Reader, maxLength int) func() (Packet, error) {
	p := packetReader{chunkReader: *newChunkReader(bufio.NewReader(r), maxLength, ingest.NewConn(nil))}
	return func() (Packet, error) {
		m, err := p.next()
		return Packet{Kind: byte(m.kind), Stream: m.stream, Time: m.time, Body: m.body}, err
	}
}

// DecodeAMF is decodeAMF.
func DecodeAMF(b []byte) ([]any, error) { return decodeAMF(b) }

// Timeline returns a function that says where the next message is, by its timestamp.
func Timeline() func(uint32) time.Duration { return new(flv.Timeline).Next }

// A Target is what a Client's URL, or a redirection, tells, with names that tests can see.
type Target struct {
	Scheme, Addr, App, Key, User, Password string
	Redirected                             bool
	Name, URL                              string

	target target
}

// ParseTarget is parseTarget.
func ParseTarget(url string) (Target, error) {
	t, err := parseTarget(url)
	return visible(t), err
}

// Redirect returns where a server's redirection to a URL leads.
func (t Target) Redirect(to string) (Target, error) {
	there, err := t.target.redirect(to)
	return visible(there), err
}

// Refusal returns the error that is made of a server's refusal to play t.
func (t Target) Refusal(code, description string) error {
	p := &player{at: t.target}
	return &Error{Step: "play", Stream: t.Name, Err: p.refusal(map[string]any{"code": code, "description": description})}
}

func visible(t target) Target {
	return Target{t.scheme, t.addr(), t.app, t.key, t.user, t.password, t.redirected, t.name, t.url, t}
}
