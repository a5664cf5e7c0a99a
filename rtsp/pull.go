package rtsp

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/ingest"
	"github.com/livestill/livestill/rtsp/internal/queue"
	"github.com/livestill/livestill/rtsp/internal/unpack"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

const (
	udpPatience = 3 * time.Second // without a packet over UDP; then TCP is tried
	farewell    = time.Second     // for a server to take our TEARDOWN, without which some stream on to nobody
)

// A pull is one attempt at a stream, from dialling to its end.
type pull struct {
	*Client
	target
	log       *slog.Logger
	transport *gortsplib.Transport
	trusted   *tls.Config

	connected func() // is called when a unit has come
	times     unpack.Times

	conn     *gortsplib.Client
	dialler  dialler
	unpacker *unpack.Stream // nil until there is a video
	units    *queue.Queue
	vigil    vigil
	odd      atomic.Pointer[error] // why the newest packet was ignored; nil if it was not
	ranged   bool                  // the Handler has accepted
	refused  bool                  // the Handler has returned before the stream ended
	ended    error                 // why the stream ended; nil until then

	// Of the library's goroutine, and of whoever has asked it for something and got an answer.
	asked     base.Method // the newest request
	described bool        // it was answered with a description
	size      int         // of that, in bytes
	redirects int
}

// run pulls until the stream ends, the Handler returns or ctx is done. It returns nil only if the Handler does.
//
// Its own context is the life of the connection: whoever finds a reason to end it cancels the context with that reason, and one
// goroutine hangs up when the context is done.
func (p *pull) run(ctx context.Context) error {
	life, end := context.WithCancelCause(ctx)
	timeout := cmp.Or(p.Timeout, defaultTimeout)
	silence := time.AfterFunc(timeout, func() { end(p.silent()) })
	defer silence.Stop()
	heard := func() {
		silence.Reset(timeout)
		p.odd.Store(nil)
	}

	p.units, p.vigil = queue.New(), vigil{timeout: timeout, log: p.log}
	p.dialler.guarded = p.url.User != nil
	if p.dialler.open = p.dial; p.dial == nil {
		p.dialler.open = new(net.Dialer).DialContext
	}
	p.conn = &gortsplib.Client{
		Scheme:                p.url.Scheme,
		Host:                  p.url.Host,
		TLSConfig:             p.trusted.Clone(), // the library writes to it
		Transport:             p.transport,
		ReadTimeout:           2*timeout + time.Second, // ours comes first, and the library's is in whole seconds
		WriteTimeout:          timeout,
		InitialUDPReadTimeout: min(udpPatience, timeout/2), // so that there is time left for TCP
		UserAgent:             "livestill",
		DialContext:           p.dialler.dial,
		ListenPacket:          listenPacket,
		OnTransportSwitch:     func(err error) { p.log.Info("not over UDP", "reason", ingest.Printable(err.Error())) },
		OnRequest:             func(req *base.Request) { p.asked = req.Method },
		OnResponse:            p.answer,
		OnPacketsLost:         func(uint64) {},                       // unpack counts for itself
		OnDecodeError:         func(err error) { p.odd.Store(&err) }, // what is no packet, or none of the stream, is a gap for unpack
	}
	var running sync.WaitGroup
	defer running.Wait()
	defer end(errHangUp)
	if err := p.conn.Start2(); err != nil {
		return p.fail("configure", err)
	}
	running.Go(func() { end(p.conn.Wait()) })
	running.Go(func() {
		<-life.Done()
		force := time.AfterFunc(farewell, p.dialler.close)
		defer force.Stop()
		p.conn.Close()
	})

	if err := p.setup(life, heard, end); err != nil {
		return err
	}
	silence.Stop() // the Handler may take its time
	err := p.Handler.ServeStream(life, &frame.Stream{Name: p.name, Remote: p.dialler.remote(), Query: p.query,
		Units: func(yield func(frame.AccessUnit, error) bool) {
			p.ranged = true
			heard()
			if p.ended = p.receive(ctx, life, yield); p.ended != nil {
				yield(frame.AccessUnit{}, p.ended)
			}
		},
	})
	if slow := tooSlow(p.units); slow != nil {
		p.log.Warn("units dropped", "err", p.fail("receive", slow))
	}
	if !p.ranged && life.Err() != nil {
		p.ended = p.fail("play", context.Cause(life)) // while the Handler took its time
	}
	switch {
	case p.ended == nil:
		p.refused = true
		return err
	case err == nil || errors.Is(err, p.ended):
		return p.ended
	}
	return errors.Join(p.ended, err)
}

// setup asks the server what it has and prepares for the video it picks. From PLAY on, each packet of it calls heard, and what makes
// it impossible to go on calls end; both run under locks of the protocol library, and so does all that makes units of packets.
func (p *pull) setup(life context.Context, heard func(), end context.CancelCauseFunc) error {
	desc, video, err := p.describe()
	if err != nil {
		return p.fail("describe", explain(life, err))
	}
	unpacker, err := video.unpack()
	if err != nil {
		p.log.Info("parameter sets of the description are left out", "err", err)
	}
	unpacker.Follow(p.times, time.Now())
	p.unpacker = unpacker
	if p.conn.Scheme == "rtsps" && !video.media.Secure && (p.Transport == UDP || p.Transport == Multicast) {
		return p.fail("setup", fmt.Errorf("%w: %w", ErrTransport, errSRTP))
	}
	if _, err := p.conn.Setup(desc.BaseURL, video.media, 0, 0); err != nil {
		return p.fail("setup", explain(life, err))
	}
	push := func(u frame.AccessUnit) {
		p.vigil.unit()
		p.units.Push(u)
	}
	p.conn.OnPacketRTP(video.media, video.format, func(packet *rtp.Packet) {
		heard()
		now := time.Now()
		err := unpacker.Packet(packet, now, push)
		if err == nil {
			err = p.vigil.packet(now)
		}
		if err != nil {
			end(err)
		}
	})
	p.conn.OnPacketRTCP(video.media, func(packet rtcp.Packet) {
		if r, ok := packet.(*rtcp.SenderReport); ok { // the library's own reading of it takes the fraction of a second for nanoseconds
			unpacker.Report(r.SSRC, r.RTPTime, r.NTPTime)
		}
	})
	return nil
}

// silent says that no packet of the video comes, and what comes instead.
func (p *pull) silent() error {
	if odd := p.odd.Load(); odd != nil {
		return fmt.Errorf("%w, but for what is not of its video: %w", ErrSilent, *odd)
	}
	return ErrSilent
}

// tooSlow says how many units were dropped since a Handler did not take them in time; nil if none were.
func tooSlow(units *queue.Queue) error {
	if n := units.Dropped(); n > 0 {
		return fmt.Errorf("the Handler was too slow for %d units", n)
	}
	return nil
}

// receive begins the flow of packets and yields the units made of them. It returns nil after yield has returned false, else why the
// stream ended.
func (p *pull) receive(ctx, life context.Context, yield func(frame.AccessUnit, error) bool) error {
	if _, err := p.conn.Play(nil); err != nil {
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
			err := explain(life, nil)
			if p.Transport != Automatic && errors.Is(err, ErrSilent) {
				err = fmt.Errorf("%w over %v", err, p.Transport)
			}
			return p.fail("receive", err)
		}
	}
	return context.Cause(ctx)
}
