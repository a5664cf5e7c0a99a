package rtsp

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/ingest"
	"github.com/livestill/livestill/rtsp/internal/queue"
	"github.com/livestill/livestill/rtsp/internal/unpack"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

// A session is one publisher's stream, from ANNOUNCE to its end.
type session struct {
	*recorder
	conn   *conn
	lib    *gortsplib.ServerSession
	stream *frame.Stream
	ports  []port // guarded by recorder.mu

	life context.Context
	end  context.CancelCauseFunc // the first reason counts
	left atomic.Bool             // it said so

	desc     *description.Session
	video    video
	unpacker *unpack.Stream
	units    *queue.Queue
	udp      bool // packets come over UDP; set before they do
	dropped  bool // a unit before the next; of the library's goroutine for packets

	ranged   atomic.Bool
	accepted chan struct{} // closed when Units is ranged over
	returned chan struct{} // closed when the Handler has returned
	outcome  error         // what it returned
}

// announce makes a session of an ANNOUNCE that is right, and of a publisher that is let in.
func (r *recorder) announce(lib *gortsplib.ServerHandlerOnAnnounceCtx) (*session, error) {
	c := lib.Conn.UserData().(*conn)
	s := &session{
		recorder: r, conn: c, lib: lib.Session, desc: lib.Description,
		stream: &frame.Stream{
			Name:   name(lib.Path),
			Remote: c.Conn.RemoteAddr(),
			URL:    lib.Request.URL.CloneWithoutCredentials().String(),
		},
		accepted: make(chan struct{}), returned: make(chan struct{}),
	}
	c.Reach(ingest.Named)
	switch n := len(lib.Description.Medias); {
	case !nameable(s.stream.Name):
		return nil, errName
	case n > maxMedias:
		return nil, limitError("a stream of %d medias, more than %d", n, maxMedias)
	}
	s.stream.Query, _ = url.ParseQuery(lib.Query) // keeps what it can of a query that is partly malformed
	if conn, ok := lib.Conn.NetConn().(*tls.Conn); ok {
		state := conn.ConnectionState()
		s.stream.TLS = &state
	}
	if r.Authenticate != nil {
		l := login(lib.Conn, lib.Request)
		l.Stream, l.Query, l.Remote = s.stream.Name, s.stream.Query, s.stream.Remote
		if err := r.authenticate(c, &l, len(lib.Request.Header["Authorization"]) > 0); err != nil {
			return nil, err
		}
	}
	var err error
	if s.video, err = choose(lib.Description, 0, 0); err != nil {
		return nil, err
	}
	if s.unpacker, err = s.video.unpack(); err != nil {
		return nil, err
	}
	s.units = queue.New()
	return s, nil
}

// name returns the name of the stream at a path.
func name(path string) string { return strings.Trim(path, "/") }

