package rtmp_test

import (
	"bytes"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/livestill/livestill/rtmp"
)

// Bytes that peers send behind the handshake to do harm. The server hangs up on each.
func hostile(tb testing.TB) map[string][]byte {
	tb.Helper()
	command := func(body []byte) []byte {
		var w chunker
		w.write(3, rtmp.Message{Kind: commandAMF0, Body: body})
		return w.out
	}
	begin := call(tb, "connect", 1)
	garbage := make([]byte, 100_000)
	source := rand.New(rand.NewPCG(1, 2))
	for i := range garbage {
		garbage[i] = byte(source.Uint32())
	}
	var tables chunker
	tables.control(setChunkSize, 1)
	tables.size = 1
	for id := range uint32(65) {
		tables.begin(3+id, 0, rtmp.Message{Kind: video, Body: make([]byte, 10_000)})
	}
	return map[string][]byte{
		"garbage":                   garbage,
		"an array of 2^31-1":        command(append(begin, 10, 0x7f, 0xff, 0xff, 0xff)),
		"objects nested deeply":     command(append(begin, bytes.Repeat([]byte{3, 0, 1, 'a'}, 4000)...)),
		"a message of 16 MiB":       {4, 0, 0, 0, 0xff, 0xff, 0xff, video, 1, 0, 0, 0},
		"the same behind a publish": append(commands(tb).out, 4, 0, 0, 0, 0xff, 0xff, 0xff, video, 1, 0, 0, 0),
		"65 chunk streams":          tables.out,
		"publish before connect":    command(call(tb, "publish", 1, nil, "key")),
		"a command without a name":  command([]byte{5}),
		"an empty command":          command(nil),
	}
}

// A good publisher sends live pictures beside all of them, and loses none.
func TestHostilePeersHurtOnlyThemselves(t *testing.T) {
	got := make(recorder, 100)
	addr, stop := start(t, &rtmp.Server{Handler: got})
	good := reordered.Publish(t, "rtmp://"+addr+"/live/good", true)
	for what, b := range map[string][]byte{"HTTP": []byte("GET / HTTP/1.1\r\n\r\n"), "TLS": {22, 3, 1, 2, 0, 1}, "RTMPE": {6, 0, 0, 0}} {
		t.Run(what, func(t *testing.T) {
			conn := connect(t, addr)
			_, _ = conn.Write(b)
			(&client{t: t, conn: conn}).hungUp()
		})
	}
	for what, b := range hostile(t) {
		t.Run(what, func(t *testing.T) {
			c := dial(t, addr)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			c.out = b
			_ = c.send()
			c.hungUp()
			runtime.ReadMemStats(&after)
			if n := after.TotalAlloc - before.TotalAlloc; n > 10<<20 {
				t.Errorf("%d bytes allocated", n)
			}
		})
	}
	if output, err := good.Wait(); err != nil {
		t.Errorf("ffmpeg: %v\n%s", err, output)
	}
	stop()
	close(got)
	var names []string
	for r := range got {
		if names = append(names, r.name); r.name == "live/good" {
			check(t, r, "live/good", 60, 2)
		}
	}
	if !slices.Contains(names, "live/good") {
		t.Errorf("streams %v", names)
	}
}

func TestTooManyConnections(t *testing.T) {
	got := make(recorder, 2)
	addr, _ := start(t, &rtmp.Server{Handler: got, MaxConns: 1})
	first := dial(t, addr)
	first.publish("first")
	first.write(4, rtmp.Message{Kind: video, Stream: 1, Body: picture(true, 300)})
	first.call(1, "getStreamLength", 5, nil)
	first.answer() // so the picture was taken
	(&client{t: t, conn: connect(t, addr)}).hungUp()
	first.unpublish()
	check(t, <-got, "live/first", 1, 1)
}
