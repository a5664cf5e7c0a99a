package rtsp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"

	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/liberrors"
	"github.com/livestill/livestill/internal/ingest"
)

// What a caller may branch on, with errors.Is.
var (
	// ErrURL says that Client.URL is none of RTSP.
	ErrURL = errors.New("not a URL of the form " +
		"rtsp://[user:password@]host[:port]/path, or rtsps://")

	// ErrUnauthorized says that a server has answered 401 or 403. See also
	// Server.Authenticate.
	ErrUnauthorized = errors.New(
		"the server refuses the credentials, or wants some")

	// ErrCodec is in an error that says what there is instead.
	ErrCodec = errors.New("no video that can be taken")

	// ErrSilent ends a stream after Client.Timeout.
	ErrSilent = errors.New("the server is silent")

	// ErrNoPicture ends a stream after ten times Client.Timeout.
	ErrNoPicture = errors.New(
		"packets come, but no picture that can be decoded")

	// ErrSDP is of a server's answer to DESCRIBE.
	ErrSDP = errors.New(
		"the server's description of the stream is malformed")

	// ErrTransport says that Client.Transport cannot be had.
	ErrTransport = errors.New("the server does not offer the transport")

	// ErrLimit is in the errors that a peer causes by exceeding a limit of
	// the Server or Client. It is the same as package rtmp's.
	ErrLimit = ingest.ErrLimit
)

var (
	errHangUp   = errors.New("the Handler has returned")
	errRedirect = errors.New("redirected to another address, which must not see the credentials")
	errPins     = errors.New("it is none of the Client's Fingerprints")
	errPlain    = errors.New("there are Fingerprints, and rtsp:// has no certificates; rtsps:// does")
	errSRTP     = errors.New("with TLS that takes SRTP")

	errName         = errors.New("the path is empty, or not text")
	errTooMany      = errors.New("too many streams")
	errPorts        = errors.New("another publisher sends from these ports")
	errNotAnnounced = errors.New("SETUP without ANNOUNCE: this server takes streams in; it does not play them")
)

// An Error says at which step a stream, a connection or a listener came to its end, and why. Its text can be printed, whatever a peer
// has sent: what does not print is escaped, and what is beyond 1 KiB is cut off.
type Error struct {
	// Step is "configure", "describe", "setup", "play" or "receive"; of a
	// Server it is "listen", "accept", "announce" or "receive".
	Step string

	// Stream is the name of the stream, as in frame.Stream; empty if there
	// is none.
	Stream string

	// Server is host:port as in the Client's URL; empty if there is none.
	Server string

	// Remote is the Server's publisher; nil if there is none.
	Remote net.Addr

	// Err often wraps one of the package's errors, io.EOF,
	// os.ErrDeadlineExceeded or a *net.OpError.
	Err error
}

func (e *Error) Error() string {
	return ingest.ErrorText("rtsp: "+e.Step, e.Stream, e.Server, e.Remote, e.Err)
}

// Unwrap returns e.Err.
func (e *Error) Unwrap() error { return e.Err }

// explain returns the cause of an error of the protocol library, as the package's own if it is one of those. The cause of life, which
// closes the connection, comes before its effects; what the server has answered comes before that: some hang up right after.
func explain(life context.Context, err error) error {
	var status liberrors.ErrClientBadStatusCode
	if life.Err() != nil && !errors.As(err, &status) && !otherTransport(err) {
		err = context.Cause(life)
	}
	var cert *tls.CertificateVerificationError
	switch {
	case errors.As(err, &status) && (status.Code == base.StatusUnauthorized || status.Code == base.StatusForbidden):
		return fmt.Errorf("%w: %w", ErrUnauthorized, err)
	case errors.Is(err, liberrors.ErrClientUDPTimeout{}), errors.Is(err, liberrors.ErrClientTCPTimeout{}):
		return ErrSilent // of a busy machine, on which the library's timeout came before ours
	case errors.As(err, &status) && status.Code == base.StatusUnsupportedTransport, otherTransport(err):
		return fmt.Errorf("%w: %w", ErrTransport, err)
	case errors.As(err, &cert):
		return untrusted(cert.UnverifiedCertificates[0], err)
	}
	return err
}

// otherTransport tells whether err says that a server answered SETUP with another transport than it was asked for, or with less than
// that takes.
func otherTransport(err error) bool {
	for _, known := range []error{
		liberrors.ErrClientServerRequestedTCP{}, liberrors.ErrClientServerRequestedUDP{},
		liberrors.ErrClientTransportHeaderInvalidDelivery{}, liberrors.ErrClientTransportHeaderNoPorts{},
		liberrors.ErrClientTransportHeaderNoDestination{}, liberrors.ErrClientServerPortsNotProvided{},
	} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

// failed is an ingest.Failure.
func failed(step string, peer net.Addr, err error) error {
	return &Error{Step: step, Remote: peer, Err: err}
}
