package rtmp_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/frametest"
	"github.com/livestill/livestill/internal/ingest/ingesttest"
	"github.com/livestill/livestill/rtmp"
)

func TestWhatCannotHealEndsRun(t *testing.T) {
	for _, c := range []struct{ about, url string }{
		{"no URL", ""},
		{"another scheme", "http://me:" + secret + "@127.0.0.1/live/cam"},
		{"no host", "rtmp:///live/cam"},
		{"no path", "rtmp://127.0.0.1"},
		{"an empty path", "rtmp://127.0.0.1/"},
		{"an empty app", "rtmp://127.0.0.1//cam"},
		{"a query without a path", "rtmp://127.0.0.1?token=" + secret},
		{"a password that is not encoded", "rtmp://me:" + secret + "/@127.0.0.1/live/cam"},
		{"a control character", "rtmp://127.0.0.1/live/cam\n"},
		{"no text", "rtmp://127.0.0.1/live/\xff"},
		{"a book", "rtmp://127.0.0.1/live/" + strings.Repeat(secret, 1000)},
	} {
		err := (&rtmp.Client{URL: c.url, Handler: ingesttest.Refuse(t)}).Run(t.Context())
		var wrapped *rtmp.Error
		if !errors.Is(err, rtmp.ErrURL) || !errors.As(err, &wrapped) || wrapped.Step != "configure" || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v", c.about, err)
		}
	}
	err := (&rtmp.Client{URL: "rtmp://127.0.0.1/live/cam"}).Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "no Handler") {
		t.Errorf("without a Handler: %v", err)
	}
}

// A Handler that does not want the stream, or has enough of it, ends Run with what it returns.
func TestHandlerEndsRun(t *testing.T) {
	addr := fake(t, func(_ int, p *player) {
		if _, ok := p.asked(); ok {
			p.start()
			p.media(3)
			p.gone()
		}
	})
	for about, handler := range map[string]frame.HandlerFunc{
		"it refuses": func(context.Context, *frame.Stream) error { return errStop },
		"it hangs up": func(_ context.Context, s *frame.Stream) error {
			for _, err := range s.Units {
				if err == nil {
					break
				}
			}
			for _, err := range s.Units { // there is no second time
				if err == nil {
					t.Error("ranged twice")
				}
			}
			return errStop
		},
	} {
		if err := (&rtmp.Client{URL: "rtmp://" + addr + "/live/cam", Handler: handler}).Run(t.Context()); !errors.Is(err, errStop) {
			t.Errorf("%s: Run returned %v", about, err)
		}
	}
}

// A Client that plays once returns what others would try again for.
func TestOnce(t *testing.T) {
	unknown := fake(t, func(_ int, p *player) {
		p.asked()
		p.tell("error", "NetStream.Play.StreamNotFound", "")
	})
	short := fake(t, func(_ int, p *player) {
		if _, ok := p.asked(); ok {
			p.start()
			p.media(3)
			p.tell("status", "NetStream.Play.UnpublishNotify", "")
			p.gone()
		}
	})
	for _, c := range []struct{ about, addr, step, text string }{
		{"nobody listens", frametest.FreeAddr(t), "dial", "connection refused"},
		{"the server does not know the stream", unknown, "play", "StreamNotFound"},
		{"a stream that ends", short, "receive", "the publisher left"},
	} {
		got := make(recorder, 1)
		err := (&rtmp.Client{URL: "rtmp://" + c.addr + "/live/cam", Handler: got, Once: true}).Run(t.Context())
		var wrapped *rtmp.Error
		if !errors.As(err, &wrapped) || wrapped.Step != c.step || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %v, want %s in step %s", c.about, err, c.text, c.step)
		}
		if (len(got) == 1) != (c.step == "receive") {
			t.Errorf("%s: %d streams", c.about, len(got))
		}
	}
}

