package rtsp

import (
	"context"
	"log/slog"
	"net"
	"time"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/base"

	"github.com/livestill/livestill/rtsp/internal/digest"
	"github.com/livestill/livestill/rtsp/internal/mend"
)

// Mend makes a description that the library refuses one that it takes.
func Mend(body []byte) (mended []byte, ok bool) { return mend.Description(body, isTaken) }

// RunOver is Run over connections that are opened like this.
func (c *Client) RunOver(ctx context.Context, open func(ctx context.Context, network, addr string) (net.Conn, error)) error {
	return c.run(ctx, open)
}

// ServeWithin is Serve with a bound of its own for what is under way, in bytes.
func (s *Server) ServeWithin(ctx context.Context, ln net.Listener, underWay int64) error {
	return s.serve(ctx, ln, underWay)
}

// ParseAddress reads the URL of a stream and returns how an error says where that is.
func ParseAddress(url string) (shown string, err error) {
	a, err := parseAddress(url)
	if err != nil {
		return "", err
	}
	return a.fail("play", ErrSilent).Error(), nil
}

// Pull has the Client pull once over TCP, by connections that are opened like this.
func (c *Client) Pull(ctx context.Context, open func(ctx context.Context, network, addr string) (net.Conn, error)) error {
	a, err := parseAddress(c.URL)
	if err != nil {
		return err
	}
	tcp := gortsplib.TransportTCP
	p := pull{Client: c, address: a, log: slog.New(slog.DiscardHandler), dialler: dialler{open: open}, transport: &tcp,
		timeout: defaultTimeout, connected: func() {}, credentials: digest.Credentials{User: a.url.User}}
	_, err = p.run(ctx)
	return err
}

// Exchange has a Client ask for something, look at the answer, and ask again.
func Exchange(u *base.URL, method base.Method, transport string, res *base.Response) (again *base.Request) {
	p := pull{Client: new(Client), log: slog.New(slog.DiscardHandler), conn: new(gortsplib.Client), credentials: digest.Credentials{User: u.User},
		silence: time.NewTimer(defaultTimeout)}
	defer p.silence.Stop()
	request := func() *base.Request {
		return &base.Request{Method: method, URL: u, Header: base.Header{"CSeq": base.HeaderValue{"2"}, "Transport": base.HeaderValue{transport}}}
	}
	p.ask(request())
	p.answer(res)
	again = request()
	p.ask(again)
	return again
}
