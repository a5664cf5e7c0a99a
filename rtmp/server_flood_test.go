package rtmp_test

import (
	"bytes"
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/ingest"
	"github.com/livestill/livestill/internal/ingest/ingesttest"
	"github.com/livestill/livestill/rtmp"
)

// TestFloods has publishers send messages as fast as they are taken. They are taken no faster than publishers need, nobody is hung up
// on for it, and what was sent arrives.
func TestFloods(t *testing.T) {
	const lasts = 3 * time.Second
	part := rtmp.Message{Kind: audio, Body: []byte{0xaf, 1}}
	for _, test := range []struct {
		about  string
		chunk  int          // bytes
		same   []byte       // what the message is from the second time on; nil for the same again
		again  rtmp.Message // the message
		weight float64      // messages, as they are counted
		units  bool         // it is a unit
	}{
		{"small units", 128, nil, rtmp.Message{Kind: video, Body: picture(false, 8)}, 1, true},
		{"small units in type 3 chunks", 128, append([]byte{0xc5}, picture(false, 8)...), rtmp.Message{Kind: video, Body: picture(false, 8)}, 1, true},
		{"large pictures", 1 << 20, nil, rtmp.Message{Kind: video, Body: picture(false, 1<<20)}, 33, true},
		{"sound", 128, nil, part, 1, false},
		{"chunks of a byte", 1, nil, rtmp.Message{Kind: audio, Body: make([]byte, 4000)}, 21, false},
		{"aggregates of sound", 128, nil, rtmp.Message{Kind: aggregate, Body: bytes.Repeat(tag(part), 500)}, 500, false},
		{"empty messages", 128, []byte{0xc5}, rtmp.Message{Kind: audio}, 1, false},
		{"cues", 128, nil, rtmp.Message{Kind: data, Body: amf("onCuePoint", 1)}, 1, false},
		{"cues of 60 KiB", 1 << 20, nil, rtmp.Message{Kind: data, Body: amf("onCuePoint", string(make([]byte, 60<<10)))}, 61, false},
		{"pings", 128, nil, rtmp.Message{Kind: userControl, Body: []byte{0, 6, 1, 2, 3, 4}}, 1, false},
		{"chunk sizes", 128, nil, rtmp.Message{Kind: setChunkSize, Body: []byte{0, 0, 0, 128}}, 1, false},
		{"commands", 128, nil, rtmp.Message{Kind: commandAMF0, Body: call(t, "what", 1)}, 1, false},
	} {
		t.Run(test.about, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var units, cues int
				done := make(chan error, 1)
				handler := frame.HandlerFunc(func(_ context.Context, s *frame.Stream) error {
					s.OnCue = func(frame.Cue) { cues++ }
					for _, err := range s.Units {
						if err != nil {
							done <- err
							return err
						}
						units++
					}
					done <- nil
					return nil
				})
				ln := ingesttest.NewListener()
				stop := serve(t, &rtmp.Server{Handler: handler}, ln)
				defer stop()
				c := &client{t: t, conn: ln.Dial()}
				go func() {
					for b := make([]byte, 64<<10); ; {
						if _, err := c.conn.Read(b); err != nil {
							return
						}
					}
				}()
				w := chunker{out: script(t)}
				w.control(setChunkSize, uint32(test.chunk))
				w.size = test.chunk
				_, err := c.conn.Write(w.out)
				message := func(p rtmp.Message) []byte {
					w := chunker{size: test.chunk}
					p.Stream = 1
					w.write(5, p)
					return w.out
				}
				begin, sent, again := time.Now(), 0, message(test.again)
				for ; time.Since(begin) < lasts && err == nil; sent++ {
					if _, err = c.conn.Write(again); test.same != nil {
						again = test.same
					}
				}
				if err != nil {
					t.Fatalf("hung up on after %d: %v", sent, err)
				}
				most := ingest.Burst + ingest.Rate*lasts.Seconds()
				if n := float64(sent) * test.weight; n < 0.9*most || n > 1.2*most {
					t.Errorf("%.0f messages are read, want %.0f", n, most)
				}
				_, _ = c.conn.Write(message(rtmp.Message{Kind: commandAMF0, Body: call(t, "deleteStream", 4, nil, 1)}))
				if err := <-done; err != nil {
					t.Error(err)
				}
				if test.units && units < sent || test.about == "cues" && cues != sent {
					t.Errorf("%d units and %d cues of %d", units, cues, sent)
				}
			})
		})
	}
}

// TestFloodBeforePublish has a peer send commands, and nothing else, for as long as it may.
func TestFloodBeforePublish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ln := ingesttest.NewListener()
		stop := serve(t, &rtmp.Server{Handler: make(recorder)}, ln)
		defer stop()
		conn := ln.Dial()
		go func() {
			for b := make([]byte, 64<<10); ; {
				if _, err := conn.Read(b); err != nil {
					return
				}
			}
		}()
		_, err := conn.Write(append([]byte{3}, make([]byte, 2*1536)...))
		var w chunker
		w.write(3, rtmp.Message{Kind: commandAMF0, Body: call(t, "what", 1)})
		sent := 0
		for begin := time.Now(); err == nil; sent++ {
			if _, err = conn.Write(w.out); time.Since(begin) > time.Minute {
				t.Fatal("it goes on")
			}
		}
		const linger = 1 << 20 // bytes, which are only discarded
		if sent > ingest.Beginning+12*ingest.Rate+linger/len(w.out) {
			t.Errorf("%d commands are read in ten seconds", sent)
		}
	})
}
