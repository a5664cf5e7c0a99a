//go:build obs

package e2e_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/websocket"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/frametest"
)

// An obs is a real OBS on a screen that nobody sees. It is told what to do by its WebSocket, protocol version 5.
type obs struct {
	t       *testing.T
	process *os.Process
	conn    *websocket.Conn
	asked   int
	log     func() string
}

// inOBS is ten seconds that OBS plays, again and again.
var inOBS = frametest.Clip{Frames: 300, Noise: 25}

// startOBS starts OBS with a scene that is the clip, and has it publish to where, when it is told to.
func startOBS(t *testing.T, where string) *obs {
	t.Helper()
	home, port := t.TempDir(), frametest.FreeAddr(t)
	_, port, _ = strings.Cut(port, ":")
	server, key := filepath.Split(where)
	for path, text := range map[string]string{
		"global.ini": "[General]\nFirstRun=true\nInfoIncrement=99\n[Basic]\nProfile=P\nProfileDir=P\nSceneCollection=S\nSceneCollectionFile=S\n" +
			"[OBSWebSocket]\nFirstLoad=false\nServerEnabled=true\nAuthRequired=false\nAlertsEnabled=false\nServerPort=" + port + "\n",
		"basic/profiles/P/basic.ini": "[General]\nName=P\n[Output]\nMode=Simple\n[SimpleOutput]\nVBitrate=8000\nStreamEncoder=x264\n" +
			"UseAdvanced=true\nPreset=ultrafast\n[Video]\nBaseCX=320\nBaseCY=180\nOutputCX=320\nOutputCY=180\nFPSType=0\nFPSCommon=30\n",
		"basic/profiles/P/service.json": fmt.Sprintf(`{"type":"rtmp_custom","settings":{"server":%q,"key":%q}}`, strings.TrimSuffix(server, "/"), key),
		"basic/scenes/S.json":           `{"name":"S","current_scene":"Scene","scene_order":[{"name":"Scene"}],"sources":[{"id":"scene","name":"Scene"}]}`,
	} {
		path = filepath.Join(home, "obs-studio", path)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(context.Background(), "obs", "--multi", "--minimize-to-tray")
	cmd.Env = append(os.Environ(), "HOME="+home, "XDG_CONFIG_HOME="+home, "DISPLAY="+screen(t), "LIBGL_ALWAYS_SOFTWARE=1")
	log := start(t, cmd, "Server started successfully")
	ws, err := websocket.Dial("ws://127.0.0.1:"+port, "obswebsocket.json", "http://127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ws.Close() })
	o := &obs{t: t, process: cmd.Process, conn: ws, log: log}
	o.receive(0) // Hello
	o.send(1, map[string]any{"rpcVersion": 1, "eventSubscriptions": 0})
	o.receive(2) // Identified
	o.request("CreateInput", map[string]any{"sceneName": "Scene", "inputName": "Clip", "inputKind": "ffmpeg_source",
		"inputSettings": map[string]any{"is_local_file": true, "local_file": inOBS.File(t), "looping": true}})
	return o
}

// screen starts a screen that nobody sees, and returns its name.
func screen(t *testing.T) string {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	cmd := exec.CommandContext(context.Background(), "Xvfb", "-displayfd", "3", "-screen", "0", "800x600x24", "-nolisten", "tcp")
	cmd.ExtraFiles = []*os.File{w}
	start(t, cmd, "")
	_ = w.Close()
	number, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return ":" + strings.TrimSpace(number)
}

// start starts a program until the test ends, and waits until it has printed text, if there is any.
func start(t *testing.T, cmd *exec.Cmd, text string) (log func() string) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = w, w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	var mu sync.Mutex
	var lines strings.Builder
	found, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		once := sync.OnceFunc(func() { close(found) })
		for s := bufio.NewScanner(r); s.Scan(); {
			mu.Lock()
			_, _ = fmt.Fprintln(&lines, s.Text())
			mu.Unlock()
			if strings.Contains(s.Text(), text) {
				once()
			}
		}
	}()
	log = func() string { mu.Lock(); defer mu.Unlock(); return lines.String() }
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		<-ended
		_ = r.Close()
	})
	if text == "" {
		return log
	}
	select {
	case <-found:
	case <-ended:
		t.Fatalf("%s has ended: %s", cmd.Path, log())
	}
	return log
}

// An obsMessage is one of OBS's WebSocket.
type obsMessage struct {
	Op   int            `json:"op"`
	Data map[string]any `json:"d"`
}

func (o *obs) send(op int, data map[string]any) {
	o.t.Helper()
	if err := websocket.JSON.Send(o.conn, obsMessage{op, data}); err != nil {
		o.t.Fatal(err, o.log())
	}
}

// receive waits for a message of a kind.
func (o *obs) receive(op int) map[string]any {
	o.t.Helper()
	for {
		var m obsMessage
		if err := websocket.JSON.Receive(o.conn, &m); err != nil {
			o.t.Fatal(err, o.log())
		}
		if m.Op == op {
			return m.Data
		}
	}
}

