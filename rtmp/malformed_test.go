package rtmp_test

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/rtmp"
)

// A syncBuffer is a log that a test may read while it is written.
type syncBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// lines returns those that have a text.
func (b *syncBuffer) lines(text string) (found []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for line := range strings.Lines(b.text.String()) {
		if strings.Contains(line, text) {
			found = append(found, line)
		}
	}
	return found
}

// spoilt are bodies of video messages with which nothing can be done, and that are no end of a stream.
var spoilt = [][]byte{{0x27}, {0x27, 1, 0, 0, 0}, {0x27, 1, 0, 0, 0, 0, 0, 9, 9, 0x41}, {0x97}, {0x91, 'h', 'v'}, {0x96, 0x11, 'a'}, {0, 0, 0, 0, 0, 0}}

// sendSpoilt sends a key picture, malformed messages, and three pictures of which the second is a key picture.
func sendSpoilt(write func(stream uint32, m rtmp.Message)) {
	at := uint32(0)
	video := func(body []byte) {
		write(4, rtmp.Message{Kind: video, Stream: 1, Time: at, Body: body})
		at += 40
	}
	video(picture(true, 300))
	for range 20 {
		for _, body := range spoilt {
			video(body)
		}
	}
	write(5, rtmp.Message{Kind: aggregate, Stream: 1, Time: at, Body: []byte{9, 0, 0}})
	for _, key := range []bool{false, true, false} {
		video(picture(key, 300))
	}
}

// checkSpoilt checks what came of that: the picture behind the malformed messages is Lost, and two lines tell of all of them.
func checkSpoilt(t *testing.T, units []frame.AccessUnit, log *syncBuffer) {
	t.Helper()
	var lost []bool
	for _, u := range units {
		lost = append(lost, u.Lost)
	}
	if want := []bool{false, true, false, false}; len(lost) != 4 || lost[1] != want[1] || lost[2] || lost[3] {
		t.Errorf("lost are %v, want %v", lost, want)
	}
	lines := log.lines("malformed message")
	if len(lines) != 2 || !strings.Contains(lines[0], "video tag of 1 bytes") || !strings.Contains(lines[0], "messages=1") ||
		!strings.Contains(lines[1], "messages=140") {
		t.Errorf("the log has %q", lines)
	}
}

func TestMalformedMessages(t *testing.T) {
	var log syncBuffer
	got := make(recorder, 1)
	addr, _ := start(t, &rtmp.Server{Handler: got, Logger: textLogger(&log)})
	c := dial(t, addr)
	c.publish("key")
	sendSpoilt(c.write)
	_ = c.send()
	c.unpublish()
	r := <-got
	if r.err != nil {
		t.Error(r.err)
	}
	checkSpoilt(t, r.units, &log)
}

func TestMalformedMessagesOfAServer(t *testing.T) {
	var log syncBuffer
	addr := fake(t, func(_ int, p *player) {
		if _, ok := p.asked(); ok {
			p.start()
			p.write(4, rtmp.Message{Kind: video, Stream: 1, Body: sequenceHeader})
			sendSpoilt(p.write)
			p.tell("status", "NetStream.Play.UnpublishNotify", "")
			p.gone()
		}
	})
	got := make(recorder, 1)
	client := &rtmp.Client{URL: "rtmp://" + addr + "/live/cam", Handler: got, Once: true, Logger: textLogger(&log)}
	if err := client.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "the publisher left") {
		t.Error(err)
	}
	checkSpoilt(t, (<-got).units, &log)
}

