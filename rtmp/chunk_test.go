package rtmp_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"maps"
	"slices"
	"testing"
	"testing/iotest"
	"time"

	"github.com/livestill/livestill/rtmp"
)

// Chunk stream ids with each length of basic header, and at its ends.
var chunkStreams = []uint32{3, 4, 63, 64, 319, 320, 65599}

// FuzzChunks writes messages as the input says, in any legal chunks, and wants them back as they were.
func FuzzChunks(f *testing.F) {
	f.Add([]byte("\x00\x00\x10\x09\x01\x00\x01\x20\x08\x01\x02\x00\x03\x03\x03\x09"))
	f.Add([]byte("\x01\x04\xff\x09\x03\x00\x05\x40\x02\x00\xff\xff\x06\x01\x02\x05\x01\x04\xff\x09\x03\x07"))
	f.Add(bytes.Repeat([]byte("\x00\x03\x90\x09\x02\x01\x04\x80\x08\x03\x02\x06\x02"), 20))
	f.Fuzz(func(t *testing.T, input []byte) {
		var w chunker
		var want []rtmp.Message
		stream := bytes.NewReader(nil)
		pick := func(n int) int { // a number below n that the input chooses
			b, err := stream.ReadByte()
			if err != nil {
				return 0
			}
			return int(b) % n
		}
		stream.Reset(input)
		for stream.Len() > 0 {
			id := chunkStreams[pick(len(chunkStreams))]
			s := w.streams[id]
			switch {
			case s != nil && s.open && pick(8) == 0:
				w.control(abort, id)
				s.open = false
				continue
			case s != nil && s.open:
				w.more(id)
			case pick(16) == 0:
				size := []uint32{1, 2, 64, 128, 300, 65536, 1<<31 - 1}[pick(7)]
				w.control(setChunkSize, size)
				w.size = int(size)
				continue
			default:
				p := rtmp.Message{Kind: []byte{audio, video, data, 77}[pick(4)], Stream: uint32(pick(3))}
				if s != nil {
					p.Time = s.last.Time
				}
				p.Time += []uint32{0, 20, 40, 0xfffffe, 0xffffff, 1 << 24, 1 << 31, 1<<32 - 1}[pick(8)]
				p.Body = make([]byte, pick(7)*pick(100))
				for i := range p.Body {
					p.Body[i] = byte(len(want) + i)
				}
				if len(p.Body) > 3 && pick(4) == 0 { // looks like an extended timestamp
					binary.BigEndian.PutUint32(p.Body, p.Time)
				}
				best := w.best(id, p)
				w.begin(id, byte(pick(int(best)+1)), p)
			}
			if s = w.streams[id]; !s.open {
				want = append(want, s.last)
			}
		}
		for _, id := range slices.Sorted(maps.Keys(w.streams)) {
			for w.streams[id].open && len(w.streams[id].rest) > 0 {
				w.more(id)
				if !w.streams[id].open {
					want = append(want, w.streams[id].last)
				}
			}
		}
		var r io.Reader = bytes.NewReader(w.out)
		if len(input)%2 == 1 {
			r = iotest.OneByteReader(r)
		}
		next := rtmp.Messages(r, 1<<20)
		for i, p := range want {
			got, err := next()
			if err != nil || got.Kind != p.Kind || got.Stream != p.Stream || got.Time != p.Time || !bytes.Equal(got.Body, p.Body) {
				t.Fatalf("message %d: got kind %d, stream %d, time %d, %d bytes, %v; want kind %d, stream %d, time %d, %d bytes",
					i, got.Kind, got.Stream, got.Time, len(got.Body), err, p.Kind, p.Stream, p.Time, len(p.Body))
			}
		}
		if p, err := next(); !errors.Is(err, io.EOF) {
			t.Fatalf("after the last message: %v, %v", p, err)
		}
	})
}

