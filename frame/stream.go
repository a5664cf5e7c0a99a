package frame

import (
	"context"
	"crypto/tls"
	"iter"
	"net"
	"net/url"
	"time"
)

// A Stream is one publisher's live video, as it is offered to a Handler.
type Stream struct {
	// Name is what it is published as: app/key for RTMP; for RTSP the path,
	// without slashes at its ends. A Handler may give it another before it
	// ranges over Units.
	Name string

	// Key is the stream key of RTMP, which many take for a secret that says
	// who publishes; empty if there is none: who publishes to an app alone
	// has shown no key.
	Key string

	// Remote is the publisher, or the server pulled from; nil if there is
	// no network between.
	Remote net.Addr

	// Query is what followed the ? in the publisher's URL; may be nil.
	Query url.Values

	// URL is where the publisher says it connected to: tcUrl for RTMP, the
	// request's URL for RTSP. Nobody has checked it.
	URL string

	// TLS is the state of the connection to the publisher; nil if it is not
	// encrypted.
	TLS *tls.ConnectionState

	// OnCue is for the Handler to set before it ranges over Units, if it
	// wants to hear of the stream's data messages. It is called between two
	// units, on the goroutine that ranges over them.
	OnCue func(Cue)

	// Close hangs up on the publisher, whatever it does at the time: Units
	// end with cause within a tenth of a second, and the publisher is told
	// why, if the protocol can. It does not wait for that. Any goroutine
	// may call it, also before Units is ranged over and after they have
	// ended; the first cause counts, and none is context.Canceled. What a
	// Client pulls is not pulled again: its Run returns cause. A source of
	// one's own may leave it nil.
	Close func(cause error)

	// Lacks tells what is missing as long as no unit can be made of what
	// the publisher sends: that no key picture has come, say, or no
	// parameter sets. It is empty if nothing is known to be. Any goroutine
	// may call it. It may be nil.
	Lacks func() string

	// RequestKey asks the publisher for a key picture soon, if it has not
	// been asked within a second; nil if it takes no such requests. It does
	// not wait. Any goroutine may call it, also before Units is ranged over
	// and after they have ended, when it does nothing.
	RequestKey func()

	// Units yields the access units in decoding order as they arrive, until
	// the stream ends. It is ranged over once. Beginning to range accepts
	// the publisher, a break hangs up on it. A publisher that leaves
	// properly ends the sequence; anything else is yielded as a last pair,
	// a zero unit and a non-nil error.
	Units iter.Seq2[AccessUnit, error]
}

// A Cue is a data message in a stream: metadata, a caption, a cue point, whatever the publisher sends beside pictures and sound.
type Cue struct {
	// Name is onMetaData, onCuePoint, onTextData and the like; colorInfo
	// for the colours of an HDR stream, which are in the units, too.
	Name string

	PTS  time.Duration // on the scale of the units
	Time time.Time     // the same on the wall clock

	// Values are of the types float64, bool, string, time.Time, nil, []any
	// and map[string]any, nested. They are immutable.
	Values []any
}

// A Handler takes in live streams, as an http.Handler takes requests. ServeStream runs for as long as the stream lives, on a
// goroutine of the server's. Returning before Units was ranged over refuses the publisher, and the error says why.
//
// A Handler should not keep the publisher waiting: what takes long belongs on another goroutine.
type Handler interface {
	ServeStream(ctx context.Context, s *Stream) error
}

// HandlerFunc makes a Handler of a function.
type HandlerFunc func(ctx context.Context, s *Stream) error

// ServeStream calls f.
func (f HandlerFunc) ServeStream(ctx context.Context, s *Stream) error { return f(ctx, s) }
