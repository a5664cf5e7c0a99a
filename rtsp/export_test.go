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
	t, err := parseTarget(c.URL)
	if err != nil {
		return err
	}
	tcp := gortsplib.TransportTCP
	p := pull{Client: c, target: t, log: slog.New(slog.DiscardHandler), dialler: dialler{open: open}, transport: &tcp,
		timeout: defaultTimeout, connected: func() {}}
	_, err = p.run(ctx)
	return err
}
