package e2e_test

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// What befalls a packet on a lossy path.
type mishap int

const (
	drop      mishap = iota
	duplicate        // at once, or a few packets later
	reorder          // it comes a few packets later
	corrupt          // the network's checksum does not see it: in memory before it was sent, say
	mixed            // any of these
)

func (m mishap) String() string {
	return [...]string{"drop", "duplicate", "reorder", "corrupt", "mixed"}[m]
}

// A lossy path stands between a publisher that records over UDP and an RTSP server. It serves one connection. To both sides it
// shows a pair of ports of its own, and to a share of the RTP packets its mishap befalls. The first packet is spared, since
// presentation times are counted from it.
type lossy struct {
	mishap mishap
	share  float64
	random *rand.Rand
	url    string // for the publisher, to which a name is added

	mu                sync.Mutex
	publisher, server [2]netip.AddrPort // RTP and RTCP
	sent, hit         int
	late              []latePacket
}

type latePacket struct {
	data []byte
	wait int // for so many packets
}

// start lets the path begin between a free port and the server's address, until the test ends.
func (l *lossy) start(t *testing.T, server string) {
	t.Helper()
	var lc net.ListenConfig
	ln, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ports, first := pair(t)
	l.url = "rtsp://" + ln.Addr().String() + "/"
	var all sync.WaitGroup
	all.Go(func() {
		a, err := ln.Accept()
		if err != nil {
			return // nobody came
		}
		defer func() { _ = a.Close() }()
		b, err := new(net.Dialer).DialContext(t.Context(), "tcp", server)
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = b.Close() }()
		back := make(chan bool)
		go func() {
			defer close(back)
			defer func() { _ = a.Close() }()
			l.pass(a, b, "server_port", &l.server, first)
		}()
		l.pass(b, a, "client_port", &l.publisher, first)
		_ = b.Close()
		<-back
	})
	for i, port := range ports {
		all.Go(func() { l.packets(port, i) })
	}
	t.Cleanup(func() {
		_ = ln.Close()
		for _, p := range ports {
			_ = p.Close()
		}
		all.Wait()
	})
}

// pair returns sockets on an even port and the one after it.
func pair(t *testing.T) (ports [2]*net.UDPConn, first int) {
	t.Helper()
	for range 100 {
		for i := range ports {
			addr := &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}
			if i > 0 {
				addr.Port = first + 1
			}
			port, err := net.ListenUDP("udp", addr)
			if err != nil {
				break
			}
			if ports[i] = port; i > 0 {
				return ports, first
			}
			if first = port.LocalAddr().(*net.UDPAddr).Port; first%2 != 0 {
				break
			}
		}
		_ = ports[0].Close()
	}
	t.Fatal("no pair of ports is free")
	return ports, 0
}

var transportPorts = regexp.MustCompile(`(client_port|server_port)=(\d+)-(\d+)`)

// pass hands on RTSP messages. The named ports in their Transport headers are those of src's side; dst is told ours.
func (l *lossy) pass(dst io.Writer, src io.Reader, name string, ports *[2]netip.AddrPort, ours int) {
	r := bufio.NewReader(src)
	size := int64(0)
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		key, value, _ := strings.Cut(strings.TrimRight(line, "\r\n"), ":")
		switch strings.ToLower(key) {
		case "content-length":
			size, _ = strconv.ParseInt(strings.TrimSpace(value), 10, 64)
		case "transport":
			line = transportPorts.ReplaceAllStringFunc(line, func(s string) string {
				m := transportPorts.FindStringSubmatch(s)
				l.mu.Lock()
				defer l.mu.Unlock()
				for i := range ports {
					if port, _ := strconv.Atoi(m[2+i]); m[1] == name {
						ports[i] = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(port))
					}
				}
				return fmt.Sprintf("%s=%d-%d", m[1], ours, ours+1)
			})
		}
		if _, err := io.WriteString(dst, line); err != nil {
			return
		}
		if key == "" { // the end of the header
			if _, err := io.CopyN(dst, r, size); err != nil {
				return
			}
			size = 0
		}
	}
}

// packets hands on what comes to one of our ports. Answers come only to the second.
func (l *lossy) packets(port *net.UDPConn, i int) {
	buf := make([]byte, 64<<10)
	for {
		n, from, err := port.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		l.mu.Lock()
		to, arrive := l.server[i], [][]byte{buf[:n]}
		switch {
		case from.Port() == to.Port():
			to = l.publisher[i]
		case i == 0:
			arrive = l.befall(slices.Clone(buf[:n]))
		}
		l.mu.Unlock()
		for _, p := range arrive {
			_, _ = port.WriteToUDPAddrPort(p, to)
		}
	}
}

// befall returns what arrives when p was sent. The lock is held.
func (l *lossy) befall(p []byte) (arrive [][]byte) {
	const furthest = 6 // packets that one can come late
	l.sent++
	if l.sent == 1 || l.random.Float64() >= l.share {
		arrive = append(arrive, p)
	} else {
		l.hit++
		m := l.mishap
		if m == mixed {
			m = mishap(l.random.IntN(int(mixed)))
		}
		late := latePacket{p, 1 + l.random.IntN(furthest)}
		switch m {
		case duplicate:
			arrive = append(arrive, p)
			if late.wait--; late.wait == 0 {
				arrive = append(arrive, p)
			} else {
				l.late = append(l.late, late)
			}
		case reorder:
			l.late = append(l.late, late)
			return nil
		case corrupt:
			flip(l.random, p)
			arrive = append(arrive, p)
		default:
		}
	}
	l.late = slices.DeleteFunc(l.late, func(h latePacket) bool { return h.wait == 0 })
	for i := range l.late {
		if l.late[i].wait--; l.late[i].wait == 0 {
			arrive = append(arrive, l.late[i].data)
		}
	}
	return arrive
}

// flip damages a packet: some bits, some bytes, or a stretch; of its payload, or in one of sixteen cases of its header too.
func flip(r *rand.Rand, p []byte) {
	const header = 12
	if r.IntN(16) != 0 && len(p) > header {
		p = p[header:]
	}
	at := r.IntN(len(p))
	switch r.IntN(3) {
	case 0:
		for range 1 + r.IntN(3) {
			p[r.IntN(len(p))] ^= 1 << r.IntN(8)
		}
	case 1:
		for i := at; i < min(at+1+r.IntN(8), len(p)); i++ {
			p[i] ^= byte(1 + r.IntN(255))
		}
	default:
		for i := at; i < min(at+32+r.IntN(256), len(p)); i++ {
			p[i] = byte(r.Uint32())
		}
	}
}
