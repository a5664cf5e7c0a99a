package rtmp_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/livestill/livestill/rtmp"
)

// answers returns what a server says to a Client, behind the handshake, up to the start of the stream.
func answers(tb testing.TB) *chunker {
	tb.Helper()
	w := new(chunker)
	w.control(windowSize, 1000)
	w.write(2, rtmp.Message{Kind: setPeerBandwidth, Body: []byte{0, 0, 0x10, 0, 2}})
	for _, body := range [][]byte{
		call(tb, "_result", 1, nil, map[string]any{"code": "NetConnection.Connect.Success"}), call(tb, "_result", 2, nil, 1),
		call(tb, "onStatus", 0, nil, map[string]any{"code": "NetStream.Play.Start", "level": "status"}),
	} {
		w.write(3, rtmp.Message{Kind: commandAMF0, Body: body})
	}
	return w
}

// FuzzClient has a Client play from a server that says anything behind the handshake. It must not panic nor hang, nor take more memory
// than it promises, and the units that it makes of it must be what a Handler may rely on.
func FuzzClient(f *testing.F) {
	for _, b := range hostile(f) {
		f.Add(b[:min(len(b), 5000)])
		f.Add(append(answers(f).out, b[:min(len(b), 5000)]...))
	}
	rejected := new(chunker)
	rejected.write(3, rtmp.Message{Kind: commandAMF0, Body: call(f, "_error", 1, nil, map[string]any{"code": "NetConnection.Connect.Rejected",
		"description": "[ authmod=adobe ] : ?reason=needauth&salt=s", "ex": map[string]any{"code": 302, "redirect": "rtmp://[::1/a"}})})
	f.Add(rejected.out)
	w := answers(f)
	w.write(5, rtmp.Message{Kind: data, Stream: 1, Body: call(f, "onMetaData", 0, map[string]any{"width": 1280})})
	w.write(4, rtmp.Message{Kind: video, Stream: 1, Body: sequenceHeader})
	w.control(setChunkSize, 77)
	w.size = 77
	w.write(4, rtmp.Message{Kind: video, Stream: 1, Time: 1<<32 - 20, Body: picture(true, 100)})
	w.write(2, rtmp.Message{Kind: userControl, Body: []byte{0, 6, 1, 2, 3, 4}})
	w.write(4, rtmp.Message{Kind: video, Stream: 1, Time: 20, Body: picture(false, 100)})
	w.write(3, rtmp.Message{Kind: commandAMF3, Stream: 1, Body: append([]byte{0}, call(f, "onStatus", 0, nil,
		map[string]any{"code": "NetStream.Play.UnpublishNotify"})...)})
	f.Add(w.out)
	f.Fuzz(func(t *testing.T, input []byte) {
		c := &rtmp.Client{URL: "rtmp://me:pass@host/live/cam?a=b", MaxMessage: fuzzMessage, Handler: reliable(t)}
		bounded(t, len(input), func() {
			conn := tape{bytes.NewReader(append(append([]byte{3}, make([]byte, 2*1536)...), input...)), make(chan struct{})}
			if err := c.Play(t.Context(), conn, time.Minute); err == nil {
				t.Error("the tape ended, and nobody said so")
			}
		})
	})
}
