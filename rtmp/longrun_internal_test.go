package rtmp

import (
	"encoding/binary"
	"net"
	"testing"
)

// A torrent is a connection with as much to read as is wanted, none of it written.
type torrent struct {
	net.Conn
	sent []byte
}

func (*torrent) Read(p []byte) (int, error) { return len(p), nil }

func (c *torrent) Write(p []byte) (int, error) {
	c.sent = append(c.sent, p...)
	return len(p), nil
}

// Ten GB of a stream are acknowledged once in a window, and no acknowledgement is greater than what encoders take.
func TestAcknowledgementsForDays(t *testing.T) {
	const window, chunk, total = 2_500_000, 32 << 10, 10_000_000_000
	var conn torrent
	w := wire{Conn: &conn, window: window}
	buffer := make([]byte, chunk)
	var acknowledged, read, restarts uint32
	for range total / chunk {
		if _, err := w.Read(buffer); err != nil {
			t.Fatal(err)
		}
		if len(conn.sent) > 0 {
			ack := binary.BigEndian.Uint32(conn.sent[len(conn.sent)-4:])
			if ack < acknowledged {
				restarts++
				acknowledged = 0
			}
			if ack-acknowledged != read || read > window+chunk || ack > ackRestart+window+chunk {
				t.Fatalf("%d bytes acknowledged after %d, with %d in between", ack, acknowledged, read)
			}
			acknowledged, read = ack, 0
			conn.sent = conn.sent[:0]
		}
		read += chunk
	}
	if restarts != 2 {
		t.Errorf("counted from zero %d times", restarts)
	}
}
