package mend

import (
	"bufio"
	"bytes"
	"net"
	"strconv"
	"sync/atomic"
)

const (
	longestLine = 4 << 10  // bytes of a line of a message's head
	longestHead = 64 << 10 // of all of them; the library takes more, of lines that are shorter

	longestValue  = 2000 // of a header field; the library takes little more
	longestReason = 200  // of a status, as well
)

// Lines is a connection whose server's messages are mended where the library cannot read them, up to the answer to PLAY: lines that
// end in one character, or that are no header, and statuses without a reason. What a server sends of another session before we play is
// left out: old servers go on sending to a connection that has the number of one that is gone.
//
// After that it passes on what comes, at no cost. TLS is passed on from the beginning.
type Lines struct {
	net.Conn
	in      *bufio.Reader
	plays   *atomic.Bool // PLAY was sent
	mended  []byte       // to be read next
	left    int          // bytes to be passed on before the next message
	passing bool         // nothing is mended any more
}

// NewLines returns what is to be read of a connection. Plays says that PLAY was sent over it.
func NewLines(conn net.Conn, plays *atomic.Bool) *Lines {
	return &Lines{Conn: conn, in: bufio.NewReaderSize(conn, longestLine), plays: plays}
}

// Read is for the library.
func (l *Lines) Read(b []byte) (int, error) {
	for len(l.mended) == 0 && l.left == 0 && !l.passing {
		if err := l.next(); err != nil {
			return 0, err
		}
	}
	if len(l.mended) > 0 {
		n := copy(b, l.mended)
		l.mended = l.mended[n:]
		return n, nil
	}
	if l.passing && l.left == 0 {
		if l.in.Buffered() == 0 {
			return l.Conn.Read(b)
		}
		return l.in.Read(b)
	}
	n, err := l.in.Read(b[:min(len(b), l.left)])
	l.left -= n
	return n, err
}

// next reads the head of the next message.
func (l *Lines) next() error {
	first, err := l.in.Peek(1)
	switch {
	case err != nil:
		return err
	case first[0] == '$':
		return l.frame()
	case first[0] == '\r' || first[0] == '\n':
		_, err = l.in.Discard(1)
		return err
	case first[0] < 'A' || first[0] > 'Z': // no RTSP
		l.passing = true
		return nil
	}
	return l.head()
}

// frame passes on interleaved data, RFC 2326 section 10.12, if it can be ours.
func (l *Lines) frame() error {
	const size = 4
	head, err := l.in.Peek(size)
	if err != nil {
		return err
	}
	l.left = size + int(head[2])<<8 + int(head[3])
	if l.plays.Load() {
		return nil
	}
	_, err = l.in.Discard(l.left)
	l.left = 0
	return err
}

// head mends the lines of a message up to its body.
func (l *Lines) head() error {
	answered := l.plays.Load()
	var head []byte
	for number := 0; ; number++ {
		line, err := l.in.ReadSlice('\n')
		if err != nil || len(head) > longestHead { // the library may make something of it
			head = append(head, line...)
			l.mended, l.passing = head, true
			if len(l.mended) == 0 {
				return err
			}
			return nil
		}
		switch line = bytes.TrimRight(line, "\r\n"); {
		case number == 0:
			line = status(line)
			answered = answered && bytes.HasPrefix(line, []byte("RTSP/1.0 2"))
			head = append(append(head, line...), "\r\n"...)
		case len(line) == 0:
			head = append(head, "\r\n"...)
			l.mended, l.passing = head, answered
			return nil
		default:
			name, value, ok := field(line)
			if !ok {
				continue
			}
			if bytes.EqualFold(name, []byte("Content-Length")) {
				size, err := strconv.ParseUint(string(value), 10, 31)
				if err != nil {
					continue
				}
				l.left = int(size)
			}
			head = append(append(append(append(head, name...), ": "...), value...), "\r\n"...)
		}
	}
}

// status returns a status line with a reason, and other lines as they are:
//
//	RTSP/1.0 200 OK
func status(line []byte) []byte {
	version, rest, _ := bytes.Cut(line, []byte{' '})
	if !bytes.HasPrefix(version, []byte("RTSP/")) {
		return line
	}
	code, reason, _ := bytes.Cut(bytes.TrimSpace(rest), []byte{' '})
	if reason = bytes.TrimSpace(reason); len(reason) == 0 {
		reason = []byte("-")
	}
	return bytes.Join([][]byte{[]byte("RTSP/1.0"), code, reason[:min(len(reason), longestReason)]}, []byte{' '})
}

// field returns a header field; false if the line is none.
func field(line []byte) (name, value []byte, ok bool) {
	name, value, ok = bytes.Cut(line, []byte{':'})
	name, value = bytes.TrimSpace(name), bytes.TrimSpace(value)
	return name, value[:min(len(value), longestValue)], ok && len(name) > 0
}
