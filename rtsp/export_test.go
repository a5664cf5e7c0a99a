package rtsp

import (
	"context"
	"net"
)

// Mend makes a description that the library refuses one that it takes.
func Mend(body []byte) (mended []byte, ok bool) { return mend(body) }

// DialWith has the Client connect to servers in another way.
func (c *Client) DialWith(dial func(ctx context.Context, network, addr string) (net.Conn, error)) {
	c.dial = dial
}
