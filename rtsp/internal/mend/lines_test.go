package mend_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"regexp"
	"sync/atomic"
	"testing"

	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/livestill/livestill/rtsp/internal/mend"
)

// FuzzLines reads what any server sends before we play. What the library can read of it as it is, it reads as well when it is mended.
func FuzzLines(f *testing.F) {
	f.Add([]byte("RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 3\r\n\r\nabcRTSP/1.0 404 Not Found\r\n\r\n"))
	f.Add([]byte("RTSP/1.0 200\n \nCSeq : 1\n\n$\x00\x00\x02ab\r\n"))
	f.Add([]byte("\x16\x03\x01\x00\x02ab"))
	f.Fuzz(func(t *testing.T, sent []byte) {
		mended, err := io.ReadAll(mend.NewLines(said{in: bytes.NewReader(sent)}, new(atomic.Bool)))
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatal(err)
		}
		var plain, again base.Response
		if plain.Unmarshal(bufio.NewReader(bytes.NewReader(sent))) != nil || !wellFormed.Match(sent) {
			return
		}
		if err := again.Unmarshal(bufio.NewReader(bytes.NewReader(mended))); err != nil || again.StatusCode != plain.StatusCode {
			t.Fatalf("%q is %q: %v", sent, mended, err)
		}
	})
}

// said is a connection over which all was said.
type said struct {
	net.Conn
	in io.Reader
}

func (s said) Read(b []byte) (int, error) { return s.in.Read(b) }

// wellFormed is a message whose lines end where the library takes them to end.
var wellFormed = regexp.MustCompile(`^RTSP/1\.0 \d+ [^\r\n]+\r\n([\w-]+:[^\r\n]*\r\n)*\r\n`)
