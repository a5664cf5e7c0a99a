package rtsp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/liberrors"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/ingest"
	"github.com/livestill/livestill/internal/unpack"
	"github.com/livestill/livestill/rtsp/internal/digest"
	"github.com/livestill/livestill/rtsp/internal/queue"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

const (
	udpTimeout      = 3 * time.Second // without an answer to SETUP over UDP, or without a packet; then TCP is tried
	teardownTimeout = time.Second     // for a server to take our TEARDOWN, without which some stream on to nobody
)

// A pull is one attempt at a stream, from dialling to its end.
type pull struct {
	*Client
	address
	log       *slog.Logger
	dialler   dialler
	transport *gortsplib.Transport
	trusted   *tls.Config
	timeout   time.Duration           // Client.Timeout, or what its zero value means
	connected func()                  // is called when a unit has come
	stop      context.CancelCauseFunc // ends Run
	times     unpack.Times            // of the attempt before

	conn      *gortsplib.Client
	end       context.CancelCauseFunc // ends the connection; the first reason counts
	silence   *time.Timer             // ends it as silent
	units     *queue.Queue
	unpacker  *unpack.Stream // nil until there is a video
	watchdog  watchdog
	lacks     *ingest.Lacks
	ignored   atomic.Pointer[error] // why the newest packet was ignored; nil if it was not
	malformed meter                 // of packets of RTCP
	accepted  bool                  // the Handler ranges over Units
	ended     error                 // why the stream ended; nil until then

	answers     answers
	credentials digest.Credentials
	source      unpack.Source
	media       *description.Media // of the video
	payloadType uint8              // of its packets
	takesPLI    bool
}

// run pulls until the stream ends, the Handler returns or ctx is done. It tells whether this was the last attempt since the Handler
// has returned first; the error is nil only if the Handler's is.
//
// The context of the connection is life: whoever finds a reason to end it cancels life with that reason, and one goroutine hangs up
// when life is done.
func (p *pull) run(ctx context.Context) (last bool, err error) {
	life, end := context.WithCancelCause(ctx)
	p.end = end
	p.units, p.watchdog = queue.New(), watchdog{timeout: p.timeout, log: p.log}
	p.malformed.rate, p.lacks = maxMalformed, new(ingest.Lacks)
	p.silence = time.AfterFunc(p.timeout, p.fallSilent)
	defer p.silence.Stop()
	p.conn = p.client()
	var running sync.WaitGroup
	defer running.Wait()
	defer end(errHangUp)
	if err := p.conn.Start2(); err != nil {
		return false, p.fail("configure", err)
	}
	running.Go(func() { end(p.conn.Wait()) })
	running.Go(func() { p.hangUp(life) })
	if err := p.setup(life); err != nil {
		return false, err
	}
	p.silence.Stop() // the Handler may take its time
	return p.serve(ctx, life)
}

// client returns a client of the protocol library that is not started yet.
func (p *pull) client() *gortsplib.Client {
	p.dialler.guarded = p.url.User != nil
	return &gortsplib.Client{
		Scheme:                p.url.Scheme,
		Host:                  p.url.Host,
		TLSConfig:             p.trusted.Clone(), // the library writes to it
		Transport:             p.transport,
		ReadTimeout:           2*p.timeout + time.Second, // ours comes first, and the library's is in whole seconds
		WriteTimeout:          p.timeout,
		InitialUDPReadTimeout: p.udpTimeout(),
		UserAgent:             "livestill",
		DialContext:           p.dialler.dial,
		ListenPacket:          listenPacket,
		OnTransportSwitch:     func(err error) { p.log.Info("not over UDP", "reason", ingest.Excerpt(err.Error(), ingest.MaxText)) },
		OnRequest:             p.ask,
		OnResponse:            p.answer,
		OnServerRequest:       asked,
		OnPacketsLost:         func(uint64) {}, // unpack counts for itself
		OnDecodeError:         p.ignore,
	}
}

// udpTimeout leaves time for TCP.
func (p *pull) udpTimeout() time.Duration { return min(udpTimeout, p.timeout/2) }

// ignore takes note of what is no packet, or none of the stream. It is a gap for unpack.
func (p *pull) ignore(err error) {
	p.ignored.Store(&err)
	var other liberrors.ErrClientRTPPacketUnknownPayloadType
	if errors.As(err, &other) && p.watchdog.since.IsZero() { // the goroutine of packet
		p.lacks.Set(fmt.Sprintf("packets come with payload type %d, but the description has %d", other.PayloadType, p.payloadType))
	}
	if isMalformedRTCP(err) && !p.malformed.take(1, time.Now()) {
		p.end(errMalformed())
	}
}

// hangUp closes the connection when life is done.
func (p *pull) hangUp(life context.Context) {
	<-life.Done()
	force := time.AfterFunc(teardownTimeout, p.dialler.close)
	defer force.Stop()
	p.conn.Close()
}

