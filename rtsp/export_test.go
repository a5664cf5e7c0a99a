package rtsp

import (
	"context"
	"log/slog"
	"net"

	"github.com/bluenviron/gortsplib/v4"
)

// Mend makes a description that the library refuses one that it takes.
func Mend(body []byte) (mended []byte, ok bool) { return mend(body) }

// DialWith has the Client connect to servers in another way.
func (c *Client) DialWith(dial func(ctx context.Context, network, addr string) (net.Conn, error)) {
	c.dial = dial
}

// ParseTarget reads the URL of a stream and returns how an error says where that is.
func ParseTarget(url string) (shown string, err error) {
	t, err := parseTarget(url)
	if err != nil {
		return "", err
	}
	return t.fail("play", ErrSilent).Error(), nil
}

// Pull has the Client pull once over TCP, by connections that are opened like this.
func (c *Client) Pull(ctx context.Context, open func(ctx context.Context, network, addr string) (net.Conn, error)) error {
	c.dial = open
	t, err := parseTarget(c.URL)
	if err != nil {
		return err
	}
	tcp := gortsplib.TransportTCP
	p := pull{Client: c, target: t, log: slog.New(slog.DiscardHandler), transport: &tcp, connected: func() {}}
	return p.run(ctx)
}
