package rtsp_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"log/slog"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/ingest"
	"github.com/livestill/livestill/internal/ingest/ingesttest"
	"github.com/livestill/livestill/rtsp"
	"github.com/pion/rtp"
)

// TestStreamsWithoutPictures is of cameras that send packets for as long as they may, of which no picture comes. The Client must leave
// them for the right reason, and must not collect what it is sent.
func TestStreamsWithoutPictures(t *testing.T) {
	large := bytes.Repeat([]byte{0xaa}, 60000)
	rate := func(n int) time.Duration { return time.Duration(n) * 10 * time.Millisecond }
	for _, test := range []struct {
		about  string
		want   error
		text   string
		packet func(p *rtp.Packet, n int) // p has the next sequence number, and the timestamp and marker of a unit of its own
	}{
		{"units without anything in them", rtsp.ErrNoPicture, "receive cam from", func(*rtp.Packet, int) {}},
		{"pictures that refer to others", rtsp.ErrNoPicture, "pictures have come, but no parameter sets (SPS and PPS), neither", func(p *rtp.Packet, n int) { p.Payload = []byte{0x41, 0x9a, byte(n), 1, 2} }},
		{"key pictures, and parameter sets nowhere", rtsp.ErrNoPicture, "but no parameter sets (SPS and PPS), neither", func(p *rtp.Packet, n int) { p.Payload = []byte{0x65, 0x88, byte(n)} }},
		{"payloads that mean nothing", rtsp.ErrNoPicture, "packets have come, but no picture", func(p *rtp.Packet, n int) { p.Payload = []byte{30, byte(n)} }},
		{"another payload type", rtsp.ErrSilent, "payload type: 99", func(p *rtp.Packet, _ int) {
			p.PayloadType, p.Payload = 99, []byte{0x65, 0x88}
		}},
		{"packets that are cut off", rtsp.ErrSilent, "not of its video", func(p *rtp.Packet, _ int) { p.Header = rtp.Header{} }},
		{"a fragment without end", rtsp.ErrNoPicture, "", func(p *rtp.Packet, n int) {
			p.Timestamp, p.Marker, p.Payload = 0, false, append([]byte{0x7c, 0x05}, large...)
			if n == 0 {
				p.Payload[1] = 0x85
			}
		}},
		{"fragments that only begin", rtsp.ErrNoPicture, "", func(p *rtp.Packet, _ int) { p.Payload = append([]byte{0x7c, 0x85}, large...) }},
		{"a unit without end, of many NAL units", rtsp.ErrNoPicture, "", func(p *rtp.Packet, _ int) {
			p.Timestamp, p.Marker, p.Payload = 0, false, append([]byte{24}, bytes.Repeat([]byte{0, 2, 0x65, 0x88}, 10000)...)
		}},
		{"a unit without end, of large slices", rtsp.ErrNoPicture, "", func(p *rtp.Packet, _ int) {
			p.Timestamp, p.Marker, p.Payload = 0, false, append([]byte{0x65}, large...)
		}},
	} {
		t.Run(test.about, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const timeout = 4 * time.Second
				var sent, most atomic.Uint64
				log := make(transcript, 1000)
				c := rtsp.Client{Timeout: timeout, Logger: textLogger(log)}
				run := alone(general+ofH264, func(r *raw) {
					go r.deafen()
					for n := 0; ; n++ {
						p := rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: payloadType, SequenceNumber: uint16(n), SSRC: 1,
							Timestamp: uint32(rate(n).Milliseconds() * 90), Marker: true}}
						test.packet(&p, n)
						b, err := p.Marshal()
						if p.Version == 0 {
							b = b[:6]
						}
						if err != nil {
							t.Error(err)
							return
						}
						if _, err := r.Write(interleave(b)); err != nil {
							return
						}
						if sent.Add(uint64(len(b))); n%200 == 0 {
							var m runtime.MemStats
							runtime.ReadMemStats(&m)
							most.Store(max(most.Load(), m.HeapAlloc))
						}
						<-time.After(rate(1))
					}
				}).inMemory(t, &c)
				begun := time.Now()
				var took time.Duration
				pullsBy(t, &c, run, func(p frame.Pull) bool {
					if !errors.Is(p.Err, test.want) || !strings.Contains(p.Err.Error(), test.text) || p.State != frame.PullRetrying || p.Failures != 1 {
						t.Errorf("%v", p)
					}
					took = time.Since(begun)
					return true
				})
				want := timeout
				if errors.Is(test.want, rtsp.ErrNoPicture) {
					log.await(t, "no picture that decoding can begin with")
					want *= 10
				}
				if took < want || took > want+2*time.Second { // with what TEARDOWN is given
					t.Errorf("it is left after %v, want %v", took, want)
				}
				log.await(t, "pulling again")
				if most.Load() > 128<<20 {
					t.Errorf("%d MiB are in memory of %d", most.Load()>>20, sent.Load()>>20)
				}
			})
		})
	}
}

