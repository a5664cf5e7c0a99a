package rtmp_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"testing"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/rtmp"
	gortmp "github.com/yutopp/go-rtmp"
	"github.com/yutopp/go-rtmp/message"
)

var chunkSizes = []int{128, 4 << 10, 64 << 10}

// media returns some seconds of a stream: pictures of 8 KiB, a key picture of 100 KiB every 60, and audio of 400 bytes between.
func media(tb testing.TB, chunkSize, pictures int) (b []byte, messages int) {
	tb.Helper()
	w := commands(tb)
	w.control(setChunkSize, uint32(chunkSize))
	w.size = chunkSize
	for i := range pictures {
		size := 8 << 10
		if i%60 == 0 {
			size = 100 << 10
		}
		w.write(4, rtmp.Message{Kind: video, Stream: 1, Time: uint32(i * 40), Body: picture(i%60 == 0, size)})
		w.write(5, rtmp.Message{Kind: audio, Stream: 1, Time: uint32(i * 40), Body: make([]byte, 400)})
	}
	return w.out, 2 * pictures
}

// BenchmarkChunks reads messages out of chunks, beside go-rtmp's reader on the same bytes. An operation is one message.
func BenchmarkChunks(b *testing.B) {
	for _, size := range chunkSizes {
		stream, messages := media(b, size, 600)
		run := func(name string, read func() (next func() error)) {
			b.Run(fmt.Sprintf("%s/%d", name, size), func(b *testing.B) {
				b.SetBytes(int64(len(stream) / messages))
				b.ReportAllocs()
				next := func() error { return io.EOF }
				for b.Loop() {
					if err := next(); err != nil {
						next = read()
					}
				}
			})
		}
		run("livestill", func() func() error {
			next := rtmp.Messages(bytes.NewReader(stream), 8<<20)
			return func() error { _, err := next(); return err }
		})
		run("go-rtmp", func() func() error {
			r := gortmp.NewChunkStreamer(bytes.NewReader(stream), io.Discard, nil)
			b.Cleanup(func() { _ = r.Close(); <-r.Done() })
			return func() error {
				var m gortmp.ChunkMessage
				_, _, err := r.Read(&m)
				if size, ok := m.Message.(*message.SetChunkSize); ok && err == nil {
					err = r.PeerState().SetChunkSize(size.ChunkSize)
				}
				return err
			}
		})
	}
}

// BenchmarkServer ingests a stream from a connection that is always ready, to the access units. An operation is one unit.
func BenchmarkServer(b *testing.B) {
	for _, size := range chunkSizes {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			const pictures = 600
			stream, _ := media(b, size, pictures)
			stream = append(append([]byte{3}, make([]byte, 2*1536)...), stream...)
			b.SetBytes(int64(len(stream) / pictures))
			b.ReportAllocs()
			left := b.N
			for b.ResetTimer(); left > 0; {
				play(b, &rtmp.Server{Handler: frame.HandlerFunc(func(_ context.Context, s *frame.Stream) error {
					for _, err := range s.Units {
						if left--; err != nil || left <= 0 {
							break
						}
					}
					return nil
				})}, stream)
			}
		})
	}
}
