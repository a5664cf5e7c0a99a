package rtmp

import (
	"context"
	"log/slog"
	"net"
	"time"

	"github.com/livestill/livestill/internal/ingest"
)

// Play has the Client play over the connection, once.
func (c *Client) Play(ctx context.Context, conn net.Conn, timeout time.Duration) error {
	t, err := parseAddress(c.URL)
	if err != nil {
		return err
	}
	in := ingest.NewConn(conn)
	defer closeWith(ctx, in)()
	p := pull{Client: c, at: t, log: slog.New(slog.DiscardHandler), connected: func() {}}
	_, err = p.play(ctx, in, in, time.Now().Add(timeout), timeout)
	return err
}