const (
	general = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
	ofH264  = "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
	ofH265  = "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H265/90000\r\n"
)

// TestMalformedDescriptions is of what cannot be made sense of.
func TestMalformedDescriptions(t *testing.T) {
	for _, test := range []struct {
		about, kind, body string
		want              error
	}{
		{"nothing", "application/sdp", "", rtsp.ErrSDP},
		{"another type", "text/html", general + ofH264, rtsp.ErrSDP},
		{"no text", "application/sdp", "\x00\xff\x80\r\n\x01", rtsp.ErrSDP},
		{"a page", "application/sdp", "<html><body>busy</body></html>", rtsp.ErrSDP},
		{"no medias", "application/sdp", general, rtsp.ErrSDP},
		{"a media without formats", "application/sdp", general + "m=video 0 RTP/AVP\r\n", rtsp.ErrSDP},
		{"it is cut off", "application/sdp", general + "m=vid", rtsp.ErrSDP},
		{"a payload type out of range", "application/sdp", general + "m=video 0 RTP/AVP 300\r\n", rtsp.ErrSDP},
		{"a packetization mode that is no number", "application/sdp", general + ofH264 + "a=fmtp:96 packetization-mode=x\r\n", rtsp.ErrSDP},
		{"a media's control attribute that is no URL", "application/sdp", general + ofH264 + "a=control:%zz\r\n", rtsp.ErrSDP},
		{"a control attribute of another scheme", "application/sdp", general + ofH264 + "a=control:rtsp://%zz\r\n", rtsp.ErrSDP},
		{"audio that is malformed, and nothing else", "application/sdp", general + "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 mpeg4-generic/8000\r\n", rtsp.ErrSDP},
		{"it is too large", "application/sdp", general + ofH264 + strings.Repeat("a=x-y:z\r\n", 10000), rtsp.ErrSDP},
		{"no video", "application/sdp", general + "m=audio 0 RTP/AVP 0\r\n", rtsp.ErrCodec},
		{"no video, but thousands of formats with long names", "application/sdp", general + manyFormats(2650, "A"), rtsp.ErrCodec},
	} {
		url := camera{describe: func(int) (kind, body string) { return test.kind, test.body }}.start(t)
		c := rtsp.Client{URL: url, Timeout: time.Minute, Logger: slog.New(slog.DiscardHandler)}
		if errors.Is(test.want, rtsp.ErrCodec) {
			c.Handler = ingesttest.Refuse(t)
			if err := c.Run(t.Context()); !errors.Is(err, test.want) || len(err.Error()) > ingest.MaxText || len(errors.Unwrap(err).Error()) > ingest.MaxText {
				t.Errorf("%s: %.2000v, want %v", test.about, err, test.want)
			}
			continue
		}
		pulls(t, &c, func(p frame.Pull) bool {
			var e *rtsp.Error
			if !errors.Is(p.Err, test.want) || !errors.As(p.Err, &e) || e.Step != "describe" {
				t.Errorf("%s: %v, want %v", test.about, p.Err, test.want)
			}
			return true
		})
	}
}

