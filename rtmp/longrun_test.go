package rtmp_test

import (
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/livestill/livestill/rtmp"
)

// A real ffmpeg, begun so late that its timestamps pass a boundary in the middle of the clip.
func TestFFmpegForDays(t *testing.T) {
	sound := []string{"-f", "lavfi", "-i", "sine=frequency=440:duration=2", "-c:a", "aac"}
	for _, c := range []struct {
		what  string
		start string // seconds
	}{
		{"past 2^31 ms, where it starts at zero again", "2147482.6"},
		{"past 2^32 ms, where it is at 2^31 for the second time", "4294966.3"},
		{"a hundred days", "8640000"},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			got := make(recorder, 1)
			addr, _ := start(t, &rtmp.Server{Handler: got})
			if err := publish(t, reordered, "rtmp://"+addr+"/live/key", append(sound, "-output_ts_offset", c.start)...); err != nil {
				t.Fatal(err)
			}
			r := <-got
			check(t, r, "live/key", 60, 2)
			arrived(t, r, "live/key", reordered.Units(t))
		})
	}
}

// Pictures and sound across each boundary of timestamps, with their chunks interleaved, while all that may happen happens:
// the chunk size changes in the middle of messages, a message is abandoned, the encoder pings, sound is behind the pictures on the
// chunk stream that it shares with data, so that steps are negative.
func TestEverythingAcrossBoundaries(t *testing.T) {
	const pictures, step = 50, 40
	for _, boundary := range []uint64{1 << 24, 1 << 31, 1 << 32} {
		for _, size := range []int{128, 4096} {
			t.Run(fmt.Sprintf("%#x in chunks of %d", boundary, size), func(t *testing.T) {
				got := make(recorder, 1)
				addr, _ := start(t, &rtmp.Server{Handler: got})
				c := dial(t, addr)
				c.publish("key")
				first := uint32(boundary - pictures*step/2)
				for i := range uint32(pictures) {
					at := first + i*step
					p := rtmp.Message{Kind: video, Stream: 1, Time: at, Body: picture(i == 0, 5000)}
					c.begin(6, min(c.best(6, p), byte(i%4)), p)
					c.write(5, rtmp.Message{Kind: audio, Stream: 1, Time: at - 23, Body: make([]byte, 300)})
					c.control(setChunkSize, uint32(size+int(i%3)))
					c.size = size + int(i%3)
					c.write(5, rtmp.Message{Kind: data, Stream: 1, Time: at, Body: amf("onTextData", object{"text", "x"})})
					c.write(2, rtmp.Message{Kind: userControl, Body: binary.BigEndian.AppendUint32([]byte{0, 6}, at)})
					c.begin(64, 0, rtmp.Message{Kind: video, Stream: 1, Time: at, Body: make([]byte, 9000)})
					c.control(abort, 64)
					c.streams[64].open = false
					for c.streams[6].open {
						c.more(6)
					}
				}
				if err := c.send(); err != nil {
					t.Fatal(err)
				}
				c.unpublish()
				r := <-got
				check(t, r, "live/key", pictures, 1)
				for i, u := range r.units {
					if want := time.Duration(uint64(first)+uint64(i)*step) * time.Millisecond; u.DTS != want {
						t.Fatalf("unit %d is at %v, want %v", i, u.DTS, want)
					}
				}
			})
		}
	}
}

// An encoder that keeps a window: it sends no more than that before it is acknowledged, and would wait for ever.
func TestEncoderThatWaitsForAcknowledgements(t *testing.T) {
	const window, windows = 20_000, 100
	got := make(recorder, 1)
	addr, _ := start(t, &rtmp.Server{Handler: got})
	c := dial(t, addr)
	c.publish("key")
	c.control(windowSize, window)
	acknowledged := uint32(0)
	for i := range uint32(windows) {
		c.write(4, rtmp.Message{Kind: video, Stream: 1, Time: i * 40, Body: picture(i == 0, window)})
		if err := c.send(); err != nil {
			t.Fatal(err)
		}
		for kind := byte(0); kind != acknowledge; {
			p, err := c.next()
			if err != nil {
				t.Fatalf("picture %d is not acknowledged: %v", i, err)
			}
			if kind = p.Kind; kind == acknowledge {
				n := binary.BigEndian.Uint32(p.Body)
				if n < acknowledged+window {
					t.Errorf("%d bytes acknowledged after %d", n, acknowledged)
				}
				acknowledged = n
			}
		}
	}
	c.unpublish()
	check(t, <-got, "live/key", windows, 1)
}
