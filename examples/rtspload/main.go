// Rtspload says what it costs to take in many live streams of 2 Mbit/s over RTSP. Cameras are pulled by rtsp.Clients, and publishers push to an
// rtsp.Server, each into a capture.Camera that remembers ten seconds. The other side plays a real clip in real time. It is a process of its
// own, so that the figures are Livestill's alone.
//
//	go run ./examples/rtspload
//	go run ./examples/rtspload -n 200 -seconds 60
package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/examples/internal/usage"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/bitstream"
	"github.com/livestill/livestill/rtsp"
	"github.com/pion/rtp"
)

var (
	streams = flag.Int("n", 50, "streams at once")
	seconds = flag.Int("seconds", 20, "how long each load is measured")
	pull    = flag.Bool("pull", false, "be the Clients of the cameras")
	push    = flag.Bool("push", false, "be the Server")
)

const (
	clipSeconds = 10
	rate        = 30               // pictures a second
	cameraAddr  = "127.0.0.1:9554" // below the ports that are taken by chance
)

func main() {
	flag.Parse()
	log.SetFlags(log.Ltime)
	run := measure
	if *push || *pull {
		run = take
	}
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

// measure puts each load on a process of its own.
func measure(ctx context.Context) error {
	log.Print("encoding a clip")
	clip, err := encode(ctx)
	if err != nil {
		return err
	}
	table := fmt.Sprintf("%-30s %8s %6s %9s %9s %9s\n", "", "units", "lost", "CPU", "peak RSS", "load CPU")
	for _, load := range []struct {
		name string
		put  func(ctx context.Context, clip [][][]byte, udp bool) (report string, err error)
	}{{"cameras pulled", beCameras}, {"publishers", bePublishers}} {
		for _, transport := range []string{"TCP", "UDP"} {
			name := fmt.Sprintf("%d %s over %s", *streams, load.name, transport)
			log.Print(name)
			begin, before := time.Now(), usage.CPU()
			ctx, cancel := context.WithCancel(ctx)
			row, err := load.put(ctx, clip, transport == "UDP")
			cancel()
			if err != nil {
				return err
			}
			table += fmt.Sprintf("%-30s %s %9s\n", name, row, share(usage.CPU()-before, begin))
		}
	}
	fmt.Print("\n", table, "CPU in per cent of one core; lost are units that are missing or damaged.\n")
	return nil
}

// encode returns the access units of a clip, each as its NAL units.
func encode(ctx context.Context) (units [][][]byte, err error) {
	cmd := exec.CommandContext(ctx, "ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi",
		"-i", fmt.Sprintf("testsrc2=s=1280x720:r=%d:d=%d,noise=alls=8:allf=t", rate, clipSeconds), "-c:v", "libx264", "-preset", "veryfast",
		"-tune", "zerolatency", "-pix_fmt", "yuv420p", "-g", fmt.Sprint(2*rate), "-sc_threshold", "0",
		"-b:v", "2M", "-maxrate", "2M", "-bufsize", "2M", "-x264-params", "aud=1:sliced-threads=0", "-f", "h264", "-")
	cmd.Stderr = os.Stderr
	clip, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	log.Printf("it has %.2f Mbit/s", float64(len(clip))*8/1e6/clipSeconds)
	for _, unit := range bytes.Split(clip, []byte{0, 0, 0, 1, 9})[1:] { // a delimiter begins each
		units = append(units, bitstream.SplitAnnexB(nil, unit))
	}
	return units, nil
}

// beCameras serves cameras to Clients in a process of their own, and returns what that reports.
func beCameras(ctx context.Context, clip [][][]byte, udp bool) (report string, err error) {
	c := make(cameras)
	s := &gortsplib.Server{Handler: c, RTSPAddress: cameraAddr, WriteQueueSize: 1024}
	if udp {
		s.UDPRTPAddress, s.UDPRTCPAddress = "127.0.0.1:9556", "127.0.0.1:9557"
	}
	if err := s.Start(); err != nil {
		return "", err
	}
	defer s.Close()
	for i := range *streams {
		media, h264 := video()
		stream := &gortsplib.ServerStream{Server: s, Desc: &description.Session{Medias: []*description.Media{media}}}
		if err := stream.Initialize(); err != nil {
			return "", err
		}
		c[fmt.Sprint("/", i)] = stream
		go play(ctx, clip, h264, func(p *rtp.Packet) error { return stream.WritePacketRTP(media, p) })
	}
	return start(ctx, "-pull", nil)
}

// Cameras are the streams that the protocol library serves, by path.
type cameras map[string]*gortsplib.ServerStream

func (c cameras) find(path string) (*base.Response, *gortsplib.ServerStream, error) {
	if s, ok := c[path]; ok {
		return &base.Response{StatusCode: base.StatusOK}, s, nil
	}
	return &base.Response{StatusCode: base.StatusNotFound}, nil, fmt.Errorf("no camera %s", path)
}

func (c cameras) OnDescribe(r *gortsplib.ServerHandlerOnDescribeCtx) (*base.Response, *gortsplib.ServerStream, error) {
	return c.find(r.Path)
}

func (c cameras) OnSetup(r *gortsplib.ServerHandlerOnSetupCtx) (*base.Response, *gortsplib.ServerStream, error) {
	return c.find(r.Path)
}

func (c cameras) OnPlay(r *gortsplib.ServerHandlerOnPlayCtx) (*base.Response, error) {
	response, _, err := c.find(r.Path)
	return response, err
}

// bePublishers publishes to a Server in a process of its own, and returns what that reports.
func bePublishers(ctx context.Context, clip [][][]byte, udp bool) (report string, err error) {
	transport := gortsplib.TransportTCP
	if udp {
		transport = gortsplib.TransportUDP
	}
	return start(ctx, "-push", func(addr string) error {
		for i := range *streams {
			media, h264 := video()
			c := &gortsplib.Client{Transport: &transport, WriteQueueSize: 1024}
			if err := c.StartRecording(fmt.Sprint("rtsp://", addr, "/", i), &description.Session{Medias: []*description.Media{media}}); err != nil {
				return err
			}
			go func() {
				play(ctx, clip, h264, func(p *rtp.Packet) error { return c.WritePacketRTP(media, p) })
				c.Close()
			}()
		}
		return nil
	})
}

func video() (*description.Media, *format.H264) {
	f := &format.H264{PayloadTyp: 96, PacketizationMode: 1}
	return &description.Media{Type: description.MediaTypeVideo, Formats: []format.Format{f}}, f
}

// play sends the clip over and over in real time. It begins at any time of a GOP, so that the key pictures of the streams do not all
// come at once.
func play(ctx context.Context, clip [][][]byte, f *format.H264, send func(*rtp.Packet) error) {
	packer, err := f.CreateEncoder()
	begin := time.Now().Add(rand.N(2 * time.Second))
	for n := 0; err == nil && ctx.Err() == nil; n++ { // the other side tells of errors
		time.Sleep(time.Until(begin.Add(time.Duration(n) * time.Second / rate))) // real time is what is played in
		var packets []*rtp.Packet
		packets, err = packer.Encode(clip[n%len(clip)])
		for _, p := range packets {
			p.Timestamp = uint32(n * 90000 / rate)
			err = cmp.Or(err, send(p))
		}
	}
}

// start runs this program as the process that takes in streams, calls ready, if any, with the first line that it prints, and returns
// its last, the report.
func start(ctx context.Context, role string, ready func(addr string) error) (report string, err error) {
	self, err1 := os.Executable()
	cmd := exec.CommandContext(ctx, self, role, "-n", fmt.Sprint(*streams), "-seconds", fmt.Sprint(*seconds))
	cmd.Stderr = os.Stderr
	out, err2 := cmd.StdoutPipe()
	if err := errors.Join(err1, err2, cmd.Start()); err != nil {
		return "", err
	}
	for lines := bufio.NewScanner(out); lines.Scan() && err == nil; {
		if report = lines.Text(); ready != nil {
			err, ready = ready(report), nil
		}
	}
	if err != nil {
		_ = cmd.Process.Kill()
	}
	return report, errors.Join(err, cmd.Wait())
}

// take takes in streams and prints, after all of them have lived for a while, what came and what that cost.
func take(ctx context.Context) error {
	slog.SetLogLoggerLevel(slog.LevelWarn)
	m := &meter{ready: make(chan struct{})}
	if *push {
		ln, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		s := &rtsp.Server{Handler: m, UDPAddr: "127.0.0.1:0", MaxConns: 2 * *streams, MaxConnsPerAddr: -1, MaxStreams: *streams}
		go func() { log.Print(s.Serve(ctx, ln)) }()
		fmt.Println(ln.Addr())
	} else {
		for i := range *streams {
			c := &rtsp.Client{URL: fmt.Sprint("rtsp://", cameraAddr, "/", i), Handler: m}
			go func() { log.Print(c.Run(ctx)) }()
		}
	}
	<-m.ready
	log.Print("all streams have begun")
	m.on.Store(true)
	begin, before := time.Now(), usage.CPU()
	time.Sleep(time.Duration(*seconds) * time.Second) // for as long as it is asked to measure
	m.on.Store(false)
	used := share(usage.CPU()-before, begin)
	status, err := os.ReadFile("/proc/self/status")
	_, rest, _ := strings.Cut(string(status), "\nVmHWM:")
	peak := 0 // KiB, the most memory that the process ever took
	_, _ = fmt.Sscan(rest, &peak)
	fmt.Printf("%8d %6d %9s %5d MiB\n", m.units, m.lost, used, peak>>10)
	return err
}

// A meter counts units on their way to Cameras, one for each stream.
type meter struct {
	ready chan struct{} // closed when all streams have begun
	on    atomic.Bool

	mu                sync.Mutex
	live, units, lost int
}

// ServeStream is a frame.Handler.
func (m *meter) ServeStream(ctx context.Context, s *frame.Stream) error {
	counted := *s
	counted.Units = func(yield func(frame.AccessUnit, error) bool) {
		due := time.Duration(-1) // presentation time of the next unit
		for u, err := range s.Units {
			if err == nil {
				m.count(u, due)
				due = u.PTS + time.Second/rate
			}
			if !yield(u, err) {
				return
			}
		}
	}
	return new(capture.Camera).ServeStream(ctx, &counted)
}

func (m *meter) count(u frame.AccessUnit, due time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if due < 0 {
		if m.live++; m.live == *streams {
			close(m.ready)
		}
	} else if m.on.Load() {
		m.units++
		m.lost += int((u.PTS - due + time.Millisecond) * rate / time.Second) // those that are missing between
		if u.Lost {
			m.lost++
		}
	}
}

func share(d time.Duration, begin time.Time) string {
	return fmt.Sprintf("%.1f %%", 100*d.Seconds()/time.Since(begin).Seconds())
}
