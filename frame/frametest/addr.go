package frametest

import (
	"fmt"
	"math/rand/v2"
	"net"
	"testing"
)

// FreeAddr returns an address of the loopback interface that nothing listens on, for a server that comes later, or again. Its port is none
// of those that systems give to whoever asks for any, so that nobody is given it meanwhile.
func FreeAddr(tb testing.TB) string {
	tb.Helper()
	const from, to = 10000, 20000 // Linux gives those from 32768 on
	for {
		addr := fmt.Sprintf("127.0.0.1:%d", from+rand.IntN(to-from))
		if ln, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", addr); err == nil {
			_ = ln.Close()
			return addr
		}
	}
}
