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
	recorder *recorder
	conn     *conn
	session  *gortsplib.ServerSession
	stream   *frame.Stream
	ports    []port      // guarded by recorder.mu
	left     atomic.Bool // TEARDOWN came

	streaming    context.Context         // of its units; it is here because the library's calls come with none
	endStreaming context.CancelCauseFunc // the first reason counts

	sdp      []byte // until the stream is offered to the Handler
	desc     *description.Session
	video    video
	unpacker *unpack.Stream
	source   unpack.Source
	units    *queue.Queue
	udp      bool // packets come over UDP; set before they do
	dropped  bool // a unit before the next; of the library's goroutine for packets

	begun bool // a unit came
	lacks ingest.Lacks

	accepted chan struct{} // closed when Units is ranged over
	returned chan struct{} // closed when the Handler has returned
	outcome  error         // what it returned
}

// announce returns the publisher of an ANNOUNCE that is right, if it is let in.
func (r *recorder) announce(announce *gortsplib.ServerHandlerOnAnnounceCtx) (*publisher, error) {
	c := connOf(announce.Conn)
	p := &publisher{
		recorder: r, conn: c, session: announce.Session, sdp: announce.Request.Body, desc: announce.Description,
		stream: &frame.Stream{
			Name:   name(announce.Path),
			Remote: c.Conn.RemoteAddr(),
			URL:    announce.Request.URL.CloneWithoutCredentials().String(),
		},
		accepted: make(chan struct{}), returned: make(chan struct{}),
	}
	p.stream.Lacks = p.lacks.Text
	c.Advance(ingest.Named)
	switch n := len(announce.Description.Medias); {
	case p.stream.Name == "" || !ingest.IsText(p.stream.Name):
		return nil, errName
	case n > maxMedias:
		return nil, ingest.LimitError("a stream of %d medias, more than %d", n, maxMedias)
	}
	formats := 0
	for _, m := range p.desc.Medias {
		formats += len(m.Formats)
	}
	if formats > maxFormats {
		return nil, ingest.LimitError("a stream of %d formats, more than %d", formats, maxFormats)
	}
	p.stream.Query, _ = url.ParseQuery(announce.Query) // keeps what it can of a query that is partly malformed
	if encrypted, ok := announce.Conn.NetConn().(*tls.Conn); ok {
		state := encrypted.ConnectionState()
		p.stream.TLS = &state
	}
	l := login(announce.Conn, announce.Request)
	l.Stream, l.Query, l.Remote = p.stream.Name, p.stream.Query, p.stream.Remote
	return p, p.ask(&l, len(announce.Request.Header["Authorization"]) > 0)
}

// name returns the name of the stream at a path.
func name(path string) string { return strings.Trim(path, "/") }

// take takes one of the streams that there may be. When there is none left, one is evicted of which no video has come, or none for long.
func (p *publisher) take() error {
	select {
	case p.recorder.streams <- struct{}{}:
		return nil
	default:
	}
	if !p.recorder.listener.Limiter.Evict(ingest.LimitError("more than %d streams", p.recorder.server.MaxStreams)) {
		return fmt.Errorf("%w: %w", ErrLimit, errTooMany)
	}
	select {
	case p.recorder.streams <- struct{}{}:
		return nil
	case <-p.conn.connected.Done():
		return context.Cause(p.conn.connected)
	}
}

// offer hands the stream to the Handler, on a goroutine of its own, and returns when that has accepted or refused it.
func (p *publisher) offer() (refused bool, err error) {
	if p.video, err = choose(p.desc, 0, 0); err != nil {
		return false, err
	}
	p.video.measure(p.sdp, p.desc)
	if p.unpacker, err = p.video.unpack(); err != nil {
		return false, err
	}
	p.video.follow(&p.source)
	p.sdp = nil
	if err := p.take(); err != nil {
		return false, err
	}
	p.units = queue.New()
	p.streaming, p.endStreaming = context.WithCancelCause(p.conn.connected)
	p.stream.Close = p.endStreaming
	ctx, cancel := context.WithCancelCause(p.recorder.serving)
	p.stream.Units = ingest.SingleUse(func(yield func(frame.AccessUnit, error) bool) {
		p.recorder.listener.Counts.Begin()
		close(p.accepted)
		if err := p.receive(yield); err != nil {
			yield(frame.AccessUnit{}, err)
		}
	}, p.wrap)
	p.recorder.handlers.Go(func() {
		defer func() { <-p.recorder.streams }()
		defer cancel(nil)
		p.outcome = ingest.ErrExited // unless it returns
		defer func() {
			if p.isAccepted() {
				p.recorder.listener.Counts.End(p.outcome)
			}
			close(p.returned)
			p.finish()
		}()
		p.outcome = p.recorder.contain(p.stream.Remote, func() error { return p.recorder.server.Handler.ServeStream(ctx, p.stream) })
	})
	select {
	case <-p.accepted:
	case <-p.returned:
		if refused = !p.isAccepted(); refused { // else it has hung up already
			err = cmp.Or(p.outcome, ingest.ErrRefused)
		}
	case <-p.streaming.Done():
		err = context.Cause(p.streaming)
	}
	if err != nil {
		cancel(err)
		p.endStreaming(err)
		return refused, err
	}
	p.conn.streamed = true
	p.conn.Advance(ingest.Accepted)
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
		p.recorder.log(slog.LevelWarn, "stream failed", p.stream.Remote, p.wrap(p.outcome))
	}
	if slow := p.units.TooSlow(); slow != nil {
		p.recorder.log(slog.LevelWarn, "units dropped", p.stream.Remote, p.wrap(slow))
	}
	p.endStreaming(errHangUp)
	p.session.Close()
}

