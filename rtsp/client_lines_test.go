package rtsp_test

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/livestill/livestill/rtsp"
)

// TestAnswersThatAreNoLines pulls from cameras whose answers are not as RFC 2326 section 7 has them.
func TestAnswersThatAreNoLines(t *testing.T) {
	units := small(t)
	head := func(change func(head string) string) func(string) string {
		return func(answer string) string {
			head, body, _ := strings.Cut(answer, "\r\n\r\n")
			return change(head) + "\r\n\r\n" + body
		}
	}
	before := func(what string) func(string) string { return func(answer string) string { return what + answer } }
	frame := string(interleave(bytes.Repeat([]byte("RTSP/1.0 "), 9)))
	for _, test := range []struct {
		about string
		wire  func(answer string) string
	}{
		{"line feeds alone", func(s string) string {
			head, body, _ := strings.Cut(s, "\r\n\r\n")
			return strings.ReplaceAll(head, "\r\n", "\n") + "\n\n" + body
		}},
		{"no reason", func(s string) string { return strings.Replace(s, " OK\r\n", " \r\n", 1) }},
		{"no reason, and no space", func(s string) string { return strings.Replace(s, " OK\r\n", "\r\n", 1) }},
		{"a reason without end", func(s string) string { return strings.Replace(s, " OK\r\n", strings.Repeat(" OK", 500)+"\r\n", 1) }},
		{"spaces", func(s string) string { return strings.Replace(s, "RTSP/1.0 200", "RTSP/1.0  200", 1) }},
		{"another version", func(s string) string { return strings.Replace(s, "RTSP/1.0", "RTSP/1.1", 1) }},
		{"a line of a space", head(func(s string) string { return s + "\r\n " })},
		{"a line that is no field", head(func(s string) string { return s + "\r\ngarbage" })},
		{"a field without a name", head(func(s string) string { return s + "\r\n: x" })},
		{"a field of 3 KB", head(func(s string) string { return s + "\r\nPublic: " + strings.Repeat("PLAY, ", 500) })},
		{"space before colons", head(func(s string) string { return strings.ReplaceAll(s, ": ", " :\t") })},
		{"empty lines before", before("\r\n\r\n\n")},
		{"packets of another session", before(frame + frame)},
	} {
		t.Run(test.about, func(t *testing.T) {
			t.Parallel()
			c := streaming(t, units)
			c.wire = test.wire
			_, got := collect(t, &rtsp.Client{URL: c.start(t), Transport: rtsp.TCP, Once: true}, 20)
			check(t, got, units)
		})
	}
}

// TestServersAsk has a server ask the Client for something in mid-stream.
func TestServersAsk(t *testing.T) {
	units := small(t)
	for _, method := range []base.Method{base.Options, base.SetParameter, base.GetParameter, base.Announce} {
		answers := make(chan int, 1)
		c := alone(general+ofH264+"a=control:trackID=1\r\n", func(r *raw) {
			r.pour(t, units[:10]...)
			_, _ = fmt.Fprintf(r, "%s rtsp://127.0.0.1/cam RTSP/1.0\r\nCSeq: 9\r\n\r\n", method)
			var res base.Response
			if res.Unmarshal(r.in) == nil {
				answers <- int(res.StatusCode)
			}
			r.pour(t, units[10:]...)
			_, _ = io.Copy(io.Discard, r.in)
		})
		_, got := collect(t, &rtsp.Client{URL: c.start(t), Transport: rtsp.TCP, Once: true}, 20)
		check(t, got, units)
		if status := <-answers; status != 200 {
			t.Errorf("%s is answered with %d", method, status)
		}
	}
}
