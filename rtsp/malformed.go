package rtsp

import (
	"strings"

	"github.com/livestill/livestill/internal/ingest"
)

// The protocol library parses RTCP before it can be looked at. Transport-wide feedback of 44 bytes may announce 65,535 packets, and takes 4 MB
// and milliseconds before it turns out to be cut off. So what is malformed is expensive, and ends the connection when there is much of it:
// a peer that does not know better sends one every few seconds.
const (
	perMalformed = 20 // as how many messages a packet counts
	maxMalformed = 2  // packets a second, on average over ten seconds
)

// isMalformedRTCP tells whether an error of the protocol library's is of a packet of RTCP. Its parser has no type for those.
func isMalformedRTCP(err error) bool { return strings.HasPrefix(err.Error(), "rtcp: ") }

// errMalformed returns why that ends a connection.
func errMalformed() error {
	return ingest.LimitError("more than %d malformed packets of RTCP per second", maxMalformed)
}
