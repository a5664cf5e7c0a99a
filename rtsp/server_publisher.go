package rtsp

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/ingest"
	"github.com/livestill/livestill/internal/unpack"
	"github.com/livestill/livestill/rtsp/internal/queue"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

// A publisher is one that announced a stream, from ANNOUNCE to its end.
type publisher struct {
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

	accepted chan struct{} // closed when Units is ranged over
	returned chan struct{} // closed when the Handler has returned
	outcome  error         // what it returned
}

// announce returns the publisher of an ANNOUNCE that is right, if it is let in.
func (r *recorder) announce(lib *gortsplib.ServerHandlerOnAnnounceCtx) (*publisher, error) {
	c := lib.Conn.UserData().(*conn)
	p := &publisher{
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
	case p.stream.Name == "" || !ingest.IsText(p.stream.Name):
		return nil, errName
	case n > maxMedias:
		return nil, ingest.LimitError("a stream of %d medias, more than %d", n, maxMedias)
	}
	p.stream.Query, _ = url.ParseQuery(lib.Query) // keeps what it can of a query that is partly malformed
	if conn, ok := lib.Conn.NetConn().(*tls.Conn); ok {
		state := conn.ConnectionState()
		p.stream.TLS = &state
	}
	l := login(lib.Conn, lib.Request)
	l.Stream, l.Query, l.Remote = p.stream.Name, p.stream.Query, p.stream.Remote
	return p, p.ask(&l, len(lib.Request.Header["Authorization"]) > 0)
}

// name returns the name of the stream at a path.
func name(path string) string { return strings.Trim(path, "/") }

// take takes one of the streams that there may be. When there is none left, one gives way of which no video has come, or none for long.
func (p *publisher) take() error {
	select {
	case p.streams <- struct{}{}:
		return nil
	default:
	}
	if !p.listener.Limiter.GiveWay(ingest.LimitError("more than %d streams", p.MaxStreams)) {
		return fmt.Errorf("%w: %w", ErrLimit, errTooMany)
	}
	select {
	case p.streams <- struct{}{}:
		return nil
	case <-p.conn.life.Done():
		return context.Cause(p.conn.life)
	}
}

// offer hands the stream to the Handler, on a goroutine of its own, and returns when that has accepted or refused it.
func (p *publisher) offer() (refused bool, err error) {
	if p.video, err = choose(p.desc, 0, 0); err != nil {
		return false, err
	}
	if p.unpacker, err = p.video.unpack(); err != nil {
		return false, err
	}
	if err := p.take(); err != nil {
		return false, err
	}
	p.units = queue.New()
	p.life, p.end = context.WithCancelCause(p.conn.life)
	ctx, cancel := context.WithCancelCause(p.recorder.life)
	p.stream.Units = ingest.SingleUse(func(yield func(frame.AccessUnit, error) bool) {
		close(p.accepted)
		if err := p.receive(yield); err != nil {
			yield(frame.AccessUnit{}, err)
		}
	}, p.wrap)
	p.handlers.Go(func() {
		defer func() { <-p.streams }()
		defer cancel(nil)
		p.outcome = p.contain(p.stream.Remote, func() error { return p.Handler.ServeStream(ctx, p.stream) })
		close(p.returned)
		p.finish()
	})
	select {
	case <-p.accepted:
	case <-p.returned:
		if refused = !p.isAccepted(); refused { // else it has hung up already
			err = cmp.Or(p.outcome, ingest.ErrRefused)
		}
	case <-p.life.Done():
		err = context.Cause(p.life)
	}
	if err != nil {
		cancel(err)
		p.end(err)
		return refused, err
	}
	p.conn.streamed = true
	p.conn.Reach(ingest.Accepted)
	return false, nil
}

// isAccepted tells whether the Handler has ranged over Units.
func (p *publisher) isAccepted() bool {
	select {
	case <-p.accepted:
		return true
	default:
		return false
	}
}

// finish ends what the Handler has hung up on, or what has ended.
func (p *publisher) finish() {
	if !p.isAccepted() {
		return // refused: see offer
	}
	if p.outcome != nil {
		p.log(slog.LevelWarn, "stream failed", p.stream.Remote, p.wrap(p.outcome))
	}
	if slow := p.units.TooSlow(); slow != nil {
		p.log(slog.LevelWarn, "units dropped", p.stream.Remote, p.wrap(slow))
	}
	p.end(errHangUp)
	p.lib.Close()
}

// record begins the flow of packets. The library calls what it sets up under locks that other sessions may wait for.
func (p *publisher) record() {
	p.conn.wait(true)
	p.udp = *p.lib.SetuppedTransport() == gortsplib.TransportUDP
	for _, m := range p.desc.Medias {
		for _, f := range m.Formats {
			p.lib.OnPacketRTP(m, f, func(packet *rtp.Packet) {
				p.conn.wait(true)
				p.conn.packet(packet, p.udp)
			})
		}
		p.lib.OnPacketRTCP(m, func(packet rtcp.Packet) {
			p.conn.packet(packet, p.udp)
			if r, ok := packet.(*rtcp.SenderReport); ok && m == p.video.media {
				p.unpacker.Report(r.SSRC, r.RTPTime, r.NTPTime)
			}
		})
	}
	push := p.push // once, not for every packet
	p.lib.OnPacketRTP(p.video.media, p.video.format, func(packet *rtp.Packet) {
		p.conn.wait(true)
		p.conn.Video()
		if !p.conn.packet(packet, p.udp) {
			return // what is made of the next will be Lost
		}
		if err := p.contain(p.stream.Remote, func() error { return p.unpacker.Packet(packet, time.Now(), push) }); err != nil {
			p.conn.fail(err)
		}
		p.conn.Hold(p.unpacker.Held() + p.units.Bytes())
	})
}

// push takes a unit. Over UDP nobody can be made to wait: what comes too fast is dropped, and the next that is taken is Lost.
func (p *publisher) push(u frame.AccessUnit) {
	if p.udp && !p.conn.Take(1) {
		p.dropped = true
		return
	}
	if !p.udp {
		p.conn.Spend(1)
	}
	u.Lost, p.dropped = u.Lost || p.dropped, false
	if len(u.Data) > p.MaxUnit {
		p.conn.fail(ingest.LimitError("an access unit of %d bytes, more than %d", len(u.Data), p.MaxUnit))
		return
	}
	p.units.Push(u)
}

// receive yields units until the publisher has left, of which nothing more is to be said, or until something else ends the stream.
func (p *publisher) receive(yield func(frame.AccessUnit, error) bool) error {
	for p.recorder.life.Err() == nil {
		ended := p.life.Err() != nil // nothing comes after that
		u, ok := p.units.Pop()
		switch {
		case ok && !yield(u, nil):
			return nil
		case ok:
		case ended && p.left.Load():
			return nil
		case ended:
			return p.wrap(context.Cause(p.life))
		default:
			select {
			case <-p.units.Ready():
			case <-p.life.Done():
			}
		}
	}
	return context.Cause(p.recorder.life)
}

// wrap says which stream err came from, unless that was said.
func (p *publisher) wrap(err error) error {
	var said *Error
	if errors.As(err, &said) {
		return err
	}
	return &Error{Step: "receive", Stream: p.stream.Name, Remote: p.stream.Remote, Err: err}
}
