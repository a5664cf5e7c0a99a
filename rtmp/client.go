package rtmp

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/ingest"
)

// What the zero values of a Client's times mean.
const (
	defaultTimeout  = 10 * time.Second
	defaultRetry    = time.Second // chosen, not measured; rtsp has 500 ms, and no reason is known for the two
	defaultMaxRetry = 30 * time.Second
)

// What a caller of Client.Run may branch on, with errors.Is.
var (
	// ErrURL says that Client.URL is none of RTMP.
	ErrURL = errors.New("not a URL of the form " +
		"rtmp://[user:password@]host[:port]/app/key, or rtmps://")

	// ErrUnauthorized says that the password is wrong, or missing.
	ErrUnauthorized = errors.New(
		"the server refuses the credentials, or wants some")
)

// A Client plays one stream from a server, and again whenever it ends. Its fields must not change while it runs.
//
// The path of URL is split as ffmpeg does it. Of one segment it is the app alone, and the key is empty; of two, app and key; of more,
// the app is the first two, which is an instance of an app, and the key is the rest: rtmp://host/live/east/cam plays cam from
// live/east. A second segment with a colon begins the key, as in vod/mp4:a/b.mp4. A query stays with the key, or with the app if there
// is no key. Path and query are sent as they stand, user and password are percent-encoded.
type Client struct {
	// URL is rtmp:// or rtmps://, ports 1935 and 443; with user and
	// password if the server wants Adobe's authentication.
	URL string

	// Handler gets each connection's stream once it is live, on the
	// goroutine of Run. It is required.
	Handler frame.Handler

	// TLSConfig is for rtmps. An empty ServerName stands for the host of
	// URL; nil means the system's authorities.
	TLSConfig *tls.Config

	// Logger hears why a stream ended and that it is pulled again; nil
	// means slog.Default().
	Logger *slog.Logger

	// OnPull hears how the pull fares: a stream's first unit came, it was
	// lost and why, it is pulled anew and after what wait. Calls are made
	// one at a time, by the goroutine of Run or the one that ranges over
	// Units. The stream waits for them: it must not block.
	OnPull func(frame.Pull)

	// Track is which video is taken of a stream that has several tracks;
	// zero is its default one.
	Track uint8

	// MaxMessage is how many bytes a message may have, and so an access
	// unit; zero means 8 MiB, and the format allows 16 MiB - 1.
	MaxMessage int

	// Timeout is for all from dialling to the answer to play, and for each
	// whole message from then on; zero means 10 s.
	Timeout time.Duration

	// Once has Run play once: when the stream has ended or cannot be had,
	// Run returns why, whatever it is.
	Once bool

	// Retry is how long to wait before the first new attempt, doubled by
	// each that brings no picture; zero means 1 s. MaxRetry is the longest
	// to wait; zero means 30 s.
	Retry, MaxRetry time.Duration

	counts ingest.ClientCounts
}

// Stats returns how the Client has fared up to now. It may be called at any time.
func (c *Client) Stats() frame.ClientStats { return c.counts.Stats() }

// Run plays until ctx is done, and returns context.Cause(ctx). The Handler gets a Stream when the first sound or picture of it has
// come: until then Run waits, or asks again if the server knows no such stream. When the stream ends, Run plays anew, and the Handler
// gets another Stream of the same name. Units end without an error if the server says that the publisher left, and with an error
// otherwise. Before each new attempt there is a wait, of which up to half is left to chance so that many Clients do not all come
// back at once.
//
// What does not heal by itself ends Run: a malformed URL (ErrURL), refused credentials (ErrUnauthorized). Such an error is an *Error.
// With Once everything ends Run that ends the stream, or that keeps it from beginning. A Handler that returns before the stream has ended
// refuses it or hangs up on it: Run returns what it returned.
//
// Stream.Close ends Run with its cause, and so do a Hub that closes the stream, and one that lets another publisher take it over.
//
// A panic of the Handler or of OnPull ends Run, too: it is logged with its stack, and the error is an *Error.
//
// When Run returns, the connection is closed and no goroutine of it is left.
func (c *Client) Run(ctx context.Context) error {
	t, err := parseAddress(c.URL)
	if err != nil {
		return &Error{Step: "configure", Err: err}
	}
	if c.Handler == nil {
		return &Error{Step: "configure", Stream: t.name, Err: ingest.ErrNoHandler}
	}
	log := cmp.Or(c.Logger, slog.Default()).With("stream", t.name, "server", t.host)
	loop := ingest.Loop{Stream: t.name, Once: c.Once, First: cmp.Or(c.Retry, defaultRetry), Longest: cmp.Or(c.MaxRetry, defaultMaxRetry),
		Log: log, Hook: c.OnPull, Counts: &c.counts}
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	err = ingest.Contain(log, func() error {
		return loop.Run(ctx, func() (last bool, err error) {
			p := pull{Client: c, at: t, log: log, connected: loop.Connected, end: end}
			last, err = p.run(ctx)
			if p.waited {
				loop.Fruitful()
			}
			return last || errors.Is(err, ErrUnauthorized), err
		})
	})
	if errors.Is(err, ingest.ErrPanicked) {
		return &Error{Step: "receive", Stream: t.name, Err: err}
	}
	return err
}