func TestChunksAgainstTheRules(t *testing.T) {
	begun := func(length uint32) []byte { // a video message with one chunk of its body
		return append([]byte{4, 0, 0, 0, byte(length >> 16), byte(length >> 8), byte(length), video, 1, 0, 0, 0}, make([]byte, 128)...)
	}
	crowd := func(n uint32) []byte {
		var w chunker
		for id := range n {
			w.write(3+id, rtmp.Message{Kind: audio})
		}
		return w.out
	}
	var many chunker // messages under way at once
	for id := range uint32(40) {
		many.begin(3+id, 0, rtmp.Message{Kind: video, Body: make([]byte, 999)})
	}
	var shy chunker // no extended timestamp where a message goes on
	p := rtmp.Message{Kind: video, Stream: 1, Time: 1 << 24, Body: bytes.Repeat([]byte{7}, 300)}
	shy.begin(4, 0, p)
	shy.streams[4].extended = false
	shy.more(4)
	shy.more(4)
	for _, c := range []struct {
		what  string
		bytes []byte
		most  int
		want  error // of the first message that has one
	}{
		{"nothing", nil, 1000, io.EOF},
		{"half a header", begun(128)[:5], 1000, io.ErrUnexpectedEOF},
		{"half a basic header", []byte{1, 7}, 1000, io.ErrUnexpectedEOF},
		{"half a message", begun(200), 1000, io.ErrUnexpectedEOF},
		{"half a chunk", begun(128)[:50], 1000, io.ErrUnexpectedEOF},
		{"a message as long as may be", begun(128), 128, io.EOF},
		{"a message that is too long", begun(129), 128, rtmp.ErrLimit},
		{"the longest message, and nothing of it", begun(1<<24 - 1), 8 << 20, rtmp.ErrLimit},
		{"a new header inside a message", append(begun(200), begun(200)...), 1000, rtmp.ErrProtocol},
		{"a first chunk that refers to one before", []byte{2<<6 | 5, 0, 0, 0}, 1000, rtmp.ErrProtocol},
		{"chunk size 0", []byte{2, 0, 0, 0, 0, 0, 4, setChunkSize, 0, 0, 0, 0, 0, 0, 0, 0}, 1000, rtmp.ErrProtocol},
		{"chunk size without a value", []byte{2, 0, 0, 0, 0, 0, 0, setChunkSize, 0, 0, 0, 0}, 1000, rtmp.ErrProtocol},
		{"as many chunk streams as may be", crowd(64), 1000, io.EOF},
		{"too many chunk streams", crowd(65), 1000, rtmp.ErrLimit},
		{"too many messages at once", many.out, 1000, rtmp.ErrLimit},
		{"a message without its extended timestamps", shy.out, 1000, io.EOF},
	} {
		t.Run(c.what, func(t *testing.T) {
			next := rtmp.Messages(bytes.NewReader(c.bytes), c.most)
			for {
				if _, err := next(); err != nil {
					if !errors.Is(err, c.want) {
						t.Errorf("got %v, want %v", err, c.want)
					}
					return
				}
			}
		})
	}
	if got, err := rtmp.Messages(bytes.NewReader(shy.out), 1000)(); err != nil || !bytes.Equal(got.Body, p.Body) {
		t.Errorf("without its extended timestamps: %v, %d bytes", err, len(got.Body))
	}
}

// Memory is taken for what came of a message, not for what its header announces.
func TestAnnouncedLengthsTakeNoMemory(t *testing.T) {
	var w chunker
	w.control(setChunkSize, 1)
	w.size = 1
	long := make([]byte, 8<<20)
	for id := range uint32(60) {
		w.begin(3+id, 0, rtmp.Message{Kind: video, Body: long}) // its first byte
	}
	before := allocated()
	if _, err := rtmp.Messages(bytes.NewReader(w.out), 8<<20)(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatal(err)
	}
	if n := allocated() - before; n > 60*16<<10 {
		t.Errorf("%d bytes allocated", n)
	}
}

func TestAggregate(t *testing.T) {
	tag := func(kind byte, time uint32, body string) []byte {
		b := []byte{kind, 0, 0, byte(len(body)), byte(time >> 16), byte(time >> 8), byte(time), byte(time >> 24), 0, 0, 0}
		return binary.BigEndian.AppendUint32(append(b, body...), uint32(len(b)+len(body)))
	}
	whole := slices.Concat(tag(audio, 1<<24, "one"), tag(video, 1<<24+20, ""), tag(video, 1<<24+40, "three"))
	for _, c := range []struct {
		what string
		body []byte
		want []rtmp.Message
		err  error
	}{
		{"three messages", whole, []rtmp.Message{{audio, 1, 500, []byte("one")}, {video, 1, 520, nil},
			{video, 1, 540, []byte("three")}}, io.EOF},
		{"no last trailer", whole[:len(whole)-4], []rtmp.Message{{audio, 1, 500, []byte("one")}, {video, 1, 520, nil},
			{video, 1, 540, []byte("three")}}, io.EOF},
		{"none", nil, nil, io.EOF},
		{"half a tag header", whole[:5], nil, rtmp.ErrProtocol},
		{"half a tag", whole[:12], nil, rtmp.ErrProtocol},
	} {
		t.Run(c.what, func(t *testing.T) {
			var w chunker
			w.write(4, rtmp.Message{Kind: aggregate, Stream: 1, Time: 500, Body: c.body})
			next := rtmp.Messages(bytes.NewReader(w.out), 1000)
			for _, want := range c.want {
				if got, err := next(); err != nil || got.Kind != want.Kind || got.Stream != want.Stream || got.Time != want.Time ||
					!bytes.Equal(got.Body, want.Body) {
					t.Errorf("got %v, %v, want %v", got, err, want)
				}
			}
			if _, err := next(); !errors.Is(err, c.err) {
				t.Errorf("ends with %v, want %v", err, c.err)
			}
		})
	}
}

func TestTimeline(t *testing.T) {
	const day = 24 * 60 * 60 * 1000
	place := rtmp.Timeline()
	for _, c := range []struct {
		what string
		raw  uint32
		want int64 // ms
	}{
		{"begins where the publisher does", 5000, 5000},
		{"goes on", 5040, 5040},
		{"disorder does not go back", 5020, 5040},
		{"nor lasts", 5080, 5080},
		{"a gap stays", 20 * day, 20 * day},
		{"more", 40 * day, 40 * day},
		{"the last before the wrap", 1<<32 - 10, 1<<32 - 10},
		{"the wrap", 10, 1<<32 + 10},
		{"a jump back goes on from there", 3_000_000_000, 1<<32 + 10},
		{"at the same pace", 3_000_000_040, 1<<32 + 50},
	} {
		if got := place(c.raw); got != time.Duration(c.want)*time.Millisecond {
			t.Errorf("%s: %v, want %d ms", c.what, got, c.want)
		}
	}
}
