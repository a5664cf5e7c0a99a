package rtsp_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/livestill/livestill/internal/ingest"
	"github.com/livestill/livestill/rtsp"
)

// manyFormats returns a media without video that has a format again and again, whose name has 8 KB of a character.
func manyFormats(formats int, name string) string {
	return "m=application 0 RTP/AVP" + strings.Repeat(" 99", formats) + "\r\na=rtpmap:99 " + strings.Repeat(name, 8000/len(name)) + "/9\r\n"
}

// TestLongNames announces formats that no video is of, with names of 8 KB. The log and the answer repeat a little of that.
func TestLongNames(t *testing.T) {
	for _, name := range []string{"A", "\xff", "\x1b", "ß"} {
		log := make(transcript, 100)
		addr, _ := listen(t, &rtsp.Server{Handler: drain, Logger: textLogger(log)})
		r := dial(t, addr, nil)
		r.want(t, base.StatusUnsupportedMediaType, "ANNOUNCE", r.url, "", general+manyFormats(60, name))
		r.closed(t)
		for line := <-log; ; line = <-log {
			if most := 4 * ingest.MaxText; len(line) > most { // slog quotes what has a backslash
				t.Errorf("formats called %q: a line of %d bytes", name, len(line))
			}
			if strings.Contains(line, "connection failed") {
				break
			}
		}
	}
}

// TestManyFormats announces 15 medias of 220 payload types beside a video, and then as many as may be.
func TestManyFormats(t *testing.T) {
	medias := func(formats ...int) (sdp string) {
		for _, n := range formats {
			sdp += "m=application 0 RTP/AVP"
			for payloadType := range n {
				sdp += fmt.Sprint(" ", 36+payloadType)
			}
			sdp += "\r\n"
		}
		return describe(small(t)) + sdp
	}
	addr, _ := listen(t, &rtsp.Server{Handler: drain})
	for _, test := range []struct {
		sdp  string
		want base.StatusCode
	}{
		{medias(slices.Repeat([]int{220}, 15)...), base.StatusForbidden},
		{medias(32, 32), base.StatusForbidden},
		{medias(32, 31), base.StatusOK},
	} {
		r := dial(t, addr, nil)
		response := r.want(t, test.want, "ANNOUNCE", r.url, "", test.sdp)
		if refused := strings.Contains(response.StatusMessage, "formats, more than 64"); refused != (test.want != base.StatusOK) {
			t.Errorf("it is answered with %q", response.StatusMessage)
		}
		_ = r.Close()
	}
}
