package rtmp_test

import (
	"encoding/binary"
	"io"
	"math"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livestill/livestill/rtmp"
)

// An encoder is a client that speaks as a certain product does: the same commands with the same ids on the same chunk streams,
// and it waits for the same answers.
type encoder struct {
	*client
	heard [][]any // commands of the server
	body  []byte  // of the last of them
}

// Each product gets the answers that it waits for, publishes a key picture and more, and leaves in its own way. See products for
// where what they do is known from.
func TestProductsPublish(t *testing.T) {
	for _, p := range products {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			got := make(recorder, 1)
			addr, _ := start(t, &rtmp.Server{Handler: got})
			e := &encoder{client: dial(t, addr)}
			p.play(e)
			e.closed()
			r := <-got
			if r.err != nil || r.name != "live/key" || len(r.units) != len(p.at) {
				t.Fatalf("got %s, %d units, then %v; want live/key, %d units", r.name, len(r.units), r.err, len(p.at))
			}
			for i, u := range r.units {
				if u.DTS != time.Duration(p.at[i])*time.Millisecond || u.Key != (i == 0) || len(u.Data) == 0 {
					t.Errorf("unit %d is at %v, key %v, %d bytes, want %d ms", i, u.DTS, u.Key, len(u.Data), p.at[i])
				}
			}
		})
	}
}

// An encoder that left hangs up by itself, and is given a second for that: GStreamer's rtmp2sink, for one, fails if the server
// hangs up first, and what librtmp sends behind FCUnpublish would reset the connection.
func TestEncoderHangsUpFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got, conn := inMemory(t)
		w := commands(t)
		for _, values := range [][]any{{"FCUnpublish", 4, nil, "key"}, {"deleteStream", 5, nil, 1}} {
			w.write(3, rtmp.Message{Kind: commandAMF0, Body: amf(values...)})
		}
		go func() { _, _ = conn.Write(append(append([]byte{3}, make([]byte, 2*1536)...), w.out...)) }()
		begin := time.Now()
		_, _ = io.Copy(io.Discard, conn)
		if took := time.Since(begin); took != time.Second {
			t.Errorf("the server hung up after %v", took)
		}
		check(t, <-got, "live/key", 1, 1)
	})
}

// invoke sends a command on a chunk stream and a message stream.
func (e *encoder) invoke(chunks, stream uint32, values ...any) {
	e.write(chunks, rtmp.Message{Kind: commandAMF0, Stream: stream, Body: amf(values...)})
	_ = e.send()
}

// connect says what encoders say first, and waits for the answer.
func (e *encoder) connect(properties ...any) {
	e.t.Helper()
	e.invoke(3, 0, "connect", 1, object(properties))
	e.awaits("_result", 1)
}

// create opens a message stream with a command of the given id.
func (e *encoder) create(id int) uint32 {
	e.t.Helper()
	e.invoke(3, 0, "createStream", id, nil)
	stream, ok := e.awaits("_result", id)[3].(float64)
	if !ok {
		e.t.Fatalf("no message stream in %v", e.heard)
	}
	return uint32(stream)
}

// awaits reads up to the command with the given name and id, and returns its values.
func (e *encoder) awaits(name string, id int) []any {
	e.t.Helper()
	for {
		p := e.message(commandAMF0, "command "+name)
		values, err := rtmp.DecodeAMF(p.Body)
		if err != nil {
			e.t.Fatal(err)
		}
		e.heard, e.body = append(e.heard, values), p.Body
		if values[0] == name && values[1] == float64(id) {
			return values
		}
	}
}

// awaitsStatus reads up to the onStatus with the given code.
func (e *encoder) awaitsStatus(code string) {
	e.t.Helper()
	for {
		if info, ok := e.awaits("onStatus", 0)[3].(map[string]any); ok && info["code"] == code {
			return
		}
	}
}

// message reads up to a message of the given kind.
func (e *encoder) message(kind byte, what string) rtmp.Message {
	e.t.Helper()
	for {
		p, err := e.next()
		if err != nil {
			e.t.Fatalf("waits for %s: %v; heard %v", what, err, e.heard)
		}
		if p.Kind == kind {
			return p
		}
	}
}

// pictures sends a sequence header with timestamp zero and then a key picture and others at the given times in ms.
func (e *encoder) pictures(chunks, stream uint32, at ...uint32) {
	e.write(chunks, rtmp.Message{Kind: video, Stream: stream, Body: sequenceHeader})
	for i, ms := range at {
		e.write(chunks, rtmp.Message{Kind: video, Stream: stream, Time: ms, Body: picture(i == 0, 300)})
	}
	_ = e.send()
}

// sound sends a frame of AAC, or its header.
func (e *encoder) sound(chunks, stream, at uint32, header bool) {
	body := []byte{0xaf, 1, 0x21, 0x10, 4, 0x60, 0x8c, 0x1c}
	if header {
		body = []byte{0xaf, 0, 0x12, 0x10}
	}
	e.write(chunks, rtmp.Message{Kind: audio, Stream: stream, Time: at, Body: body})
	_ = e.send()
}

type (
	object    []any // names and values in turn, in an order that is kept
	ecmaArray []any // the same
	array     []any
	undefined struct{}
	switched  []byte // AMF3 within AMF0, behind the marker that switches to it
)

// amf encodes values in AMF0 as encoders do, in the order that they do.
func amf(values ...any) (b []byte) {
	for _, v := range values {
		switch v := v.(type) {
		case nil:
			b = append(b, 5)
		case undefined:
			b = append(b, 6)
		case int:
			b = binary.BigEndian.AppendUint64(append(b, 0), math.Float64bits(float64(v)))
		case bool:
			b = append(b, 1, 0)
			if v {
				b[len(b)-1] = 1
			}
		case string:
			b = append(binary.BigEndian.AppendUint16(append(b, 2), uint16(len(v))), v...)
		case array:
			b = append(binary.BigEndian.AppendUint32(append(b, 10), uint32(len(v))), amf(v...)...)
		case object:
			b = appendPairs(append(b, 3), v)
		case ecmaArray:
			b = appendPairs(binary.BigEndian.AppendUint32(append(b, 8), uint32(len(v)/2)), v)
		case switched:
			b = append(append(b, 17), v...)
		}
	}
	return b
}

func appendPairs(b []byte, pairs []any) []byte {
	for pair := range slices.Chunk(pairs, 2) {
		b = append(b, amf(pair[0])[1:]...) // a name is a string without its marker
		b = append(b, amf(pair[1])...)
	}
	return append(b, 0, 0, 9)
}
