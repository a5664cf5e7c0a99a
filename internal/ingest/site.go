package ingest

import (
	"net"
	"net/netip"
)

// siteBits is how much of an IPv6 address stands for one site: each gets a /64 at least, and may use all addresses of it, RFC 6177.
const siteBits = 64

// A Site is what limits per address count by: an IPv4 address, mapped to IPv6 or not, or the first 64 bits of an IPv6 address. The zero
// value is for peers that have no IP address, such as those of Unix sockets and pipes.
type Site struct{ addr netip.Addr }

// SiteOf returns the site of a peer.
func SiteOf(peer net.Addr) Site {
	if peer == nil {
		return Site{}
	}
	at, err := netip.ParseAddrPort(peer.String())
	if err != nil {
		return Site{}
	}
	addr := at.Addr().Unmap().WithZone("")
	if addr.Is6() {
		prefix, _ := addr.Prefix(siteBits) // fails for zones only
		addr = prefix.Addr()
	}
	return Site{addr}
}

// Known tells whether there is an address.
func (s Site) Known() bool { return s.addr.IsValid() }

func (s Site) String() string {
	if s.addr.Is6() {
		return netip.PrefixFrom(s.addr, siteBits).String()
	}
	return s.addr.String()
}
