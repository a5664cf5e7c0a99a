package rtsp

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"strings"
	"sync"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/auth"
	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/liberrors"
	"github.com/livestill/livestill/internal/ingest"
)

// A recorder is a Server on one listener, and hears what the protocol library has to tell. The library calls for connections on one
// goroutine each and for its sessions on another. A connection has at most one session, and ends with it unless that was torn down.
type recorder struct {
	server    *Server // no limit of it is zero
	listener  *ingest.Listener
	logs      *ingest.Log
	serving   context.Context // of Serve, and of everything in it; it is here because the library's calls come with none
	streams   chan struct{}   // one for each stream
	perPacket float64         // as how many messages a packet counts
	handlers  sync.WaitGroup

	guesses ingest.Guesses

	mu    sync.Mutex
	ports map[port]*publisher // that send to us over UDP
}

// run serves until serving is done or the listener fails.
func (r *recorder) run() error {
	library := &gortsplib.Server{
		Handler:      r,
		RTSPAddress:  r.listener.Addr().String(),
		Listen:       func(string, string) (net.Listener, error) { return acceptor{r.listener, r}, nil },
		TLSConfig:    r.server.TLSConfig,
		ReadTimeout:  2 * r.server.IdleTimeout, // ours comes first
		WriteTimeout: r.server.PublishTimeout,
	}
	if r.server.BasicOnly {
		library.AuthMethods = []auth.VerifyMethod{auth.VerifyMethodBasic}
	}
	if r.server.UDPAddr != "" {
		pair, err := listenPair(r.serving, r.server.UDPAddr)
		if err != nil {
			return &Error{Step: "listen", Err: err}
		}
		defer pair.close()
		library.UDPRTPAddress, library.UDPRTCPAddress = pair.rtp.LocalAddr().String(), pair.rtcp.LocalAddr().String()
		library.ListenPacket = pair.take
	}
	if err := library.Start(); err != nil {
		return &Error{Step: "listen", Err: err}
	}
	var stopping sync.WaitGroup
	defer stopping.Wait()
	done := make(chan struct{})
	defer close(done)
	stopping.Go(func() {
		select {
		case <-r.serving.Done():
			library.Close()
		case <-done:
		}
	})
	return library.Wait()
}

// OnConnOpen begins a connection.
func (r *recorder) OnConnOpen(open *gortsplib.ServerHandlerOnConnOpenCtx) {
	open.Conn.SetUserData(under(open.Conn.NetConn()))
}

// OnRequest keeps requests out that the library would let in: a session belongs to the connection that announced it, and is not to
// be found by any other; descriptions are bounded before they are parsed.
func (r *recorder) OnRequest(conn *gortsplib.ServerConn, req *base.Request) {
	c := connOf(conn)
	c.whole = true
	c.Spend(1)
	c.Advance(ingest.Greeted)
	session := conn.Session()
	if session == nil {
		delete(req.Header, "Session")
	}
	if len(req.Body) > r.server.MaxSDP {
		c.refusal = &Error{Step: "announce", Remote: c.Conn.RemoteAddr(), Err: ingest.LimitError("a description of %d bytes, more than %d",
			len(req.Body), r.server.MaxSDP)}
		req.Body, c.oversize = nil, true
	}
	if req.Method == base.Announce { // the library takes "sendonly" for a back-channel, and refuses that
		req.Body = bytes.ReplaceAll(req.Body, []byte("a=sendonly"), []byte("a=recvonly"))
	}
	if p, ok := publisherOf(session); ok && req.Method == base.Teardown {
		p.left.Store(true)
	}
}

// OnResponse says what was wrong with a description that was not parsed.
func (r *recorder) OnResponse(conn *gortsplib.ServerConn, res *base.Response) {
	c := connOf(conn)
	if c.oversize {
		res.StatusCode, c.oversize = base.StatusRequestEntityTooLarge, false
	}
}

// OnAnnounce decides whether a stream may come, and asks the Handler.
func (r *recorder) OnAnnounce(announce *gortsplib.ServerHandlerOnAnnounceCtx) (*base.Response, error) {
	p, err := r.announce(announce)
	c := connOf(announce.Conn)
	if err == nil {
		c.refusal = nil
		announce.Session.SetUserData(p)
		return &base.Response{StatusCode: base.StatusOK}, nil
	}
	e := &Error{Step: "announce", Stream: name(announce.Path), Remote: c.Conn.RemoteAddr(), Err: err}
	c.refusal = e
	if !errors.Is(err, ErrUnauthorized) || len(announce.Request.Header["Authorization"]) > 0 { // else it is asked for its password
		r.listener.Counts.Deny()
	}
	if errors.Is(err, ErrUnauthorized) {
		announce.Conn.VerifyCredentials(announce.Request, "anyone", "") // has the library make the nonce of its 401
		return &base.Response{StatusCode: base.StatusUnauthorized}, liberrors.ErrServerAuth{}
	}
	return &base.Response{StatusCode: status(err), StatusMessage: reason(err)}, e
}

