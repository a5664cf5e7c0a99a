package rtsp

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"

	"github.com/bluenviron/gortsplib/v4"

	"github.com/livestill/livestill/internal/unpack"
	"github.com/livestill/livestill/rtsp/internal/digest"
)

// Attempts are those of one Run at a stream, one after the other. What a pull knows of time is passed to the next.
type attempts struct {
	*Client
	address
	log       *slog.Logger
	open      opener
	transport *gortsplib.Transport
	trusted   *tls.Config
	connected func()
	stop      context.CancelCauseFunc
	times     unpack.Times
}

// next makes the next attempt. A server that hangs up instead of an answer, to SETUP over UDP or after it has asked for credentials, gets
// another connection at once: some close each after a refusal. So does one that does not answer SETUP over UDP.
func (a *attempts) next(ctx context.Context) (last bool, err error) {
	const most = 3 // of UDP, of UDP with credentials, of TCP
	over, known := a.transport, digest.Credentials{User: a.url.User}
	for n := 1; ; n++ {
		p := a.pull(over, known)
		last, err = p.run(ctx)
		if p.unpacker != nil {
			a.times = p.unpacker.Times()
		}
		last = last || isPermanent(err)
		hungUp := p.answers.open && ctx.Err() == nil && (p.setsUpUDP() || !errors.Is(err, ErrSilent))
		switch {
		case last || !hungUp || n == most:
			return last, err
		case p.credentials.Refused():
			return true, a.fail("describe", fmt.Errorf("%w: %w", ErrUnauthorized, err))
		case p.setsUpUDP():
			a.log.Info("not over UDP", "reason", "the server hung up, or did not answer")
			tcp := gortsplib.TransportTCP
			over = &tcp
		case p.credentials.Challenged():
			known = p.credentials.Next()
		default:
			return last, err
		}
	}
}

// pull returns one that goes over a transport, and that knows what the server has asked for credentials with.
func (a *attempts) pull(over *gortsplib.Transport, known digest.Credentials) *pull {
	return &pull{
		Client: a.Client, address: a.address, log: a.log, dialler: dialler{open: a.open}, transport: over, trusted: a.trusted,
		timeout: cmp.Or(a.Timeout, defaultTimeout), connected: a.connected, stop: a.stop, times: a.times, credentials: known,
	}
}

// isPermanent tells whether an attempt failed for what does not heal by itself.
func isPermanent(err error) bool {
	return errors.Is(err, ErrUnauthorized) || errors.Is(err, ErrCodec) || distrusts(err)
}
