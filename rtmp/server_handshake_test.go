package rtmp_test

import (
	"bytes"
	"crypto/rand"
	"io"
	"testing"

	"github.com/livestill/livestill/internal/ingest/ingesttest"
	"github.com/livestill/livestill/rtmp"
)

// TestHandshakeEchoes has what the server echoes be what the encoder sent, to the byte: OBS looks.
func TestHandshakeEchoes(t *testing.T) {
	addr, _ := start(t, &rtmp.Server{Handler: ingesttest.Refuse(t)})
	conn := connect(t, addr)
	greeting := make([]byte, 1+1536)
	_, _ = rand.Read(greeting)
	greeting[0] = 3
	if _, err := conn.Write(greeting); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 1+2*1536)
	if _, err := io.ReadFull(conn, answer); err != nil {
		t.Fatal(err)
	}
	if answer[0] != 3 || !bytes.Equal(answer[5:9], make([]byte, 4)) || !bytes.Equal(answer[1+1536:], greeting[1:]) {
		t.Errorf("S0 %d, S1 begins %x, S2 begins %x, C1 %x", answer[0], answer[1:9], answer[1+1536:][:16], greeting[1:17])
	}
}