// TestMalformedCommands cost nothing amid pictures.
func TestMalformedCommands(t *testing.T) {
	var log syncBuffer
	got := make(recorder, 1)
	addr, _ := start(t, &rtmp.Server{Handler: got, Logger: textLogger(&log)})
	c := dial(t, addr)
	c.publish("key")
	c.write(4, rtmp.Message{Kind: video, Stream: 1, Body: picture(true, 300)})
	for _, body := range []string{"", "\xff\xfe", "\x02\x00", "\x05"} {
		c.write(3, rtmp.Message{Kind: commandAMF0, Stream: 1, Body: []byte(body)})
	}
	c.write(3, rtmp.Message{Kind: commandAMF3, Stream: 1, Body: []byte{0}})
	c.write(4, rtmp.Message{Kind: video, Stream: 1, Time: 40, Body: picture(false, 300)})
	_ = c.send()
	c.unpublish()
	r := <-got
	if r.err != nil || len(r.units) != 2 || r.units[1].Lost {
		t.Errorf("%d units, then %v", len(r.units), r.err)
	}
	if lines := log.lines("malformed message"); len(lines) != 2 || !strings.Contains(lines[1], "messages=4") { // at once, and at the end
		t.Errorf("logged: %q", lines)
	}
}

// TestPicturesInPieces sends slices in messages of their own. A picture is there when the next begins; or, if nothing comes, after a while; or at
// the end of the stream. None is cut, not even the first.
func TestPicturesInPieces(t *testing.T) {
	got := make(events)
	addr, _ := start(t, &rtmp.Server{Handler: got})
	c := dial(t, addr)
	send := func(pictures ...uint32) {
		for _, i := range pictures {
			for k := range 3 {
				body := picture(i == 0, 300)
				if k > 0 {
					body[10] = 0x48 // first_mb_in_slice is not zero
				}
				c.write(4, rtmp.Message{Kind: video, Stream: 1, Time: 40 * i, Body: body})
			}
			c.write(5, rtmp.Message{Kind: audio, Stream: 1, Time: 40 * i, Body: make([]byte, 100)})
		}
		_ = c.send()
	}
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		c.publish("key")
		send(0, 1, 2)
	}()
	got.begun(t)
	units := got.units(t, 3) // nothing comes behind the last
	<-sent
	send(3)
	_ = c.conn.Close()
	units = append(units, got.units(t, 1)...)
	for i, u := range units {
		slices := bytes.Count(u.Data, []byte{0, 0, 0, 1, 0x65}) + bytes.Count(u.Data, []byte{0, 0, 0, 1, 0x41})
		if slices != 3 || u.Lost {
			t.Errorf("unit %d has %d slices, lost %v", i, slices, u.Lost)
		}
	}
	if err := got.ended(t); err == nil {
		t.Error("the connection was closed, and nobody said so")
	}
}

// TestLacks: a stream without parameter sets tells it, as long as no picture has come.
func TestLacks(t *testing.T) {
	lacks := make(chan string, 10)
	addr, _ := start(t, &rtmp.Server{Handler: frame.HandlerFunc(func(_ context.Context, s *frame.Stream) error {
		s.OnCue = func(frame.Cue) { lacks <- s.Lacks() }
		for _, err := range s.Units {
			if err != nil {
				return err
			}
		}
		return nil
	})})
	c := dial(t, addr)
	c.publish("key")
	c.out = c.out[:0] // without the sequence header
	cue := func() string {
		c.write(6, rtmp.Message{Kind: data, Stream: 1, Body: call(t, "onTextData", 1)})
		_ = c.send()
		return <-lacks
	}
	got := []string{cue()}
	for i := range uint32(3) {
		c.write(4, rtmp.Message{Kind: video, Stream: 1, Time: 40 * i, Body: picture(i == 0, 300)})
	}
	got = append(got, cue())
	c.write(4, rtmp.Message{Kind: video, Stream: 1, Time: 120, Body: sequenceHeader})
	c.write(4, rtmp.Message{Kind: video, Stream: 1, Time: 120, Body: picture(true, 300)})
	got = append(got, cue())
	if got[0] != "" || !strings.Contains(got[1], "3 messages with pictures have come, but no parameter sets (SPS and PPS)") || got[2] != "" {
		t.Errorf("%q", got)
	}
	c.unpublish()
}
