package e2e_test

import (
	"bytes"
	"image"
	"image/jpeg"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/pion/rtp"

	"github.com/livestill/livestill/frame/frametest"
	"github.com/livestill/livestill/internal/peer"
	"github.com/livestill/livestill/rtsp"
)

// A relay is an RTSP server: what one session records, others play.
type relay struct {
	gortsplib.Server
	addr   string
	stream atomic.Pointer[gortsplib.ServerStream]
	live   chan struct{} // closed when there is something to play
	locked bool          // no password is right
}

// listen has the relay serve until the test ends.
func (r *relay) listen(t *testing.T) {
	t.Helper()
	r.live = make(chan struct{})
	r.Handler, r.RTSPAddress = r, "127.0.0.1:0"
	r.ReadTimeout, r.WriteTimeout, r.WriteQueueSize = ample, ample, 8192 // packets: a busy machine drops none
	r.Listen = func(network, addr string) (net.Listener, error) {
		ln, err := (&net.ListenConfig{}).Listen(t.Context(), network, addr)
		if err == nil {
			r.addr = ln.Addr().String()
		}
		return ln, err
	}
	if err := r.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if s := r.stream.Load(); s != nil {
			s.Close()
		}
		r.Close()
	})
}

func (r *relay) OnAnnounce(c *gortsplib.ServerHandlerOnAnnounceCtx) (*base.Response, error) {
	stream := &gortsplib.ServerStream{Server: &r.Server, Desc: c.Description}
	if err := stream.Initialize(); err != nil {
		return nil, err
	}
	r.stream.Store(stream)
	return &base.Response{StatusCode: base.StatusOK}, nil
}

func (r *relay) OnDescribe(*gortsplib.ServerHandlerOnDescribeCtx) (*base.Response, *gortsplib.ServerStream, error) {
	if r.locked {
		ask := base.Header{"WWW-Authenticate": base.HeaderValue{`Basic realm="camera"`}}
		return &base.Response{StatusCode: base.StatusUnauthorized, Header: ask}, nil, nil
	}
	return &base.Response{StatusCode: base.StatusOK}, r.stream.Load(), nil
}

func (r *relay) OnSetup(c *gortsplib.ServerHandlerOnSetupCtx) (*base.Response, *gortsplib.ServerStream, error) {
	if c.Session.State() == gortsplib.ServerSessionStatePreRecord {
		return &base.Response{StatusCode: base.StatusOK}, nil, nil
	}
	return &base.Response{StatusCode: base.StatusOK}, r.stream.Load(), nil
}

func (r *relay) OnPlay(*gortsplib.ServerHandlerOnPlayCtx) (*base.Response, error) {
	return &base.Response{StatusCode: base.StatusOK}, nil
}

func (r *relay) OnRecord(c *gortsplib.ServerHandlerOnRecordCtx) (*base.Response, error) {
	stream := r.stream.Load()
	c.Session.OnPacketRTPAny(func(m *description.Media, _ format.Format, p *rtp.Packet) { _ = stream.WritePacketRTP(m, p) })
	close(r.live)
	return &base.Response{StatusCode: base.StatusOK}, nil
}

// TestSnapshotExample runs README's first program, as a user would.
func TestSnapshotExample(t *testing.T) {
	peer.Needs(t, "go")
	program := filepath.Join(t.TempDir(), "snapshot")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "../../examples/snapshot").CombinedOutput(); err != nil {
		t.Fatal(err, string(out))
	}
	run := func(t *testing.T, url string) (dir string, out []byte, err error) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), program, url)
		cmd.Dir = t.TempDir()
		out, err = cmd.CombinedOutput()
		return cmd.Dir, out, err
	}

	t.Run("captures", func(t *testing.T) {
		var r relay
		r.listen(t)
		url := "rtsp://" + r.addr + "/cam"
		frametest.Run(t, "-re", "-stream_loop", "-1", "-i", frametest.Clip{}.File(t), "-c", "copy", "-f", "rtsp", "-rtsp_transport", "tcp", url)
		<-r.live
		dir, out, err := run(t, url)
		for err != nil {
			if !bytes.Contains(out, []byte(rtsp.ErrSilent.Error())) { // within ten seconds, which a busy machine may need
				t.Fatal(err, string(out))
			}
			dir, out, err = run(t, url)
		}
		file, err := os.ReadFile(filepath.Join(dir, "still.jpg"))
		if err != nil {
			t.Fatal(err)
		}
		img, err := jpeg.Decode(bytes.NewReader(file))
		if err != nil {
			t.Fatal(err)
		}
		if n, ok := frametest.Read(img.(*image.YCbCr)); !ok || n%30 != 0 {
			t.Errorf("the file shows frame %d, %v; want the first that decodes, a key picture", n, ok)
		}
	})

	t.Run("says that the password is wrong", func(t *testing.T) {
		r := relay{locked: true}
		r.listen(t)
		_, out, err := run(t, "rtsp://user:wrong@"+r.addr+"/cam")
		if err == nil || !bytes.Contains(out, []byte(rtsp.ErrUnauthorized.Error())) {
			t.Errorf("%v: %s", err, out)
		}
	})

	t.Run("says that nobody listens", func(t *testing.T) {
		_, out, err := run(t, "rtsp://"+frametest.FreeAddr(t)+"/cam")
		if err == nil || !bytes.Contains(out, []byte("connection refused")) {
			t.Errorf("%v: %s", err, out)
		}
	})
}
