package ffmpeg_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/ffmpeg"
	"github.com/livestill/livestill/frame/ffmpeg/internal/child"
	"github.com/livestill/livestill/frame/frametest"
)

// This variable makes the test's program something else: see roles.
const role = "LIVESTILL_TEST_ROLE"

func TestMain(m *testing.M) {
	if os.Getenv(role) == "forgetful" {
		forgetful()
		return
	}
	ffmpeg.Child()
	switch os.Getenv(role) {
	case "parent":
		parent()
	case "captive":
		captive()
	default:
		os.Exit(m.Run())
	}
}

// play runs this program in a role, until the test ends.
func play(t *testing.T, name string) (cmd *exec.Cmd, stdout *bufio.Reader) {
	t.Helper()
	cmd = exec.CommandContext(t.Context(), "/proc/self/exe")
	cmd.Env = append(os.Environ(), role+"="+name)
	cmd.Stderr = os.Stderr
	if _, err := cmd.StdinPipe(); err != nil { // which stays open
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Wait() })
	return cmd, bufio.NewReader(out)
}

// children returns the children of this process that decode, the oldest first.
func children(tb testing.TB, parent int) (pids []int) {
	tb.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		tb.Fatal(err)
	}
	began := map[int]int{}
	for _, path := range stats {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		// pid (name) state ppid ...; the 22nd is when it began
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+2:]))
		name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if ppid, _ := strconv.Atoi(fields[1]); ppid == parent && bytes.HasPrefix(name, []byte("livestill-decoder\x00")) {
			began[pid], _ = strconv.Atoi(fields[19])
			pids = append(pids, pid)
		}
	}
	slices.SortFunc(pids, func(a, b int) int { return began[a] - began[b] })
	return pids
}

// waitForAny waits for the end of one of several processes, whoever their parent is.
func waitForAny(tb testing.TB, pids []int) {
	tb.Helper()
	var fds []unix.PollFd
	for _, pid := range pids {
		fd, err := unix.PidfdOpen(pid, 0)
		if err != nil {
			break // it has ended
		}
		fds = append(fds, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
	}
	for err := error(unix.EINTR); len(fds) == len(pids) && errors.Is(err, unix.EINTR); {
		_, err = unix.Poll(fds, -1)
	}
	for _, f := range fds {
		_ = unix.Close(int(f.Fd))
	}
}

// A paused is a Follow that stands still after its first picture.
type paused struct {
	goOn chan struct{}
	end  chan error
	n    int // pictures
}

// pause follows g up to its first picture.
func pause(t *testing.T, d *ffmpeg.Isolated, g frame.GOP) *paused {
	t.Helper()
	h := &paused{goOn: make(chan struct{}), end: make(chan error, 1)}
	first := make(chan struct{})
	go func() {
		var last error
		for _, err := range d.Follow(t.Context(), func(yield func(frame.AccessUnit, bool) bool) {
			for _, u := range g {
				if !yield(u, true) {
					return
				}
			}
		}) {
			if last = err; err != nil {
				break
			}
			if h.n++; h.n == 1 {
				close(first)
				<-h.goOn
			}
		}
		if h.n == 0 {
			close(first)
		}
		h.end <- last
	}()
	<-first
	return h
}

func (h *paused) proceed() error {
	close(h.goOn)
	return <-h.end
}

// One stream's child crashes, hangs, or takes memory without end, while others capture by the same Isolated. It gets an error that says so;
// they get what they always get.
func TestIsolatedStreamsDoNotNotice(t *testing.T) {
	ffmpeg.CloseShared()
	small := frametest.Clip{BFrames: 2}.GOPs(t)[0]
	large := frametest.Clip{Width: 2560, Height: 1440, Frames: 24, Args: []string{"-preset", "ultrafast", "-refs", "16", "-level", "6.2"}}.GOPs(t)[0]
	want, err := decode(t.Context(), new(ffmpeg.Decoder), small, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		signal syscall.Signal // zero leaves it to the memory
		victim frame.GOP
		is     error
		says   string
	}{
		{"a fault in C", syscall.SIGSEGV, small, ffmpeg.ErrCrashed, "segmentation fault"},
		{"an assertion in C", syscall.SIGABRT, small, ffmpeg.ErrCrashed, "aborted"},
		{"the kernel ends it, as where memory is short", syscall.SIGKILL, small, ffmpeg.ErrCrashed, "killed"},
		{"it hangs", syscall.SIGSTOP, small, ffmpeg.ErrHung, "5s"},
		{"it takes more memory than it may", 0, large, frame.ErrTooCostly, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := &ffmpeg.Isolated{Decoder: ffmpeg.Decoder{Concurrent: 4}, Timeout: 5 * time.Second, Memory: 96 << 20}
			defer d.Close()
			victim := pause(t, d, tt.victim)
			process := children(t, os.Getpid())[0]
			var others sync.WaitGroup
			done := make(chan struct{})
			for range 3 {
				midway := make(chan struct{})
				others.Go(func() {
					for round := 0; ; round++ {
						ps, err := decode(t.Context(), d, small, time.Time{})
						if err != nil {
							t.Errorf("another stream: %v", err)
						} else {
							mustEqual(t, ps, want)
						}
						if round == 0 {
							close(midway)
						}
						select {
						case <-done:
							if round > 1 {
								return
							}
						default:
						}
					}
				})
				<-midway
			}
			if tt.signal != 0 {
				if err := syscall.Kill(process, tt.signal); err != nil {
					t.Fatal(err)
				}
			}
			err := victim.proceed()
			close(done)
			others.Wait()
			var typed *ffmpeg.Error
			if !errors.Is(err, tt.is) || !errors.As(err, &typed) || typed.Codec != frame.H264 || !strings.Contains(err.Error(), tt.says) {
				t.Fatalf("%v after %d pictures, want %v: %s", err, victim.n, tt.is, tt.says)
			}
			waitForAny(t, []int{process})
			if ps, err := decode(t.Context(), d, small, time.Time{}); err != nil || len(ps) != len(small) {
				t.Errorf("afterwards: %d pictures, %v", len(ps), err)
			}
		})
	}
}

