package blobstore_test

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"strings"
	"sync"
	"testing"
	"time"
)

// A mode is what a proxy does to requests.
type mode int

const (
	pass    mode = iota
	refuse       // resets connections as they come
	hang         // takes a request, and resets its connection when the mode changes
	fail         // answers 500
	deny         // answers 403
	slow         // passes 1 MiB a second, each way
	cut          // has a request for a still served, and resets its connection in place of the answer
	damage       // has the first byte of each still that is sent arrive as another
	hide         // answers 404 to HEAD, and passes the rest
	stall        // answers no list before its client goes, and passes the rest
	protect      // answers 403 to DELETE, and passes the rest
)

func (m mode) String() string {
	return [...]string{"pass", "refuse", "hang", "fail", "deny", "slow", "cut", "damage", "hide", "stall", "protect"}[m]
}

const (
	slowTick = 16 * time.Millisecond
	slowPart = 16 << 10 // bytes each tick
)

// A proxy stands between an HTTP client and its server, and does harm on demand. It may be told so at any time, by any goroutine.
type proxy struct {
	URL  string        // for clients; their Host header reaches the server as it is, since signatures cover it
	Seen chan struct{} // has a token if a request has come since it was taken

	server    *httptest.Server
	transport *http.Transport
	forward   *httputil.ReverseProxy

	mu      sync.Mutex // of what follows
	mode    mode
	changed chan struct{} // is closed when the mode changes
	count   map[string]int
}

// newProxy returns a proxy for the server at an address as net.Dial takes it. It lasts as long as the test.
func newProxy(tb testing.TB, network, address string) *proxy {
	tb.Helper()
	p := &proxy{Seen: make(chan struct{}, 1), changed: make(chan struct{}), count: make(map[string]int)}
	p.transport = &http.Transport{
		DisableCompression: true, // the client has not asked for it
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, address)
		},
	}
	quiet := log.New(io.Discard, "", 0)
	p.forward = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = "http", "server", r.In.Host
		},
		Transport: p.transport,
		ErrorLog:  quiet,
	}
	p.server = httptest.NewUnstartedServer(p)
	p.server.Config.ErrorLog = quiet
	p.server.Listener = &resetting{p.server.Listener, p}
	p.server.Start()
	p.URL = p.server.URL
	tb.Cleanup(func() {
		p.Set(refuse)
		p.server.CloseClientConnections()
		p.server.Close()
		p.transport.CloseIdleConnections()
	})
	return p
}

// Set changes the mode for requests that come, and ends those that hang.
func (p *proxy) Set(m mode) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mode = m
	close(p.changed)
	p.changed = make(chan struct{})
}

// Count returns how many requests of a method have come, served or not.
func (p *proxy) Count(method string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.count[method]
}

func (p *proxy) now() (m mode, changed <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.mode, p.changed
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m, changed := p.now()
	p.mu.Lock()
	p.count[r.Method]++
	p.mu.Unlock()
	select {
	case p.Seen <- struct{}{}:
	default:
	}
	if (m == cut || m == damage) && strings.Contains(r.URL.Path, "/.livestill/") {
		m = pass
	}
	switch m {
	case pass:
		p.forward.ServeHTTP(w, r)
	case refuse:
		reset(w)
	case hang:
		select {
		case <-changed:
		case <-r.Context().Done():
		}
		reset(w)
	case damage:
		body := r.Body
		r.Body = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(&damaged{io.LimitReader(body, 1)}, body), body}
		p.forward.ServeHTTP(w, r)
	case hide:
		if r.Method == http.MethodHead {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		p.forward.ServeHTTP(w, r)
	case stall:
		if r.URL.Query().Has("list-type") {
			<-r.Context().Done()
			return
		}
		p.forward.ServeHTTP(w, r)
	case protect:
		if r.Method == http.MethodDelete {
			answer(w, http.StatusForbidden, "AccessDenied")
			return
		}
		p.forward.ServeHTTP(w, r)
	case fail:
		answer(w, http.StatusInternalServerError, "InternalError")
	case deny:
		answer(w, http.StatusForbidden, "AccessDenied")
	case slow:
		ticker := time.NewTicker(slowTick)
		defer ticker.Stop()
		pace := pace{ticker.C, r.Context().Done()}
		r.Body = struct {
			io.Reader
			io.Closer
		}{slowReader{r.Body, pace}, r.Body}
		p.forward.ServeHTTP(slowWriter{w, pace}, r)
	case cut:
		p.forward.ServeHTTP(httptest.NewRecorder(), r.WithContext(context.WithoutCancel(r.Context())))
		reset(w)
	}
}

// answer answers as S3 does.
func answer(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, `<?xml version="1.0" encoding="UTF-8"?><Error><Code>`+code+`</Code><Message>by the proxy</Message></Error>`)
}

// reset ends a request's connection without an answer.
func reset(w http.ResponseWriter) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		resetConn(conn)
	}
}

func resetConn(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// A damaged reader reads other bytes than are there.
type damaged struct{ io.Reader }

func (r *damaged) Read(b []byte) (int, error) {
	n, err := r.Reader.Read(b)
	for i := range b[:n] {
		b[i] ^= 1
	}
	return n, err
}

// A resetting listener resets what comes while its proxy refuses.
type resetting struct {
	net.Listener
	p *proxy
}

func (l *resetting) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if m, _ := l.p.now(); err != nil || m != refuse {
			return conn, err
		}
		resetConn(conn)
	}
}

// A pace lets slowPart bytes through each time that it waited.
type pace struct {
	tick <-chan time.Time
	gone <-chan struct{} // is closed when the client goes
}

func (p pace) wait() error {
	select {
	case <-p.tick:
		return nil
	case <-p.gone:
		return errors.New("client has gone")
	}
}

type slowReader struct {
	io.Reader
	pace
}

func (r slowReader) Read(b []byte) (int, error) {
	if err := r.wait(); err != nil {
		return 0, err
	}
	return r.Reader.Read(b[:min(len(b), slowPart)])
}

type slowWriter struct {
	http.ResponseWriter
	pace
}

func (w slowWriter) Write(b []byte) (n int, err error) {
	for len(b) > 0 && err == nil {
		if err = w.wait(); err == nil {
			var m int
			m, err = w.ResponseWriter.Write(b[:min(len(b), slowPart)])
			n, b = n+m, b[m:]
		}
	}
	return n, err
}