// setup asks the server what it has and prepares for the video it picks. From PLAY on, the library calls what handles packets under locks
// of its own.
func (p *pull) setup(life context.Context) error {
	desc, video, err := p.describe()
	if err != nil {
		return p.fail("describe", explain(life, err))
	}
	p.unpacker, err = video.unpack()
	if err != nil {
		p.log.Info("parameter sets of the description are left out", "err", err)
	}
	p.unpacker.Resume(p.times, time.Now())
	if p.conn.Scheme == "rtsps" && !video.media.Secure && (p.Transport == UDP || p.Transport == Multicast) {
		return p.fail("setup", fmt.Errorf("%w: %w", ErrTransport, errSRTP))
	}
	video.follow(&p.source)
	p.media, p.payloadType = video.media, video.format.PayloadType()
	if err := p.twice(func() error {
		_, err := p.conn.Setup(desc.BaseURL, video.media, 0, 0)
		return err
	}); err != nil {
		return p.fail("setup", explain(life, err))
	}
	push := p.push // once, not for every packet
	p.conn.OnPacketRTP(video.media, video.format, func(packet *rtp.Packet) { p.packet(packet, push) })
	p.conn.OnPacketRTCP(video.media, p.report)
	return nil
}

// packet makes units of the next packet of the video.
func (p *pull) packet(packet *rtp.Packet, push func(frame.AccessUnit)) {
	p.heard()
	now := time.Now()
	if anew, goesOn := p.source.Anew(packet); anew {
		p.unpacker.Anew(goesOn)
	}
	err := ingest.Contain(p.log, func() error { return p.unpacker.Packet(packet, now, push) })
	if p.unpacker.Void() {
		p.units.Retract()
	}
	if err == nil {
		if !p.watchdog.begun {
			p.lacks.Set(p.unpacker.Lacks())
		}
		err = p.watchdog.packet(now, p.lacks.Text)
	}
	if err != nil {
		p.end(err)
	}
}

// push takes a unit.
func (p *pull) push(u frame.AccessUnit) {
	if !p.watchdog.begun {
		p.lacks.Set("")
	}
	p.watchdog.unit()
	p.units.Push(u)
}

// report takes in a packet of RTCP. The library's own reading of sender reports takes the fraction of a second for nanoseconds.
func (p *pull) report(packet rtcp.Packet) {
	if r, ok := packet.(*rtcp.SenderReport); ok {
		if ssrc, ok := p.source.Reported(r.SSRC); ok {
			p.unpacker.Report(ssrc, r.RTPTime, r.NTPTime)
		}
	}
}

// heard says that the server is not silent.
func (p *pull) heard() {
	p.silence.Reset(p.timeout)
	p.ignored.Store(nil)
}

// fallSilent ends the connection since no packet of the video comes, and says what comes instead.
func (p *pull) fallSilent() {
	err := ErrSilent
	if ignored := p.ignored.Load(); ignored != nil {
		err = fmt.Errorf("%w, but for what is not of its video: %w", ErrSilent, *ignored)
	}
	p.end(err)
}

// serve hands the stream to the Handler.
func (p *pull) serve(ctx, life context.Context) (last bool, err error) {
	err = p.Handler.ServeStream(life, &frame.Stream{
		Name: p.name, Remote: p.dialler.remote(), Query: p.query, Lacks: p.lacks.Text,
		Close: func(cause error) {
			if life.Err() == nil { // a stream that has ended is pulled again
				p.stop(cause)
			}
		},
		RequestKey: p.keyRequests(),
		Units: ingest.SingleUse(func(yield func(frame.AccessUnit, error) bool) {
			p.accepted = true
			p.heard()
			if p.ended = p.receive(ctx, life, yield); p.ended != nil {
				yield(frame.AccessUnit{}, p.ended)
			}
		}, func(err error) error { return p.fail("receive", err) }),
	})
	if slow := p.units.TooSlow(); slow != nil {
		p.log.Warn("units dropped", "err", p.fail("receive", slow))
	}
	if !p.accepted && life.Err() != nil {
		p.ended = p.fail("play", context.Cause(life)) // while the Handler took its time
	}
	return ingest.Outcome(p.ended, err)
}

// receive begins the flow of packets and yields the units made of them. It returns nil after yield has returned false, else why the
// stream ended.
func (p *pull) receive(ctx, life context.Context, yield func(frame.AccessUnit, error) bool) error {
	if err := p.twice(func() error {
		_, err := p.conn.Play(nil)
		return err
	}); err != nil {
		return p.fail("play", explain(life, err))
	}
	for ctx.Err() == nil {
		if u, ok := p.units.Pop(); ok {
			p.connected()
			if !yield(u, nil) {
				return nil
			}
			continue
		}
		select {
		case <-p.units.Ready():
		case <-life.Done():
			if p.units.Flush() {
				continue
			}
			err := explain(life, nil)
			if p.Transport != Automatic && errors.Is(err, ErrSilent) {
				err = fmt.Errorf("%w over %v", err, p.Transport)
			}
			return p.fail("receive", err)
		}
	}
	return context.Cause(ctx)
}
