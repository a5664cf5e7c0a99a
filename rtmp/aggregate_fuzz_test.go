package rtmp_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/livestill/livestill/rtmp"
)

// FuzzAggregate takes aggregates apart. Each part lies inside the aggregate and has its message stream, the first part has its time,
// and the parts, put together again, come apart into the same parts.
func FuzzAggregate(f *testing.F) {
	part := func(kind byte, at uint32, body string) []byte {
		return tag(rtmp.Message{Kind: kind, Time: at, Body: []byte(body)})
	}
	f.Add(uint32(500), bytes.Join([][]byte{part(video, 40, "\x17\x02"), part(audio, 63, "\xaf\x01abc"), part(data, 80, "")}, nil))
	f.Add(uint32(1<<32-1), bytes.Join([][]byte{part(video, 1<<24, "\x27"), part(aggregate, 1<<31, string(part(video, 1, "a")))}, nil))
	f.Add(uint32(0), part(video, 0, "the last part without its trailer")[:11+33])
	f.Add(uint32(0), part(video, 0, "it ends short")[:11+5])
	f.Add(uint32(0), []byte("\x09\xff\xff\xff\x00\x00\x00\x00\x00\x00\x00"))
	f.Add(uint32(0), append(part(video, 0, "left over"), 9, 0, 0))
	f.Add(uint32(7), []byte{})
	f.Fuzz(func(t *testing.T, at uint32, body []byte) {
		parts, err := takeApart(at, body)
		if err != nil && !errors.Is(err, rtmp.ErrProtocol) {
			t.Fatal(err)
		}
		var whole []byte
		for i, p := range parts {
			if p.Stream != 1 || i == 0 && p.Time != at {
				t.Errorf("part %d of an aggregate at %d: %+v", i, at, p)
			}
			whole = append(whole, tag(p)...)
		}
		if len(whole) > len(body)+4 { // the trailer of the last part may be missing
			t.Fatalf("%d bytes of parts in %d bytes", len(whole), len(body))
		}
		again, err := takeApart(at, whole)
		if err != nil || len(again) != len(parts) {
			t.Fatalf("%d parts, %d when put together again: %v", len(parts), len(again), err)
		}
		for i, p := range again {
			if p.Kind != parts[i].Kind || p.Time != parts[i].Time || !bytes.Equal(p.Body, parts[i].Body) {
				t.Errorf("part %d: %+v, and again %+v", i, parts[i], p)
			}
		}
	})
}

// takeApart returns the parts of an aggregate, and the error that ended them, if any.
func takeApart(at uint32, body []byte) (parts []rtmp.Message, err error) {
	var w chunker
	w.write(4, rtmp.Message{Kind: aggregate, Stream: 1, Time: at, Body: body})
	next := rtmp.Messages(bytes.NewReader(w.out), 16<<20)
	for {
		p, err := next()
		if errors.Is(err, io.EOF) {
			return parts, nil
		} else if err != nil {
			return parts, err
		}
		p.Body = bytes.Clone(p.Body)
		parts = append(parts, p)
	}
}

// tag returns p as a part of an aggregate.
func tag(p rtmp.Message) []byte {
	n, at := len(p.Body), p.Time
	b := []byte{p.Kind, byte(n >> 16), byte(n >> 8), byte(n), byte(at >> 16), byte(at >> 8), byte(at), byte(at >> 24), 0, 0, 0}
	size := n + len(b)
	return append(append(b, p.Body...), byte(size>>24), byte(size>>16), byte(size>>8), byte(size))
}
