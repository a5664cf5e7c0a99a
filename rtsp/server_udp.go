package rtsp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"

	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/headers"
)

const serverBuffer = 8 << 20 // bytes; key pictures of several publishers come as bursts

// A pair is two sockets with consecutive ports, the first of which is even, RFC 3550 section 11.
type pair struct{ rtp, rtcp net.PacketConn }

// listenPair listens on the port in addr and on the next; if it is zero, on any two.
func listenPair(ctx context.Context, addr string) (pair, error) {
	host, service, err := net.SplitHostPort(addr)
	if err != nil {
		return pair{}, err
	}
	const tries = 100 // about half of the free ports are odd, and of few even ones the next is taken
	for range tries {
		var p pair
		if p.rtp, err = listenUDP(ctx, addr); err != nil {
			return pair{}, err
		}
		even := p.rtp.LocalAddr().(*net.UDPAddr).Port
		if p.rtcp, err = listenUDP(ctx, net.JoinHostPort(host, strconv.Itoa(even+1))); err == nil && even%2 == 0 {
			return p, nil
		}
		p.close()
		switch {
		case ctx.Err() != nil:
			return pair{}, context.Cause(ctx)
		case service == "0":
		case err != nil:
			return pair{}, err
		default:
			return pair{}, fmt.Errorf("the port in %s is not even", addr)
		}
	}
	return pair{}, errors.New("no two consecutive UDP ports are free")
}

// listenUDP listens with a larger buffer, as far as the system allows it.
func listenUDP(ctx context.Context, addr string) (net.PacketConn, error) {
	c, err := new(net.ListenConfig).ListenPacket(ctx, "udp", addr)
	if err != nil {
		return nil, err
	}
	_ = c.(*net.UDPConn).SetReadBuffer(serverBuffer)
	return c, nil
}

// take gives the sockets to the library, which asks for the addresses that they have.
func (p pair) take(_, addr string) (net.PacketConn, error) {
	if addr == p.rtp.LocalAddr().String() {
		return p.rtp, nil
	}
	return p.rtcp, nil
}

// close closes what there is, which may be closed.
func (p pair) close() {
	for _, c := range []net.PacketConn{p.rtp, p.rtcp} {
		if c != nil {
			_ = c.Close()
		}
	}
}

// A port is where a publisher sends packets from.
type port struct {
	host   string
	number int
	rtcp   bool
}

// How many ports a session may claim for each of its media, which needs two: SETUP may come again, but not for all ports of its host.
const portsPerMedia = 4

// claim notes where a media of p is to come from, according to the Transport header of its SETUP. It returns false if another session
// has that port: the library would give the other's packets to the new one.
func (r *recorder) claim(p *publisher, header base.HeaderValue) bool {
	var transports headers.Transports
	if transports.Unmarshal(header) != nil || len(p.ports) >= portsPerMedia*len(p.desc.Medias) {
		return false
	}
	for _, t := range transports {
		// The first that fits is the one that the library has taken.
		multicast := t.Delivery != nil && *t.Delivery == headers.TransportDeliveryMulticast
		if t.Protocol == headers.TransportProtocolUDP && !multicast && t.Secure == (r.server.TLSConfig != nil) && t.ClientPorts != nil {
			host := p.conn.RemoteAddr().(*net.TCPAddr).IP.String()
			return r.takePorts(p, port{host, t.ClientPorts[0], false}, port{host, t.ClientPorts[1], true})
		}
	}
	return false
}

func (r *recorder) takePorts(p *publisher, ports ...port) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, from := range ports {
		if other := r.ports[from]; other != nil && other != p {
			return false
		}
	}
	for _, from := range ports {
		r.ports[from] = p
	}
	p.ports = append(p.ports, ports...)
	return true
}

// release gives up the ports of p.
func (r *recorder) release(p *publisher) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, from := range p.ports {
		delete(r.ports, from)
	}
}