// What servers say and do between pictures: the stream goes on, and they get their answers.
func TestServersMayTalk(t *testing.T) {
	answers := make(chan rtmp.Message, 100)
	addr := fake(t, func(_ int, p *player) {
		if _, ok := p.asked(); !ok {
			return
		}
		p.write(2, rtmp.Message{Kind: userControl, Body: []byte{0, 0, 0, 0, 0, 1}}) // StreamBegin
		p.start()
		p.write(5, rtmp.Message{Kind: data, Stream: 1, Body: call(t, "|RtmpSampleAccess", 1)})
		p.write(5, rtmp.Message{Kind: data, Stream: 1, Body: call(t, "onMetaData", 1280)})
		p.media(1)
		p.control(setChunkSize, 1)
		p.size = 1
		p.write(4, rtmp.Message{Kind: video, Stream: 1, Time: 40, Body: picture(false, 300)})
		p.control(setChunkSize, 65536)
		p.size = 65536
		p.write(4, rtmp.Message{Kind: video, Stream: 1, Time: 80, Body: picture(false, 50_000)})
		p.write(2, rtmp.Message{Kind: userControl, Body: []byte{0, 6, 1, 2, 3, 4}})
		p.write(2, rtmp.Message{Kind: userControl, Body: []byte{0, 1, 0, 0, 0, 9}}) // StreamEOF of another
		p.write(2, rtmp.Message{Kind: userControl, Body: []byte{0, 31}})
		p.write(2, rtmp.Message{Kind: setPeerBandwidth, Body: []byte{0, 1, 2, 3, 2}})
		p.control(windowSize, 3000)
		p.call(1, "onStatus", 0, nil, map[string]any{"level": "warning", "code": "NetStream.Play.InsufficientBW"})
		p.call(0, "_error", 3, nil, map[string]any{"level": "error", "code": "NetConnection.Call.Failed"}) // FCSubscribe
		p.call(0, "onFCSubscribe", 0, nil, map[string]any{"level": "status"})
		p.write(4, rtmp.Message{Kind: audio, Stream: 1, Time: 100, Body: make([]byte, 9000)})
		p.write(4, rtmp.Message{Kind: video, Stream: 1, Time: 120, Body: picture(false, 300)})
		_ = p.send()
		for {
			m, err := p.next()
			if err != nil {
				return
			}
			m.Body = bytes.Clone(m.Body)
			answers <- m
		}
	})
	got := make(events)
	var cues []string
	run(t, &rtmp.Client{URL: "rtmp://" + addr + "/live/cam", Handler: frame.HandlerFunc(func(ctx context.Context, s *frame.Stream) error {
		s.OnCue = func(c frame.Cue) { cues = append(cues, c.Name) }
		return got.ServeStream(ctx, s)
	})})
	got.begun(t)
	units := got.units(t, 4)
	if units[3].DTS-units[0].DTS != 120*time.Millisecond || len(cues) != 2 || cues[1] != "onMetaData" {
		t.Errorf("units at %v and %v, cues %v", units[0].DTS, units[3].DTS, cues)
	}
	pong, window, acknowledged := false, false, false
	for !pong || !window || !acknowledged {
		m := <-answers
		pong = pong || m.Kind == userControl && string(m.Body) == "\x00\x07\x01\x02\x03\x04"
		window = window || m.Kind == windowSize && string(m.Body) == "\x00\x01\x02\x03"
		acknowledged = acknowledged || m.Kind == acknowledge && binary.BigEndian.Uint32(m.Body) > 3000
	}
}

// A Client that joins in the middle of a GOP drops what it cannot decode.
func TestJoinsInTheMiddle(t *testing.T) {
	addr := fake(t, func(_ int, p *player) {
		if _, ok := p.asked(); !ok {
			return
		}
		p.start()
		p.write(4, rtmp.Message{Kind: video, Stream: 1, Body: sequenceHeader})
		for i, key := range []bool{false, false, true, false} {
			p.write(4, rtmp.Message{Kind: video, Stream: 1, Time: uint32(40 * i), Body: picture(key, 300)})
		}
		_ = p.send()
		p.gone()
	})
	got := make(events)
	run(t, &rtmp.Client{URL: "rtmp://" + addr + "/live/cam", Handler: got})
	got.begun(t)
	if u := got.units(t, 2); !u[0].Key || u[1].Key {
		t.Errorf("begins with key %v, %v", u[0].Key, u[1].Key)
	}
}

