package rtsp_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/rtsp"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

// picture is what is encoded live.
func picture(size string) []string {
	return []string{"-re", "-f", "lavfi", "-i", "testsrc2=rate=30:size=" + size}
}

// TestClientPullsEveryCodec pulls what real encoders make, while they make it; how their units are made of packets is tested in
// package unpack.
func TestClientPullsEveryCodec(t *testing.T) {
	for _, test := range []struct {
		codec  frame.Codec
		args   []string
		begins []byte // of a key unit
	}{
		{frame.H264, []string{"libx264", "-preset", "ultrafast", "-g", "10"}, []byte{0, 0, 0, 1, 0x67}},
		{frame.H265, []string{"libx265", "-preset", "ultrafast", "-x265-params", "keyint=10:log-level=none"}, []byte{0, 0, 0, 1, 0x40}},
		{frame.VP8, []string{"libvpx", "-deadline", "realtime", "-cpu-used", "8", "-g", "10"}, nil},
		{frame.VP9, []string{"libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-g", "10", "-strict", "experimental"}, nil},
		{frame.MJPEG, []string{"mjpeg", "-huffman", "default", "-pix_fmt", "yuvj420p"}, []byte{0xff, 0xd8, 0xff}},
		{frame.MPEG4, []string{"mpeg4", "-g", "10"}, []byte{0, 0, 1, 0xb0}},
	} {
		for _, udp := range []bool{false, true} {
			t.Run(fmt.Sprintf("%v over UDP %v", test.codec, udp), func(t *testing.T) {
				t.Parallel()
				var s server
				s.start(t, "", udp)
				s.run(t, slices.Concat(picture("160x90"), []string{"-pix_fmt", "yuv420p", "-c:v"}, test.args)...)
				_, units := collect(t, &rtsp.Client{URL: s.url()}, 35)
				keys := 0
				for i, u := range units {
					if u.Codec != test.codec || u.Lost || i == 0 && !u.Key || u.Key && !bytes.HasPrefix(u.Data, test.begins) {
						t.Fatalf("unit %d: %v, key %v, lost %v, %x", i, u.Codec, u.Key, u.Lost, u.Data[:min(8, len(u.Data))])
					}
					if i > 0 && !u.Time.After(units[i-1].Time) && u.PTS > units[i-1].PTS {
						t.Errorf("unit %d goes back by %v", i, units[i-1].Time.Sub(u.Time))
					}
					if u.Key {
						keys++
					}
				}
				if keys < 3 {
					t.Errorf("%d key units", keys)
				}
			})
		}
	}
}

// TestClientChooses picks one of several medias.
func TestClientChooses(t *testing.T) {
	var s server
	s.start(t, "", false)
	s.run(t, slices.Concat([]string{"-re", "-f", "lavfi", "-i", "sine=r=48000"}, picture("160x90"), picture("320x180"), []string{
		"-map", "0", "-map", "1", "-map", "2", "-map", "1", "-c:a", "aac", "-c:v:0", "libx264", "-preset", "ultrafast", "-g", "10",
		"-c:v:1", "mjpeg", "-huffman", "default", "-pix_fmt:v:1", "yuvj420p", "-c:v:2", "mpeg4", "-g:v:2", "10",
	})...)
	for _, test := range []struct {
		about string
		*rtsp.Client
		want frame.Codec
	}{
		{"the first video", &rtsp.Client{}, frame.H264},
		{"the first in a codec", &rtsp.Client{Codec: frame.MPEG4}, frame.MPEG4},
		{"the second video", &rtsp.Client{Media: 2}, frame.MJPEG},
		{"both", &rtsp.Client{Media: 3, Codec: frame.MPEG4}, frame.MPEG4},
	} {
		test.URL = s.url()
		if _, units := collect(t, test.Client, 3); units[0].Codec != test.want {
			t.Errorf("%s: %v, want %v", test.about, units[0].Codec, test.want)
		}
	}
}

// TestClientTellsTheSourcesTime plays a camera whose clock is a minute ahead and which says so once in ten pictures.
func TestClientTellsTheSourcesTime(t *testing.T) {
	for _, udp := range []bool{false, true} {
		s := server{Server: gortsplib.Server{DisableRTCPSenderReports: true}}
		s.start(t, "", udp)
		media := &description.Media{Type: description.MediaTypeVideo, Formats: []format.Format{&format.MJPEG{}}}
		s.offer(t, media)
		begin := time.Now()
		clock := begin.Add(time.Minute)
		stop, done := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(done)
			ticker := time.NewTicker(20 * time.Millisecond)
			defer ticker.Stop()
			for n, ms := uint16(0), int64(-1); ; n++ {
				ms = max(ms+1, time.Since(begin).Milliseconds()) // ticks come closer after a stall
				p := &rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: 26, Marker: true, Timestamp: uint32(ms * 90), SequenceNumber: n},
					Payload: []byte{0, 0, 0, 0, 1, 30, 1, 1, 7}}
				_ = s.stream.WritePacketRTP(media, p)
				if n%10 == 0 {
					shown := clock.Add(time.Duration(ms) * time.Millisecond)
					_ = s.stream.WritePacketRTCP(media, &rtcp.SenderReport{SSRC: p.SSRC, RTPTime: p.Timestamp,
						NTPTime: uint64(shown.Unix()+2208988800)<<32 | uint64(shown.Nanosecond())<<32/uint64(time.Second)})
				}
				select {
				case <-ticker.C:
				case <-stop:
					return
				}
			}
		}()
		_, units := collect(t, &rtsp.Client{URL: s.url()}, 60)
		close(stop)
		<-done
		for i, u := range units {
			off := u.Time.Sub(clock) // in whole milliseconds
			if i > 30 && !u.SourceTime || u.SourceTime && (off < 0 || off.Round(time.Millisecond)-off > time.Microsecond || time.Until(u.Time) > time.Minute+time.Second) {
				t.Errorf("over UDP %v: unit %d is dated %v, by its source %v", udp, i, off, u.SourceTime)
			}
			if !u.SourceTime && time.Until(u.Time) > time.Minute/2 || i > 0 && !units[i-1].Time.Before(u.Time) {
				t.Errorf("over UDP %v: unit %d is dated %v", udp, i, u.Time)
			}
		}
	}
}
