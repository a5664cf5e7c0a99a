package rtsp_test

import (
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