// However a stream ends, it is pulled again.
func TestEveryWayToEnd(t *testing.T) {
	for _, c := range []struct {
		about string
		end   func(p *player)
		want  error // nil if the publisher left
	}{
		{"UnpublishNotify", func(p *player) { p.tell("status", "NetStream.Play.UnpublishNotify", "") }, nil},
		{"Play.Stop", func(p *player) { p.tell("status", "NetStream.Play.Stop", "") }, nil},
		{"Play.Complete", func(p *player) { p.tell("status", "NetStream.Play.Complete", "") }, nil},
		{"StreamEOF", func(p *player) {
			p.write(2, rtmp.Message{Kind: userControl, Body: []byte{0, 1, 0, 0, 0, 1}})
			_ = p.send()
		}, nil},
		{"the server hangs up", func(p *player) { _ = p.conn.Close() }, io.ErrUnexpectedEOF},
		{"the server falls silent", func(*player) {}, os.ErrDeadlineExceeded},
		{"a message that is too long", func(p *player) {
			p.write(4, rtmp.Message{Kind: video, Stream: 1, Body: make([]byte, 70<<10)})
			_ = p.send()
		}, rtmp.ErrLimit},
		{"a command that is too long", func(p *player) { p.call(1, "x", 0, strings.Repeat("x", 17<<10)) }, rtmp.ErrLimit},
		{"an array of 2^31-1", func(p *player) {
			p.write(3, rtmp.Message{Kind: commandAMF0, Body: append(call(t, "x", 0), 10, 0x7f, 0xff, 0xff, 0xff)})
			_ = p.send()
		}, rtmp.ErrProtocol},
	} {
		t.Run(c.about, func(t *testing.T) {
			addr := fake(t, func(_ int, p *player) {
				if _, ok := p.asked(); ok {
					p.start()
					p.media(2)
					c.end(p)
					p.gone()
				}
			})
			got := make(events)
			client := &rtmp.Client{URL: "rtmp://" + addr + "/live/cam", Handler: got, MaxMessage: 64 << 10}
			if errors.Is(c.want, os.ErrDeadlineExceeded) {
				client.Timeout = 2 * time.Second
			}
			run(t, client)
			for range 2 {
				got.begun(t)
				got.units(t, 2)
				err := got.ended(t)
				var wrapped *rtmp.Error
				if !errors.Is(err, c.want) || err != nil && (!errors.As(err, &wrapped) || wrapped.Step != "receive") {
					t.Errorf("the stream ended with %v, want %v", err, c.want)
				}
			}
		})
	}
}