// record begins the flow of packets. The library calls what it sets up under locks that other sessions may wait for.
func (p *publisher) record() {
	p.conn.wait(true)
	p.udp = *p.session.SetuppedTransport() == gortsplib.TransportUDP
	for _, m := range p.desc.Medias {
		for _, f := range m.Formats {
			p.session.OnPacketRTP(m, f, func(packet *rtp.Packet) {
				p.conn.wait(true)
				p.conn.packet(packet, p.udp)
			})
		}
		p.session.OnPacketRTCP(m, func(packet rtcp.Packet) {
			p.conn.packet(packet, p.udp)
			if r, ok := packet.(*rtcp.SenderReport); ok && m == p.video.media {
				if ssrc, ok := p.source.Reported(r.SSRC); ok {
					p.unpacker.Report(ssrc, r.RTPTime, r.NTPTime)
				}
			}
		})
	}
	push := p.push // once, not for every packet
	p.session.OnPacketRTP(p.video.media, p.video.format, func(packet *rtp.Packet) {
		p.conn.wait(true)
		p.conn.Video()
		if anew, goesOn := p.source.Anew(packet); anew {
			p.unpacker.Anew(goesOn)
		}
		if !p.conn.packet(packet, p.udp) {
			return // what is made of the next will be Lost
		}
		if err := p.recorder.contain(p.stream.Remote, func() error { return p.unpacker.Packet(packet, time.Now(), push) }); err != nil {
			p.conn.cutOff(err)
		}
		if p.unpacker.Void() {
			p.units.Retract()
		}
		if !p.begun && p.lacks.Set(p.unpacker.Lacks()) {
			p.recorder.log(slog.LevelWarn, "no picture can be made", p.stream.Remote, p.wrap(errors.New(p.lacks.Text())))
		}
		p.conn.setBuffered(func() { p.conn.units = p.unpacker.Buffered() + p.units.Bytes() })
	})
}

// push takes a unit. Over UDP nobody can be made to wait: what comes too fast is dropped, and the next that is taken is Lost.
func (p *publisher) push(u frame.AccessUnit) {
	if !p.begun {
		p.begun = true
		p.lacks.Set("")
	}
	if p.udp && !p.conn.Take(1) {
		p.dropped = true
		return
	}
	if !p.udp {
		p.conn.Spend(1)
	}
	u.Lost, p.dropped = u.Lost || p.dropped, false
	if len(u.Data) > p.recorder.server.MaxUnit {
		p.conn.cutOff(ingest.LimitError("an access unit of %d bytes, more than %d", len(u.Data), p.recorder.server.MaxUnit))
		return
	}
	p.units.Push(u)
}

// receive yields units until the publisher has left, of which nothing more is to be said, or until something else ends the stream.
func (p *publisher) receive(yield func(frame.AccessUnit, error) bool) error {
	for p.recorder.serving.Err() == nil {
		ended := p.streaming.Err() != nil // nothing comes after that
		if ended {
			p.units.Flush()
		}
		u, ok := p.units.Pop()
		switch {
		case ok && !yield(u, nil):
			return nil
		case ok:
		case ended && p.left.Load():
			return nil
		case ended:
			return p.wrap(context.Cause(p.streaming))
		default:
			select {
			case <-p.units.Ready():
			case <-p.streaming.Done():
			}
		}
	}
	return context.Cause(p.recorder.serving)
}

// wrap says which stream err came from, unless that was said.
func (p *publisher) wrap(err error) error {
	var said *Error
	if errors.As(err, &said) {
		return err
	}
	return &Error{Step: "receive", Stream: p.stream.Name, Remote: p.stream.Remote, Err: err}
}