// TestMendsDescriptions is of descriptions that have something malformed in them that is not needed.
func TestMendsDescriptions(t *testing.T) {
	units := small(t)
	joined := base64.StdEncoding.EncodeToString([]byte("\x67\x42\xc0\x14\xda\x01\x00\x00\x01\x68\xce\x0f\x2c"))
	for _, test := range []struct{ about, medias string }{
		{"parameter sets that are not base64", ofH264 + "a=fmtp:96 packetization-mode=1; Sprop-Parameter-Sets=!!,##; profile-level-id=42\r\n"},
		{"nothing but those", ofH264 + "a=fmtp:96 sprop-parameter-sets=Z0LAFNoB,%%\r\n"},
		{"parameter sets that are cut off", ofH264 + "a=fmtp:96 packetization-mode=1;sprop-parameter-sets=Z0LAF,aM4P\r\n"},
		{"several in one", ofH264 + "a=fmtp:96 packetization-mode=1;sprop-parameter-sets=" + joined + ",aM4PLA==\r\n"},
		{"a session's control attribute that is no URL", "a=control:%zz\r\n" + ofH264},
		{"one that is relative", "a=control:stream\r\n" + ofH264},
		{"a media's that is of all", "a=control:*\r\n" + ofH264 + "a=control:*\r\n"},
		{"video that is said to be for the Client to send", ofH264 + "a=sendonly\r\n"},
		{"video that is said to be inactive", ofH264 + "a=inactive\r\n"},
		{"a codec without its clock rate", "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264\r\n"},
		{"another clock rate", "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/9000\r\n"},
		{"another name", "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H.264/90000\r\n"},
		{"a codec that only its parameters tell", "m=video 0 RTP/AVP 96\r\na=fmtp:96 packetization-mode=1\r\n"},
		{"medias that some name and others do not", ofH264 + "a=mid:0\r\nm=audio 0 RTP/AVP 0\r\n"},
		{"medias of one name", ofH264 + "a=mid:0\r\nm=audio 0 RTP/AVP 0\r\na=mid:0\r\n"},
		{"metadata of the camera's own", ofH264 + "m=vana 0 RTP/AVP 107\r\na=rtpmap:107 vnd.own/90000\r\na=control:track3\r\n"},
		{"lines that are none", "garbage\r\n" + ofH264 + "x\r\nq=1\r\nb=AS\r\nc=IN\r\n"},
		{"a version that there is not", "v=1\r\n" + ofH264},
		{"no line ends but one character", strings.ReplaceAll(general+ofH264, "\r\n", "\r") + "b=AS\r"},
		{"numbers beyond 64 bits", "o=- 99999999999999999999999 99999999999999999999999 IN IP4 127.0.0.1\r\n" + ofH264},
		{"numbers that are none", "o=- abcxyz 1.2e9 IN IP4 127.0.0.1\r\nt=x y\r\n" + ofH264},
		{"an origin that is cut off", "o=-\r\n" + ofH264},
		{"audio without its configuration", "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 mpeg4-generic/8000\r\n" + ofH264},
		{"audio with a wrong one", ofH264 + "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 mpeg4-generic/8000/1\r\na=fmtp:97 config=zz\r\n"},
		{"another video", ofH264 + "m=video 0 RTP/AVP 97\r\na=rtpmap:97 H265/90000\r\na=fmtp:97 sprop-sps=AAAA; sprop-pps=AA\r\n"},
	} {
		url := alone(general+test.medias, func(r *raw) {
			r.pour(t, units...)
			_, _ = io.Copy(io.Discard, r.in)
		}).start(t)
		_, got := collect(t, &rtsp.Client{URL: url, Transport: rtsp.TCP}, 30)
		if len(got) != 30 {
			t.Errorf("%s: %d units", test.about, len(got))
		}
		check(t, got, units)
	}
	played := make(chan bool, 100)
	url := alone(general+ofH265+"a=fmtp:96 sprop-vps=AA; sprop-sps=AAAA; sprop-pps=RAHA8vA8kA==\r\n", func(*raw) { played <- true }).start(t)
	pulls(t, &rtsp.Client{URL: url, Logger: slog.New(slog.DiscardHandler)}, func(p frame.Pull) bool {
		if len(played) == 0 {
			t.Errorf("H.265 with parameter sets that are cut off: %v", p.Err)
		}
		return true
	})
}