// nameable reports whether a name can be shown and logged.
func nameable(name string) bool {
	return name != "" && utf8.ValidString(name) && !strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// offer hands the stream to the Handler, on a goroutine of its own, and returns when that has accepted or refused it.
func (s *session) offer() error {
	select {
	case s.streams <- struct{}{}:
	default:
		return fmt.Errorf("%w: %w", ErrLimit, errTooMany)
	}
	s.life, s.end = context.WithCancelCause(s.conn.life)
	ctx, cancel := context.WithCancelCause(s.recorder.life)
	s.stream.Units = func(yield func(frame.AccessUnit, error) bool) {
		if s.ranged.Swap(true) {
			yield(frame.AccessUnit{}, s.wrap(errTwice))
			return
		}
		close(s.accepted)
		if err := s.receive(yield); err != nil {
			yield(frame.AccessUnit{}, err)
		}
	}
	s.handlers.Go(func() {
		defer func() { <-s.streams }()
		defer cancel(nil)
		s.outcome = s.contain(s.stream.Remote, func() error { return s.Handler.ServeStream(ctx, s.stream) })
		close(s.returned)
		s.finish()
	})
	var err error
	select {
	case <-s.accepted:
		s.conn.streamed = true
		return nil
	case <-s.returned:
		select {
		case <-s.accepted:
			s.conn.streamed = true
			return nil // and has hung up
		default:
		}
		err = cmp.Or(s.outcome, errRefused)
	case <-s.life.Done():
		err = context.Cause(s.life)
	}
	cancel(err)
	s.end(err)
	return err
}

// finish ends what the Handler has hung up on, or what has ended.
func (s *session) finish() {
	if !s.ranged.Load() {
		return // refused: see offer
	}
	if s.outcome != nil {
		s.log(slog.LevelWarn, "stream failed", s.stream.Remote, s.wrap(s.outcome))
	}
	if slow := tooSlow(s.units); slow != nil {
		s.log(slog.LevelWarn, "units dropped", s.stream.Remote, s.wrap(slow))
	}
	s.end(errHangUp)
	s.lib.Close()
}

// record begins the flow of packets. The library calls what it sets up under locks that other sessions may wait for.
func (s *session) record() {
	s.conn.wait(true)
	s.udp = *s.lib.SetuppedTransport() == gortsplib.TransportUDP
	for _, m := range s.desc.Medias {
		for _, f := range m.Formats {
			s.lib.OnPacketRTP(m, f, func(p *rtp.Packet) {
				s.conn.wait(true)
				s.conn.packet(p, s.udp)
			})
		}
		s.lib.OnPacketRTCP(m, func(p rtcp.Packet) {
			s.conn.packet(p, s.udp)
			if r, ok := p.(*rtcp.SenderReport); ok && m == s.video.media {
				s.unpacker.Report(r.SSRC, r.RTPTime, r.NTPTime)
			}
		})
	}
	push := s.push // once, not for every packet
	s.lib.OnPacketRTP(s.video.media, s.video.format, func(p *rtp.Packet) {
		s.conn.wait(true)
		if !s.conn.packet(p, s.udp) {
			return // what is made of the next will be Lost
		}
		if err := s.contain(s.stream.Remote, func() error { return s.unpacker.Packet(p, time.Now(), push) }); err != nil {
			s.conn.fail(err)
		}
	})
}

// push takes a unit. Over UDP nobody can be made to wait: what comes too fast is dropped, and the next that is taken is Lost.
func (s *session) push(u frame.AccessUnit) {
	if s.udp && !s.conn.Take(1) {
		s.dropped = true
		return
	}
	if !s.udp {
		s.conn.Spend(1)
	}
	u.Lost, s.dropped = u.Lost || s.dropped, false
	if len(u.Data) > s.MaxUnit {
		s.conn.fail(limitError("an access unit of %d bytes, more than %d", len(u.Data), s.MaxUnit))
		return
	}
	s.units.Push(u)
}

// receive yields units until the publisher has left, of which nothing more is to be said, or until something else ends the stream.
func (s *session) receive(yield func(frame.AccessUnit, error) bool) error {
	for s.recorder.life.Err() == nil {
		ended := s.life.Err() != nil // nothing comes after that
		u, ok := s.units.Pop()
		switch {
		case ok && !yield(u, nil):
			return nil
		case ok:
		case ended && s.left.Load():
			return nil
		case ended:
			return s.wrap(context.Cause(s.life))
		default:
			select {
			case <-s.units.Ready():
			case <-s.life.Done():
			}
		}
	}
	return context.Cause(s.recorder.life)
}

// contain calls code of someone else's, or such that is fed by someone else, and makes an error of its panic.
func (r *recorder) contain(peer net.Addr, do func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			r.logs.Log(r.life, slog.LevelError, "panic", peer, "panic", v, "stack", string(debug.Stack()))
			err = errPanicked
		}
	}()
	return do()
}

// wrap says which stream err came from, unless that was said.
func (s *session) wrap(err error) error {
	var said *Error
	if errors.As(err, &said) {
		return err
	}
	return &Error{Step: "receive", Stream: s.stream.Name, Remote: s.stream.Remote, Err: err}
}