// Servers that refuse, break the rules or say nothing more from a certain point on: the Client says so in its log and tries again.
func TestTroubleBeforeTheStream(t *testing.T) {
	const url = "/live/cam?token=" + secret
	raw := func(b ...byte) func(int, *player) {
		return func(_ int, p *player) {
			_, _ = p.conn.Write(b)
			p.gone()
		}
	}
	for _, c := range []struct {
		about string
		serve func(n int, p *player)
		text  string // of the log
	}{
		{"it accepts and says nothing", raw(), "handshake live/cam from 127.0.0.1:"},
		{"it stops in the handshake", raw(append([]byte{3}, make([]byte, 2000)...)...), "no message that it waits for within 200ms"},
		{"it speaks TLS", raw(21, 3, 1, 0, 2), "it speaks something else"},
		{"it does not answer connect", func(_ int, p *player) {
			p.greet()
			p.gone()
		}, "connect live/cam from 127.0.0.1:"},
		{"it does not answer createStream", func(_ int, p *player) {
			p.greet()
			p.call(0, "_result", 1, nil, nil)
			p.gone()
		}, "connect live/cam from 127.0.0.1:"},
		{"it does not answer play", func(_ int, p *player) {
			p.asked()
			p.gone()
		}, "play live/cam from 127.0.0.1:"},
		{"it talks, and never of play", func(_ int, p *player) {
			p.asked()
			for p.conn != nil {
				p.control(acknowledge, 1)
				if p.send() != nil {
					return
				}
			}
		}, "play live/cam from 127.0.0.1:"},
		{"it plays nothing", func(_ int, p *player) {
			p.asked()
			p.start()
			p.gone()
		}, "play live/cam from 127.0.0.1:"},
		{"it knows no such app", func(_ int, p *player) {
			p.greet()
			p.call(0, "_error", 1, nil, map[string]any{"level": "error", "code": "NetConnection.Connect.InvalidApp"})
		}, `the server says "NetConnection.Connect.InvalidApp"`},
		{"it knows no such stream", func(_ int, p *player) {
			p.asked()
			p.tell("error", "NetStream.Play.StreamNotFound", "cam?token="+secret+" is not there")
		}, `the server says "NetStream.Play.StreamNotFound", "cam"`},
		{"it repeats the token", func(_ int, p *player) {
			p.asked()
			p.tell("error", "NetStream.Play.Failed", "token "+secret+" is out of date")
		}, "(what repeats secrets)"},
		{"it fails the play", func(_ int, p *player) {
			p.asked()
			p.call(1, "_error", 4, nil, nil)
		}, "the server says no"},
		{"the stream ends before it begins", func(_ int, p *player) {
			p.asked()
			p.tell("status", "NetStream.Play.UnpublishNotify", "")
		}, "play live/cam"},
		{"it fails createStream", func(_ int, p *player) {
			p.greet()
			p.call(0, "_result", 1, nil, nil)
			p.call(0, "_error", 2, nil, nil)
		}, "the server says no"},
		{"a message stream that is no number of one", func(_ int, p *player) {
			p.greet()
			p.call(0, "_result", 1, nil, nil)
			p.call(0, "_result", 2, nil, 1.5)
		}, "message stream 1.5"},
		{"an answer that is nested deeply", func(_ int, p *player) {
			p.greet()
			p.write(3, rtmp.Message{Kind: commandAMF0, Body: append(call(t, "_result", 1), strings.Repeat("\x03\x00\x01a", 1000)...)})
			_ = p.send()
		}, "limit exceeded: AMF nested"},
		{"an answer that is too long", func(_ int, p *player) {
			p.greet()
			p.call(0, "_result", 1, nil, strings.Repeat("x", 20<<10))
		}, "limit exceeded: message of"},
		{"too many chunk streams", func(_ int, p *player) {
			p.asked()
			for id := range uint32(70) {
				p.write(3+id, rtmp.Message{Kind: data, Stream: 1, Body: make([]byte, 5000)})
			}
			_ = p.send()
		}, "limit exceeded: more than 64 chunk streams"},
	} {
		t.Run(c.about, func(t *testing.T) {
			t.Parallel()
			addr := fake(t, c.serve)
			awaitLog(t, &rtmp.Client{URL: "rtmp://" + addr + url, Handler: ingesttest.Refuse(t), Timeout: 200 * time.Millisecond}, c.text)
		})
	}
	for url, text := range map[string]string{
		"rtmp://" + frametest.FreeAddr(t) + url: "connection refused",
		"rtmp://192.0.2.1" + url:                "dial live/cam: dial tcp 192.0.2.1:1935: ", // an address for documentation, RFC 5737
		"rtmps://192.0.2.1" + url:               "dial live/cam: dial tcp 192.0.2.1:443: ",
	} {
		awaitLog(t, &rtmp.Client{URL: url, Handler: ingesttest.Refuse(t), Timeout: 200 * time.Millisecond}, text)
	}
}

// The waits between attempts double up to the longest, and up to half of each is left to chance.
func TestWaitsGrow(t *testing.T) {
	addr := frametest.FreeAddr(t)
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		var at []time.Time
		log := textLogger(writerFunc(func([]byte) {
			if at = append(at, time.Now()); len(at) == 9 {
				cancel(errStop)
			}
		}))
		err := (&rtmp.Client{URL: "rtmp://" + addr + "/live/cam", Handler: ingesttest.Refuse(t), Logger: log}).Run(ctx)
		if !errors.Is(err, errStop) {
			t.Fatal(err)
		}
		for i, want := range []float64{1, 2, 4, 8, 16, 30, 30, 30} {
			if wait := at[i+1].Sub(at[i]).Seconds(); wait > want+0.05 || wait < want/2 {
				t.Errorf("wait %d took %v s, want up to %v s", i, wait, want)
			}
		}
	})
}

// Our own server takes streams in and does not play them.
func TestOurServerDoesNotPlay(t *testing.T) {
	addr, _ := start(t, &rtmp.Server{Handler: make(recorder)})
	awaitLog(t, &rtmp.Client{URL: "rtmp://" + addr + "/live/cam", Handler: ingesttest.Refuse(t)}, `the server says "NetStream.Play.Failed"`)
}
