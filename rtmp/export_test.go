package rtmp

import (
	"bufio"
	"io"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/flv"
	"github.com/livestill/livestill/internal/ingest"
)

// A Message is a message with names that tests can see.
type Message struct {
	Kind         byte
	Stream, Time uint32
	Body         []byte
}

// Messages returns a function that reads the next message from r, as connections do: aggregates come apart.
func Messages(r io.Reader, maxLength int) func() (Message, error) {
	reader := messageReader{chunkReader: *newChunkReader(bufio.NewReader(r), maxLength, ingest.NewConn(nil))}
	return func() (Message, error) {
		m, err := reader.next()
		return Message{Kind: byte(m.kind), Stream: m.stream, Time: m.time, Body: m.body}, err
	}
}

// DecodeAMF is decodeAMF.
func DecodeAMF(b []byte) ([]any, error) { return decodeAMF(b) }

// ColorInfo returns what these values say of colours.
func ColorInfo(values []any) (frame.Colours, bool) {
	return colours(frame.Cue{Name: colorInfo, Values: values})
}

// Timeline returns a function that says where the next message is, by its timestamp.
func Timeline() func(uint32) time.Duration { return new(flv.Timeline).Next }

// An Address is what a Client's URL, or a redirection, tells, with names that tests can see.
type Address struct {
	Scheme, Addr, App, Key, User, Password string
	Redirected                             bool
	Name, URL                              string

	address address
}

// ParseAddress is parseAddress.
func ParseAddress(url string) (Address, error) {
	a, err := parseAddress(url)
	return visible(a), err
}

// Redirect returns where a server's redirection to a URL leads.
func (a Address) Redirect(to string) (Address, error) {
	there, err := a.address.redirect(to)
	return visible(there), err
}

// Refusal returns the error that is made of a server's refusal to play a.
func (a Address) Refusal(code, description string) error {
	p := &player{at: a.address}
	return &Error{Step: "play", Stream: a.Name, Err: p.refusal(map[string]any{"code": code, "description": description})}
}

func visible(a address) Address {
	return Address{a.scheme, a.hostPort(), a.app, a.key, a.user, a.password, a.redirected, a.name, a.url, a}
}
