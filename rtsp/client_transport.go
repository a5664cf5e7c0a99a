package rtsp

import (
	"fmt"

	"github.com/bluenviron/gortsplib/v4"
)

// A Transport is how the packets of video come to a Client.
type Transport int

// The Transports there are. Multicast is never used unless it is asked for, since many networks either lose it or send it to all;
// it is received on the interface that leads to the server. TLS goes with UDP and Multicast only if the server offers SRTP.
const (
	// Automatic is UDP, or TCP if the server or the network between wants
	// it so, or if TLS does.
	Automatic Transport = iota
	UDP
	TCP

	// Multicast is UDP to all who ask for it at once. Packets wait in a
	// buffer of the system's default size.
	Multicast
)

func (t Transport) String() string {
	switch t {
	case Automatic:
		return "UDP or TCP"
	case UDP:
		return "UDP"
	case TCP:
		return "TCP"
	case Multicast:
		return "UDP multicast"
	}
	return fmt.Sprintf("Transport(%d)", int(t))
}

// protocol returns what the protocol library calls t; nil lets it choose.
func (t Transport) protocol() (*gortsplib.Transport, error) {
	var p gortsplib.Transport
	switch t {
	case Automatic:
		return nil, nil
	case UDP:
		p = gortsplib.TransportUDP
	case TCP:
		p = gortsplib.TransportTCP
	case Multicast:
		p = gortsplib.TransportUDPMulticast
	default:
		return nil, fmt.Errorf("there is no %v", t)
	}
	return &p, nil
}