// request has OBS do something, and returns what it says.
func (o *obs) request(what string, data map[string]any) map[string]any {
	o.t.Helper()
	o.asked++
	o.send(6, map[string]any{"requestType": what, "requestId": fmt.Sprint(o.asked), "requestData": data})
	response := o.receive(7)
	if status, _ := response["requestStatus"].(map[string]any); status["result"] != true {
		o.t.Fatalf("%s: %v\n%s", what, response, o.log())
	}
	answer, _ := response["responseData"].(map[string]any)
	return answer
}

// A jam is a Handler whose stream is not read for a while: until what it has is closed.
type jam struct {
	frame.Handler
	until atomic.Pointer[chan struct{}]
}

func (j *jam) ServeStream(ctx context.Context, s *frame.Stream) error {
	units := s.Units
	s.Units = func(yield func(frame.AccessUnit, error) bool) {
		for u, err := range units {
			if until := j.until.Load(); until != nil {
				<-*until
			}
			if !yield(u, err) {
				return
			}
		}
	}
	return j.Handler.ServeStream(ctx, s)
}

// TestOBS has a real OBS publish, stop, change its settings, freeze, be delayed by the network, by its own encoder, and be killed.
func TestOBS(t *testing.T) {
	begun, ended := make(chan capture.Live, 8), make(chan error, 8)
	hub := &capture.Hub{
		NewCamera: func(*frame.Stream) (*capture.Camera, error) { return camera(), nil },
		OnBegin:   func(l capture.Live) { begun <- l },
		OnEnd:     func(_ capture.Live, err error) { ended <- err },
	}
	j := &jam{Handler: hub}
	o := startOBS(t, listen(t, j)+"cam")

	// shows captures what is on show.
	shows := func(about string, width int) *capture.Still {
		t.Helper()
		now, err := hub.Capture(t.Context(), capture.Request{Stream: "live/cam"})
		if err != nil {
			t.Fatalf("%s: %v\n%s", about, err, o.log())
		}
		if now.Instead != nil || now.Picture.Rect.Dx() != width {
			t.Errorf("%s: %v wide, instead of one with %v", about, now.Picture.Rect.Dx(), now.Instead)
		}
		return now
	}
	// later waits for a picture that is shown so much after another.
	later := func(about string, then *capture.Still, d time.Duration) *capture.Still {
		t.Helper()
		s, err := hub.Capture(t.Context(), capture.Request{Stream: "live/cam", Moment: capture.At(then.Time.Add(d))})
		if err != nil || s.Instead != nil {
			t.Fatalf("%s: %v\n%s", about, err, o.log())
		}
		return s
	}
	// counts waits for it, too, and sees that the clip goes on.
	counts := func(about string, then *capture.Still, d time.Duration) *capture.Still {
		t.Helper()
		s := later(about, then, d)
		n, ok := frametest.Read(s.Picture.YCbCr)
		before, okBefore := frametest.Read(then.Picture.YCbCr)
		if !ok || !okBefore {
			t.Errorf("%s: the counters are not to be read", about)
		}
		if on := (n - before + 300) % 300; on == 0 || on > 150 { // not to the picture: on a busy machine OBS plays clips in leaps
			t.Errorf("%s: %v later it shows %d, after %d", about, s.Time.Sub(then.Time), n, before)
		}
		return s
	}
	publish := func() {
		t.Helper()
		o.request("StartStream", nil)
		<-begun
	}

	publish()
	counts("publishes", later("begins", shows("begins", 320), time.Second), time.Second)

	if err := o.process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	frozen := shows("is frozen", 320)
	if err := o.process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	later("goes on", frozen, 2*time.Second)

	again := make(chan struct{})
	j.until.Store(&again)
	for o.request("GetStreamStatus", nil)["outputSkippedFrames"] == 0.0 {
	}
	close(again)
	still := counts("is read again", shows("is read again", 320), time.Second)

	o.request("StopStream", nil)
	if err := <-ended; err != nil {
		t.Errorf("it leaves with %v", err)
	}
	if last := shows("has left", 320); last.Time.Before(still.Time) {
		t.Errorf("has left: the newest was shown at %v, before %v", last.Time, still.Time)
	}

	for o.request("GetStreamStatus", nil)["outputActive"] == true {
	}
	o.request("SetVideoSettings", map[string]any{"baseWidth": 320, "baseHeight": 180, "outputWidth": 1280, "outputHeight": 720, "fpsNumerator": 60, "fpsDenominator": 1})
	o.request("SetProfileParameter", map[string]any{"parameterCategory": "SimpleOutput", "parameterName": "Preset", "parameterValue": "slower"})
	publish()
	for skipped := 0.0; skipped < 30; {
		skipped, _ = o.request("GetStats", nil)["outputSkippedFrames"].(float64)
	}
	overloaded := shows("is overloaded", 1280)
	later("is still overloaded", overloaded, time.Second)

	if err := o.process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err == nil || errors.Is(err, net.ErrClosed) {
		t.Errorf("it is killed, and the stream ends with %v", err)
	}
	shows("was killed", 1280)
}
