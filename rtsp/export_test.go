package rtsp

import (
	"context"
	"log/slog"
	"net"

	"github.com/bluenviron/gortsplib/v4"
)

// Mend makes a description that the library refuses one that it takes.
func Mend(body []byte) (mended []byte, ok bool) { return mend(body) }

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
		timeout: defaultTimeout, connected: func() {}}
	_, err = p.run(ctx)
	return err
}