// status returns the status, RFC 2326 section 11, that tells an encoder of err.
func status(err error) base.StatusCode {
	switch {
	case errors.Is(err, errName):
		return base.StatusBadRequest
	case errors.Is(err, ErrCodec):
		return base.StatusUnsupportedMediaType
	case errors.Is(err, errTooMany):
		return base.StatusNotEnoughBandwidth
	case errors.Is(err, fs.ErrNotExist):
		return base.StatusNotFound
	case errors.Is(err, ingest.ErrPanicked):
		return base.StatusInternalServerError
	}
	return base.StatusForbidden
}

// reason returns the text of err, fit for the line that a status is sent in.
func reason(err error) string {
	const longest = 200 // bytes; some peers take no more than 255 for the line
	text := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, err.Error())
	return text[:min(len(text), longest)]
}

// OnSetup lets in one media of a stream that was announced; they are all to come, whether they are used or not.
func (r *recorder) OnSetup(setup *gortsplib.ServerHandlerOnSetupCtx) (*base.Response, *gortsplib.ServerStream, error) {
	p, ok := publisherOf(setup.Session)
	switch {
	case !ok:
		return &base.Response{StatusCode: base.StatusMethodNotValidInThisState}, nil, errNotAnnounced
	case setup.Transport == gortsplib.TransportUDP && !r.claim(p, setup.Request.Header["Transport"]):
		return &base.Response{StatusCode: base.StatusForbidden}, nil, errPorts
	}
	return &base.Response{StatusCode: base.StatusOK}, nil, nil
}

// OnRecord begins the flow of packets.
func (r *recorder) OnRecord(record *gortsplib.ServerHandlerOnRecordCtx) (*base.Response, error) {
	if p, ok := publisherOf(record.Session); ok {
		p.record()
	}
	return &base.Response{StatusCode: base.StatusOK}, nil
}

// OnSessionClose ends a stream after its last packet.
func (r *recorder) OnSessionClose(closed *gortsplib.ServerHandlerOnSessionCloseCtx) {
	p, ok := publisherOf(closed.Session)
	if !ok {
		return
	}
	r.release(p)
	p.conn.wait(false)
	if !errors.Is(closed.Error, liberrors.ErrServerSessionNotInUse{}) { // else the end of the connection will tell why
		p.endStreaming(p.conn.ended(closed.Error))
	}
}

// OnConnClose ends what a connection leaves behind: a session over UDP would live on.
func (r *recorder) OnConnClose(closed *gortsplib.ServerHandlerOnConnCloseCtx) {
	c := connOf(closed.Conn)
	c.endConnected(c.ended(closed.Error))
	p, ok := publisherOf(closed.Conn.Session())
	if ok {
		p.session.Close()
	}
	if ok || c.streamed {
		return
	}
	level, err := slog.LevelInfo, c.refusal
	if err == nil {
		if !c.Heard() && errors.Is(closed.Error, io.EOF) {
			level = slog.LevelDebug // a health check
		}
		err = &Error{Step: "announce", Remote: c.Conn.RemoteAddr(), Err: context.Cause(c.connected)}
	}
	r.log(level, "connection failed", c.Conn.RemoteAddr(), err)
}

// OnPacketsLost is nothing: unpack counts for itself.
func (r *recorder) OnPacketsLost(*gortsplib.ServerHandlerOnPacketsLostCtx) {}

// OnDecodeError counts what is no packet, or none of the stream. It is a gap for unpack.
func (r *recorder) OnDecodeError(unreadable *gortsplib.ServerHandlerOnDecodeErrorCtx) {
	if p, ok := publisherOf(unreadable.Session); ok {
		p.conn.unreadable(unreadable.Error, p.udp)
	}
}

// connOf returns which connection the library means.
func connOf(theirs *gortsplib.ServerConn) *conn { return theirs.UserData().(*conn) }

// publisherOf returns whose a session is, if its stream was announced.
func publisherOf(session *gortsplib.ServerSession) (*publisher, bool) {
	if session == nil {
		return nil, false
	}
	p, ok := session.UserData().(*publisher)
	return p, ok
}

func (r *recorder) log(level slog.Level, what string, peer net.Addr, err error) {
	r.logs.Log(r.serving, level, what, peer, "err", err)
}

// contain calls code of someone else's, or code that is fed by someone else, and makes an error of its panic.
func (r *recorder) contain(peer net.Addr, do func() error) error {
	return r.logs.Contain(r.serving, peer, do)
}
