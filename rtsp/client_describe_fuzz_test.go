package rtsp_test

import (
	"bytes"
	"testing"

	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/sdp"
	"github.com/livestill/livestill/rtsp"
)

// parses parses a description as the library does.
func parses(body []byte) bool {
	var s sdp.SessionDescription
	return s.Unmarshal(body) == nil && new(description.Session).Unmarshal(&s) == nil
}

// FuzzMend has descriptions mended and parsed, which a library would panic at on a goroutine of its own. One that is
// fine stays so, and of one that is not, every video is left that was there.
func FuzzMend(f *testing.F) {
	f.Add([]byte(describe(small(f)[:1])))
	f.Add([]byte(general + ofH264 + "a=fmtp:96 packetization-mode=1; sprop-parameter-sets=!!,##\r\na=control:trackID=1\r\n"))
	f.Add([]byte(general + "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 mpeg4-generic/8000/1\r\na=fmtp:97 config=zz\r\n" + ofH264))
	f.Add([]byte(general + ofH265 + "a=fmtp:96 sprop-vps=AA; sprop-sps=AAAA; sprop-pps=RAHA8vA8kA==\r\na=mid:x\r\n"))
	f.Add([]byte(general + "a=key-mgmt:mikey AQAFAP1td9ABAADFU3QAAAAA\r\nm=video 0 RTP/SAVP 35 26\r\na=rtpmap:35 MP4V-ES/90000\r\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		before := bytes.Clone(body)
		fine := parses(body)
		mended, ok := rtsp.Mend(body)
		switch {
		case !bytes.Equal(body, before):
			t.Error("the description was written to")
		case fine && ok && !parses(mended):
			t.Error("a description that is fine was mended, and is not any more")
		case ok:
			var s, m sdp.SessionDescription
			if s.Unmarshal(body) == nil && m.Unmarshal(mended) == nil && videos(s) != videos(m) {
				t.Errorf("%d videos, %d when mended", videos(s), videos(m))
			}
			parses(mended)
		}
	})
}

// videos counts the videos of a description.
func videos(s sdp.SessionDescription) (n int) {
	for _, m := range s.MediaDescriptions {
		if m.MediaName.Media == "video" {
			n++
		}
	}
	return n
}
