package rtsp_test

import (
	"bytes"
	"context"
	"net"
	"os/exec"
	"strconv"
	"sync"
	"testing"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/bluenviron/gortsplib/v4/pkg/liberrors"
	"github.com/livestill/livestill/frame/frametest"
	"github.com/livestill/livestill/internal/peer"
	"github.com/pion/rtp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A server is a real RTSP server: what one session records, the others play. A player asks for cam.
type server struct {
	password string // of the user "me", for players; empty lets all in
	redirect string // where players are sent instead

	// pass decides which packets go to players, which play over the given transports; nil passes all.
	pass func(p *rtp.Packet, players []gortsplib.Transport) bool

	gortsplib.Server
	addr string // host:port, once it is started

	mu        sync.Mutex
	stream    *gortsplib.ServerStream
	publisher *gortsplib.ServerSession
	players   map[*gortsplib.ServerSession]gortsplib.Transport
	played    []gortsplib.Transport    // by all players so far
	live      chan struct{}            // something is recorded
	left      chan gortsplib.Transport // of players that left
}

// start starts s, over UDP too if udp is set, on addr or any free one if that is empty; it is stopped when the test ends.
func (s *server) start(t *testing.T, addr string, udp bool) {
	t.Helper()
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	s.live, s.left = make(chan struct{}, 1), make(chan gortsplib.Transport, 100)
	s.players = make(map[*gortsplib.ServerSession]gortsplib.Transport)
	s.Handler, s.RTSPAddress, s.WriteQueueSize = s, addr, 8192 // packets: a busy machine drops none
	s.ReadTimeout, s.WriteTimeout = ample, ample
	s.Listen = func(network, addr string) (net.Listener, error) {
		ln, err := (&net.ListenConfig{}).Listen(t.Context(), network, addr)
		if err == nil {
			s.addr = ln.Addr().String()
		}
		return ln, err
	}
	err := errNoPorts
	for port := 21000; err != nil && port < 21200; port += 2 {
		if udp {
			s.UDPRTPAddress = "127.0.0.1:" + strconv.Itoa(port)
			s.UDPRTCPAddress = "127.0.0.1:" + strconv.Itoa(port+1)
		}
		err = s.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.stop)
}

// url is where the stream is, for those who need no password.
func (s *server) url() string {
	if s.TLSConfig != nil {
		return "rtsps://" + s.addr + "/cam"
	}
	return "rtsp://" + s.addr + "/cam"
}

// stop may be called more than once.
func (s *server) stop() {
	s.mu.Lock()
	stream := s.stream
	s.stream = nil
	s.mu.Unlock()
	if stream != nil {
		stream.Close()
	}
	s.Close()
}

// publish starts a real ffmpeg that publishes the clip over and over, in real time, until it is killed, at the end of the test at
// the latest. It returns when the stream can be played.
func (s *server) publish(t *testing.T, clip frametest.Clip) (kill func()) {
	t.Helper()
	return s.run(t, "-re", "-stream_loop", "-1", "-i", clip.File(t), "-c", "copy")
}

// run is publish with arguments of ffmpeg's, which say what to publish.
func (s *server) run(t *testing.T, args ...string) (kill func()) {
	t.Helper()
	peer.Needs(t, "ffmpeg")
	ctx, cancel := context.WithCancel(context.Background())
	args = append([]string{"-nostdin", "-v", "error"}, args...)
	cmd := exec.CommandContext(ctx, "ffmpeg", append(args,
		"-f", "rtsp", "-rtsp_transport", "tcp", "-pkt_size", "1200", s.url())...) // leaves room for SRTP
	var output bytes.Buffer
	cmd.Stderr = &output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(exited)
	}()
	kill = func() {
		cancel()
		<-exited
	}
	t.Cleanup(kill)
	select {
	case <-s.live:
	case <-exited:
		t.Fatalf("ffmpeg: %s", output.Bytes())
	}
	return kill
}

// offer makes the server offer medias to which nothing is ever published.
func (s *server) offer(t *testing.T, medias ...*description.Media) {
	t.Helper()
	s.stream = &gortsplib.ServerStream{Server: &s.Server, Desc: &description.Session{Medias: medias}}
	if err := s.stream.Initialize(); err != nil {
		t.Fatal(err)
	}
}

func (s *server) OnAnnounce(c *gortsplib.ServerHandlerOnAnnounceCtx) (*base.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.publisher = c.Session
	s.stream = &gortsplib.ServerStream{Server: &s.Server, Desc: c.Description}
	return &base.Response{StatusCode: base.StatusOK}, s.stream.Initialize()
}

func (s *server) OnDescribe(c *gortsplib.ServerHandlerOnDescribeCtx) (*base.Response, *gortsplib.ServerStream, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.redirect != "":
		return &base.Response{StatusCode: base.StatusFound, Header: base.Header{"Location": {s.redirect}}}, nil, nil
	case s.password != "" && !c.Conn.VerifyCredentials(c.Request, "me", s.password):
		return &base.Response{StatusCode: base.StatusUnauthorized}, nil, liberrors.ErrServerAuth{}
	case s.stream == nil || c.Path != "/cam":
		return &base.Response{StatusCode: base.StatusNotFound}, nil, nil
	}
	return &base.Response{StatusCode: base.StatusOK}, s.stream, nil
}

func (s *server) OnSetup(c *gortsplib.ServerHandlerOnSetupCtx) (*base.Response, *gortsplib.ServerStream, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case c.Session.State() == gortsplib.ServerSessionStatePreRecord:
		return &base.Response{StatusCode: base.StatusOK}, nil, nil
	case s.stream == nil:
		return &base.Response{StatusCode: base.StatusNotFound}, nil, nil
	}
	return &base.Response{StatusCode: base.StatusOK}, s.stream, nil
}

func (s *server) OnPlay(c *gortsplib.ServerHandlerOnPlayCtx) (*base.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.players[c.Session] = *c.Session.SetuppedTransport()
	s.played = append(s.played, s.players[c.Session])
	return &base.Response{StatusCode: base.StatusOK}, nil
}

func (s *server) OnRecord(c *gortsplib.ServerHandlerOnRecordCtx) (*base.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	stream := s.stream
	c.Session.OnPacketRTPAny(func(m *description.Media, _ format.Format, p *rtp.Packet) {
		if s.passes(p) {
			_ = stream.WritePacketRTP(m, p)
		}
	})
	s.live <- struct{}{}
	return &base.Response{StatusCode: base.StatusOK}, nil
}

func (s *server) passes(p *rtp.Packet) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	var players []gortsplib.Transport
	for _, transport := range s.players {
		players = append(players, transport)
	}
	return s.pass == nil || s.pass(p, players)
}

func (s *server) OnSessionClose(c *gortsplib.ServerHandlerOnSessionCloseCtx) {
	s.mu.Lock()
	stream := s.stream
	if c.Session == s.publisher {
		s.stream = nil
	} else {
		stream = nil
	}
	if transport, ok := s.players[c.Session]; ok {
		delete(s.players, c.Session)
		s.left <- transport
	}
	s.mu.Unlock()
	if stream != nil {
		stream.Close()
	}
}
