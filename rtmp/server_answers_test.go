package rtmp_test

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/livestill/livestill/internal/ingest/ingesttest"
	"github.com/livestill/livestill/rtmp"
)

// TestAnswersAtOnce has publishers send a MiB of what is answered at once. They are told little of it, and
// their connections end for it.
func TestAnswersAtOnce(t *testing.T) {
	for _, test := range []struct {
		about string
		part  rtmp.Message
	}{
		{"commands that are unknown", rtmp.Message{Kind: commandAMF0, Body: call(t, "x", 1)}},
		{"createStream", rtmp.Message{Kind: commandAMF0, Body: call(t, "createStream", 1)}},
		{"pings", rtmp.Message{Kind: userControl, Body: []byte{0, 6, 1, 2, 3, 4}}},
	} {
		t.Run(test.about, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got, ln := make(recorder, 1), ingesttest.NewListener()
				defer serve(t, &rtmp.Server{Handler: got}, ln)()
				conn := ln.Dial()
				var answers bytes.Buffer
				var reading sync.WaitGroup
				reading.Go(func() { _, _ = io.Copy(&answers, conn) })
				w := chunker{out: script(t)}
				w.control(setChunkSize, 1<<20)
				w.size = 1 << 20
				part := tag(test.part)
				w.write(5, rtmp.Message{Kind: aggregate, Stream: 1, Body: bytes.Repeat(part, 1<<20/len(part))})
				_, _ = conn.Write(w.out)
				if r := <-got; !errors.Is(r.err, rtmp.ErrLimit) {
					t.Errorf("Units end with %v", r.err)
				}
				reading.Wait()
				if n := answers.Len(); n > 80<<10 {
					t.Errorf("%d bytes of answers", n)
				}
			})
		})
	}
}

// TestAggregatesAreGivenBack reads an aggregate of 16 MiB, whose memory is not kept.
func TestAggregatesAreGivenBack(t *testing.T) {
	in, out := io.Pipe()
	go func() {
		part := tag(rtmp.Message{Kind: audio, Body: make([]byte, 1<<20)})
		size := 15 * len(part)
		_, _ = out.Write([]byte{2, 0, 0, 0, 0, 0, 4, setChunkSize, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff})
		_, _ = out.Write([]byte{4, 0, 0, 0, byte(size >> 16), byte(size >> 8), byte(size), aggregate, 1, 0, 0, 0})
		for range 15 {
			_, _ = out.Write(part)
		}
		_, _ = out.Write([]byte{5, 0, 0, 0, 0, 0, 0, audio, 1, 0, 0, 0})
	}()
	next := rtmp.Messages(in, 16<<20)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for range 16 {
		if _, err := next(); err != nil {
			t.Fatal(err)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if kept := int64(after.HeapAlloc) - int64(before.HeapAlloc); kept > 4<<20 {
		t.Errorf("%d bytes are kept", kept)
	}
	runtime.KeepAlive(next)
}