// Children that hang have no places, and give up theirs when all are in use: others capture meanwhile.
func TestIsolatedHungChildrenDelayNobody(t *testing.T) {
	const hang = 3
	g := frametest.Clip{}.GOPs(t)[0]
	for _, most := range []int{2 * hang, hang} {
		d := &ffmpeg.Isolated{Decoder: ffmpeg.Decoder{Concurrent: 1}, Timeout: time.Hour, MaxChildren: most}
		hung := d.Hang(hang)
		var all sync.WaitGroup
		for range hang {
			all.Go(func() {
				if _, err := decode(t.Context(), d, g, time.Time{}); !errors.Is(err, ffmpeg.ErrHung) && !errors.Is(err, ffmpeg.ErrClosed) {
					t.Errorf("what hung ended with %v", err)
				}
			})
			<-hung
		}
		if ps, err := decode(t.Context(), d, g, time.Time{}); err != nil || len(ps) != len(g) {
			t.Errorf("another stream has %d pictures, %v", len(ps), err)
		}
		if c := d.Children(); (c.Hung > 0) != (most == hang) {
			t.Errorf("%d children for %d GOPs: %+v", most, hang+1, c)
		}
		d.Close()
		all.Wait()
	}
}

// Stats of an Isolated tells what that of a Decoder does.
func TestIsolatedStats(t *testing.T) {
	g := frametest.Clip{BFrames: 2}.GOPs(t)[0]
	plain := new(ffmpeg.Decoder)
	isolated := plain.Isolated()
	for _, d := range []capture.Decoder{plain, isolated} {
		if _, err := decode(t.Context(), d, g, time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
	want, got := plain.Stats(), isolated.Stats()
	if got.GOPs != want.GOPs || got.Units != want.Units || got.Pictures != want.Pictures || got.InUse != 0 || got.Decoding <= 0 || got.Most <= 0 {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// A thousand GOPs, while children are killed and stopped at random: each gives all its pictures, or an error that says what became of the
// child. No process, file, memory or goroutine is left.
func TestIsolatedLeavesNothing(t *testing.T) {
	g := frametest.Clip{Width: 64, Height: 64, Frames: 8, GOP: 8, BFrames: 2}.GOPs(t)[0]
	want, err := decode(t.Context(), new(ffmpeg.Decoder), g, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	ffmpeg.CloseShared()
	ignore := goleak.IgnoreCurrent()
	files := openFiles(t)
	d := &ffmpeg.Isolated{Decoder: ffmpeg.Decoder{Concurrent: 4}, Timeout: time.Second}
	const gops, workers, each = 1000, 4, 12
	var working sync.WaitGroup
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(7, 8))
	done, failed := 0, 0
	for range workers {
		working.Go(func() {
			for {
				mu.Lock()
				done++
				n, stop := done, random.IntN(4)
				pids := children(t, os.Getpid())
				if n%each == 0 && len(pids) > 0 {
					signal := []syscall.Signal{syscall.SIGKILL, syscall.SIGSEGV, syscall.SIGKILL, syscall.SIGSTOP}[random.IntN(4)]
					_ = syscall.Kill(pids[random.IntN(len(pids))], signal)
				}
				mu.Unlock()
				if n > gops {
					return
				}
				var ps []*frame.Picture
				ctx, cancel := context.WithCancel(t.Context())
				for p, err := range d.Decode(ctx, g, time.Time{}) {
					if err != nil {
						if !errors.Is(err, ffmpeg.ErrCrashed) && !errors.Is(err, ffmpeg.ErrHung) && !errors.Is(err, context.Canceled) {
							t.Error(err)
						}
						mu.Lock()
						failed++
						mu.Unlock()
						ps = nil
						break
					}
					ps = append(ps, p)
					if stop == 0 && len(ps) == 3 { // by a break
						break
					}
					if stop == 1 && len(ps) == 3 { // by the context
						cancel()
					}
				}
				cancel()
				mustEqual(t, ps, want[:len(ps)])
			}
		})
	}
	working.Wait()
	t.Logf("%d failed, %+v", failed, d.Children())
	d.Close()
	if pids := children(t, os.Getpid()); len(pids) > 0 {
		t.Errorf("processes %v are left", pids)
	}
	if now := openFiles(t); now > files {
		t.Errorf("%d files are open, %d were", now, files)
	}
	goleak.VerifyNone(t, ignore)
	if _, err := decode(t.Context(), d, g, time.Time{}); !errors.Is(err, ffmpeg.ErrClosed) {
		t.Errorf("afterwards: %v", err)
	}
}

func openFiles(tb testing.TB) int {
	tb.Helper()
	runtime.GC() // so that files of earlier tests are closed
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		tb.Fatal(err)
	}
	return len(fds)
}

// Children end with their parent, even if it is killed and they are hung.
func TestIsolatedChildrenEndWithTheirParent(t *testing.T) {
	cmd, out := play(t, "parent")
	if line, err := out.ReadString('\n'); line != "decoding\n" {
		t.Fatalf("%q, %v", line, err)
	}
	pids := children(t, cmd.Process.Pid)
	if len(pids) == 0 {
		t.Fatal("it has no children")
	}
	if err := syscall.Kill(pids[0], syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for _, pid := range pids {
		waitForAny(t, []int{pid})
	}
}

// parent decodes by a child, says so, and stops there.
func parent() {
	d := new(ffmpeg.Isolated)
	for _, err := range d.Follow(context.Background(), func(yield func(frame.AccessUnit, bool) bool) {
		yield(frame.AccessUnit{Codec: frame.VP8, Key: true, Data: []byte("nonsense")}, true)
		fmt.Println("decoding")
		_, _ = io.Copy(io.Discard, os.Stdin)
	}) {
		fmt.Println(err)
	}
}

// Without a call of Child nothing is executed, and the error says what is missing.
func TestIsolatedWithoutChild(t *testing.T) {
	_, out := play(t, "forgetful")
	said, err := io.ReadAll(out)
	if want := "ffmpeg: start none: main does not begin with ffmpeg.Child() true 0\n"; string(said) != want || err != nil {
		t.Errorf("it says %q, %v; want %q", said, err, want)
	}
}

// forgetful is a main that does not call Child.
func forgetful() {
	d := new(ffmpeg.Isolated)
	_, err := decode(context.Background(), d, frame.GOP{{Codec: frame.VP8, Key: true, Data: []byte{0}}}, time.Time{})
	fmt.Println(err, errors.Is(err, ffmpeg.ErrNoChild), d.Children().Started)
}

// What a child is left with: no files, no network, no other processes, no memory beyond its share, and no code of its own making.
func TestIsolatedChildIsConfined(t *testing.T) {
	_, out := play(t, "captive")
	said, err := io.ReadAll(out)
	if err != nil {
		t.Fatal(err)
	}
	want := `a file to read: refused
a file to write: refused
a file in memory: refused
a socket: refused
another process: refused
a signal to another process: refused
code of its own: refused
memory that is shared: refused
memory of 64 MiB: refused
memory of 1 MiB: granted
threads: granted
`
	if string(said) != want {
		t.Errorf("of what it tries, it says:\n%s", said)
	}
}

// captive tries what a child must not do.
func captive() {
	confined, err := child.Confine(16 << 20)
	if err != nil || !confined {
		fmt.Println(confined, err)
	}
	_, file := os.Open("/etc/passwd")
	_, write := os.CreateTemp("", "livestill-escaped")
	_, memfd := unix.MemfdCreate("escaped", 0)
	_, dial := (&net.Dialer{}).DialContext(context.Background(), "tcp", "127.0.0.1:1")
	if errors.Is(dial, syscall.ECONNREFUSED) {
		dial = nil
	}
	_, fork := os.StartProcess("/proc/self/exe", []string{"escaped"}, &os.ProcAttr{})
	mapping := func(bytes, prot, flags int) error {
		_, err := unix.Mmap(-1, 0, bytes, prot, flags|unix.MAP_ANON)
		return err
	}
	const readWrite = unix.PROT_READ | unix.PROT_WRITE
	for _, try := range []struct {
		what string
		err  error
	}{
		{"a file to read", file}, {"a file to write", write}, {"a file in memory", memfd}, {"a socket", dial}, {"another process", fork},
		{"a signal to another process", syscall.Kill(os.Getppid(), 0)},
		{"code of its own", mapping(1<<16, unix.PROT_READ|unix.PROT_EXEC, unix.MAP_PRIVATE)},
		{"memory that is shared", mapping(1<<16, readWrite, unix.MAP_SHARED)},
		{"memory of 64 MiB", mapping(64<<20, readWrite, unix.MAP_PRIVATE)},
		{"memory of 1 MiB", mapping(1<<20, readWrite, unix.MAP_PRIVATE)},
	} {
		said := "granted"
		if try.err != nil {
			said = "refused"
		}
		fmt.Printf("%s: %s\n", try.what, said)
	}
	var threads sync.WaitGroup // more than there are yet
	for range 20 {
		threads.Go(runtime.LockOSThread)
	}
	threads.Wait()
	fmt.Println("threads: granted")
}

// A child serves one GOP after the other, unless each is to have one of its own; and those with nothing to do end, except for one.
func TestIsolatedChildrenAreUsedAgain(t *testing.T) {
	g := frametest.Clip{Frames: 2}.GOPs(t)[0]
	for _, fresh := range []bool{false, true} {
		d := &ffmpeg.Isolated{Fresh: fresh}
		for range 4 {
			if _, err := decode(t.Context(), d, g, time.Time{}); err != nil {
				t.Fatal(err)
			}
		}
		c := d.Children()
		if c.Crashed+c.Hung > 0 || !c.Confined || fresh && c.Started < 4 || !fresh && c.Started > 2 {
			t.Errorf("fresh %t: %+v", fresh, c)
		}
		d.Close()
		if c = d.Children(); c.Running+c.Idle > 0 {
			t.Errorf("closed: %+v", c)
		}
	}
}

func TestIsolatedIdleChildrenEnd(t *testing.T) {
	g := frametest.Clip{}.GOPs(t)[0]
	ffmpeg.CloseShared()
	d := new(ffmpeg.Isolated)
	defer d.Close()
	var all []*paused
	for range 3 {
		all = append(all, pause(t, d, g))
	}
	for _, h := range all {
		if err := h.proceed(); err != nil {
			t.Error(err)
		}
	}
	pids := children(t, os.Getpid())
	for ; len(pids) > 1; pids = children(t, os.Getpid()) {
		waitForAny(t, pids)
	}
	if len(pids) == 0 {
		t.Error("none is left")
	}
}

// Beyond MaxChildren a GOP waits, without a place, and gives up with its context.
func TestIsolatedMaxChildren(t *testing.T) {
	g := frametest.Clip{Frames: 5}.GOPs(t)[0]
	d := &ffmpeg.Isolated{MaxChildren: 1, Decoder: ffmpeg.Decoder{Concurrent: 1}}
	defer d.Close()
	h := pause(t, d, g)
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	gaveUp := make(chan error)
	go func() {
		_, err := decode(ctx, d, g, time.Time{})
		gaveUp <- err
	}()
	place, err := d.Reserve(t.Context(), "another")
	if err != nil {
		t.Fatal(err)
	}
	place.Release()
	cancel(cause)
	if err := <-gaveUp; !errors.Is(err, cause) {
		t.Error(err)
	}
	if err := h.proceed(); err != nil {
		t.Error(err)
	}
	if ps, err := decode(t.Context(), d, g, time.Time{}); len(ps) != len(g) || err != nil {
		t.Errorf("%d pictures, %v", len(ps), err)
	}
}

// keeping is an Isolated that tells when it has taken in so many units of a GOP.
type keeping struct {
	*ffmpeg.Isolated
	units int
	kept  chan struct{}
}

func (k keeping) Follow(ctx context.Context, units iter.Seq2[frame.AccessUnit, bool]) iter.Seq2[frame.Latent, error] {
	return k.Isolated.Follow(ctx, func(yield func(frame.AccessUnit, bool) bool) {
		n := 0
		for u, wanted := range units {
			if !yield(u, wanted) {
				return
			}
			if n++; n == k.units {
				k.kept <- struct{}{}
			}
		}
	})
}

// TestIsolatedKeptWarm has streams that are kept warm, and have no second key picture, take all children there may be. Others are captured all
// the same, one after the other.
func TestIsolatedKeptWarm(t *testing.T) {
	const most = 2
	units := frametest.Clip{Frames: 10}.Units(t)
	d := &ffmpeg.Isolated{MaxChildren: most}
	defer d.Close()
	ctx, cancel := context.WithCancel(t.Context())
	var serving sync.WaitGroup
	defer serving.Wait()
	defer cancel()
	began := time.Now()
	serve := func(c *capture.Camera) {
		serving.Go(func() {
			_ = c.ServeStream(ctx, &frame.Stream{Name: "live/a", Units: func(yield func(frame.AccessUnit, error) bool) {
				for _, u := range units {
					if u.Time = began.Add(u.PTS); !yield(u, nil) {
						return
					}
				}
				<-ctx.Done()
			}})
		})
	}
	warm := keeping{d, len(units) - 1, make(chan struct{})} // one picture is left for a capture
	for range most {
		serve(&capture.Camera{Decoder: warm, Warm: 1})
		<-warm.kept
	}
	for range most + 1 {
		other := &capture.Camera{Decoder: d}
		serve(other)
		ctx, cancel := context.WithTimeout(ctx, time.Minute) // it takes milliseconds
		if _, err := other.Capture(ctx, capture.Request{Moment: capture.AtPTS(units[len(units)-1].PTS)}); err != nil {
			t.Error(err)
		}
		cancel()
	}
}

// shared returns how many bytes of memory this process shares with its children.
func shared(tb testing.TB) (bytes int64) {
	tb.Helper()
	files, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		tb.Fatal(err)
	}
	for _, path := range files {
		var stat unix.Stat_t
		if name, _ := os.Readlink(path); strings.HasPrefix(name, "/memfd:livestill-pictures") && unix.Stat(path, &stat) == nil {
			bytes += stat.Blocks * 512
		}
	}
	return bytes
}

// TestIsolatedGivesSharedMemoryBack has a child make a large picture and a small one. It makes the same ones again, and keeps little of the memory
// that they came through, in the middle of a GOP and after it.
func TestIsolatedGivesSharedMemoryBack(t *testing.T) {
	ffmpeg.CloseShared()
	large, small := frametest.Clip{Width: 5120, Height: 2880, Frames: 1}.GOPs(t)[0], frametest.Clip{Frames: 1}.GOPs(t)[0]
	d := &ffmpeg.Isolated{}
	defer d.Close()
	for _, g := range []frame.GOP{large, small, large, small} {
		want, err := decode(t.Context(), new(ffmpeg.Decoder), g, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		for p, err := range d.Decode(t.Context(), g, time.Time{}) {
			if err != nil || !bytes.Equal(p.Y, want[0].Y) || !bytes.Equal(p.Cr, want[0].Cr) {
				t.Errorf("another picture, %v", err)
			}
			if n := shared(t); n > 16<<20 {
				t.Errorf("%d bytes are kept of a picture of %v", n, want[0].Rect.Max)
			}
		}
		if n := shared(t); n > 16<<20 {
			t.Errorf("%d bytes are kept after a GOP", n)
		}
	}
}
