package rtmp

import (
	"context"
	"log/slog"
	"net"
	"time"
)

// Play has the Client play over the connection, once.
func (c *Client) Play(ctx context.Context, conn net.Conn, timeout time.Duration) error {
	t, err := parseTarget(c.URL)
	if err != nil {
		return err
	}
	defer closeWith(ctx, conn)()
	p := pull{Client: c, at: t, log: slog.New(slog.DiscardHandler), connected: func() {}}
	return p.play(ctx, conn, time.Now().Add(timeout), timeout)
}
