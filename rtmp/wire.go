package rtmp

import (
	"cmp"
	"net"
	"time"

	"github.com/livestill/livestill/internal/ingest"
	rtmpmsg "github.com/yutopp/go-rtmp/message"
)

// Acknowledgements count from zero again from here on, though their field has 32 bits: Flash Media Live Encoder stops sending at
// larger ones, so nginx-rtmp and SRS start over here, and encoders are tested with those.
const ackRestart = 0xf0000000

// The most bytes of answers that wait to be sent. They wait while what was read at once is worked through, in which encoders ask for one or
// two. A megabyte of commands that are unknown would be answered with ten.
const maxAnswers = 64 << 10

// keptAnswers is how much memory of answers that were sent is kept for the next: all that an encoder gets up to publish.
const keptAnswers = 4 << 10

// A wire is a connection that sends what was written just before it waits for more to read, so that one goroutine can do both.
// It also sends the acknowledgements that are due, RTMP 1.0 §5.4.3, and keeps the deadlines of a publisher.
type wire struct {
	net.Conn
	out       []byte        // written, not yet sent
	chunkSize int           // of what is written; zero means the default
	timeout   time.Duration // for each message to come, and for each reply to be taken; zero leaves deadlines alone
	timed     bool          // the deadline for this message is set
	window    uint32        // how many bytes the peer sends before it wants an acknowledgement, §5.4.4
	received  uint32        // bytes since the handshake began, or since ackRestart
	acked     uint32        // what was last acknowledged
}

// expectMessage has the timeout of the next message begin.
func (w *wire) expectMessage() { w.timed = false }

// expectMessageBy has the next message begin by a time, once.
func (w *wire) expectMessageBy(t time.Time) error {
	w.timed = true
	return w.SetReadDeadline(t)
}

func (w *wire) Read(p []byte) (int, error) {
	w.acknowledge()
	if err := w.flush(); err != nil {
		return 0, err
	}
	if w.timeout > 0 && !w.timed {
		if err := w.SetReadDeadline(time.Now().Add(w.timeout)); err != nil {
			return 0, err
		}
		w.timed = true
	}
	n, err := w.Conn.Read(p)
	w.received += uint32(n)
	return n, err
}

// acknowledge writes an acknowledgement if one is due, by the window as it is now: what set it may have come with what filled it.
func (w *wire) acknowledge() {
	more := w.received - w.acked
	if more < w.window {
		return
	}
	if w.received >= ackRestart {
		w.received = more
	}
	w.acked = w.received
	w.control32(rtmpmsg.TypeIDAck, w.acked)
}

// reply writes a message, unless too much waits to be sent.
func (w *wire) reply(chunks byte, m message) error {
	if len(w.out) > maxAnswers {
		return ingest.LimitError("more than %d bytes of answers at once", maxAnswers)
	}
	w.append(chunks, m)
	return nil
}

func (w *wire) append(chunks byte, m message) {
	w.out = appendMessage(w.out, cmp.Or(w.chunkSize, defaultChunkSize), chunks, m)
}

// Write keeps p until the next Read.
func (w *wire) Write(p []byte) (int, error) {
	w.out = append(w.out, p...)
	return len(p), nil
}

// flush sends what was written.
func (w *wire) flush() error {
	if len(w.out) == 0 {
		return nil
	}
	if w.timeout > 0 {
		if err := w.SetWriteDeadline(time.Now().Add(w.timeout)); err != nil {
			return err
		}
	}
	_, err := w.Conn.Write(w.out)
	if w.out = w.out[:0]; cap(w.out) > keptAnswers {
		w.out = nil
	}
	return err
}
