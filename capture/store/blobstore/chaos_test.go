package blobstore_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"gocloud.dev/blob"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/store"
	"github.com/livestill/livestill/capture/store/blobstore"
	"github.com/livestill/livestill/capture/store/internal/truth"
	"github.com/livestill/livestill/internal/disktest"
)

var (
	chaosStills = flag.Int("chaos.stills", 2000, "acknowledged stills that TestNothingIsLost makes at least")
	chaosKills  = flag.Int("chaos.kills", 50, "how often it kills the program that makes them")
	chaosSeed   = flag.Uint64("chaos.seed", 0, "of its random choices; zero takes one")
)

const maxResident = 512 << 20 // bytes of the program, race detector and all

// TestNothingIsLost kills a program that captures and stores, at random instants, while the S3 server is killed, refuses, does not
// answer, is slow, answers 500 and 403 and drops its answers, the disk runs full, and folders go away; and goes on while the program only
// delivers. A capture that failed is made again, of the same picture under the same ID, which may have been stored. In the end each still
// that was acknowledged is in the bucket and in the folder once, with its bytes; and whoever looked meanwhile saw whole pictures only. Whatever
// still is there, what was told of it is there too, at any time. What is told of stills that never came goes when it is an hour old.
//
// Chance decides here, and real time: this is an experiment. It is about the death of processes, servers and disks; the power stays on, so
// that what is written but not flushed is not lost.
func TestNothingIsLost(t *testing.T) {
	seed := *chaosSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("-chaos.seed %d", seed)
	disk, small := t.TempDir(), disktest.CanMount() // else the disk cannot run full
	if small {
		disk, _ = disktest.Small(t, 64<<20)
	}
	g := startGateway(t)
	direct, _ := g.newBucket(t) // past the harm
	proxy := newProxy(t, "unix", g.socket)
	p := program{Spool: filepath.Join(disk, "spool"), Folder: filepath.Join(disk, "folder"), URL: proxy.URL, Bucket: first}
	for folder, name := range map[string]string{p.Spool: volumeSpool, p.Folder: volumeFolder} {
		if err := errors.Join(os.Mkdir(folder, 0o700), store.Mark(folder, name)); err != nil {
			t.Fatal(err)
		}
	}

	h := &harm{
		t: t, random: rand.New(rand.NewPCG(seed, 1)), gateway: g, proxy: proxy, disk: disk, small: small,
		folders: map[string]string{"spool": p.Spool, "folder": p.Folder}, done: make(map[string]int),
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var harmful sync.WaitGroup
	harmful.Go(func() { h.do(ctx) })
	folder := &store.Dir{Path: p.Folder, Volume: volumeFolder}
	bucket := &blobstore.Store{Bucket: direct}
	inFolder, inBucket := newViewer(t, folder), newViewer(t, bucket)
	harmful.Go(func() { repeat(ctx, func() { inFolder.folder(ctx, p.Folder) }) })
	harmful.Go(func() { repeat(ctx, func() { inBucket.bucket(ctx, direct) }) })

	random := rand.New(rand.NewPCG(seed, 2))
	acknowledged := make(map[string]acknowledgement)
	resident := 0
	began := time.Now()
	life := time.Second // of a program on average; longer where programs take longer to begin
	for p.Run = 1; p.Run <= *chaosKills || len(acknowledged) < *chaosStills; p.Run++ {
		before := len(acknowledged)
		memory := p.live(t, time.Duration(random.ExpFloat64()*float64(life)), acknowledged)
		resident = max(resident, memory)
		if len(acknowledged) == before {
			life += life / 4
		} else {
			life = max(life-life/4, time.Second)
		}
		if p.Run%10 == 0 {
			t.Logf("%v: killed %d times, %d stills acknowledged", time.Since(began).Round(time.Second), p.Run, len(acknowledged))
		}
	}
	p.Drain = true
	for range *chaosKills / 5 {
		p.live(t, time.Duration(random.ExpFloat64()*float64(time.Second)), acknowledged)
	}
	stop()
	harmful.Wait()
	pending, err := os.ReadDir(filepath.Join(p.Spool, "pending"))
	if err != nil {
		t.Fatal(err)
	}

	cmd := p.command(t.Context(), t)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("delivery of what was left: %v: %s", err, out)
	}
	objects, err := filesIn(t, direct)()
	if err != nil {
		t.Fatal(err)
	}
	files, err := disktest.Files(p.Folder, "")
	if err != nil {
		t.Fatal(err)
	}
	compare(t, "bucket", objects, acknowledged)
	compare(t, "folder", files, acknowledged)
	orphans := compareTold(t, bucket, objects, filepath.Join(g.folder, first), func(name string) (key string, ok bool) {
		name, ok = strings.CutPrefix(name, ".livestill/")
		return path.Dir(name), ok
	})
	inPlace := make(map[string][]byte)
	for name, data := range files {
		inPlace[filepath.Join(p.Folder, name)] = data
	}
	orphans += compareTold(t, folder, inPlace, p.Folder, func(name string) (location string, ok bool) {
		name, ok = truth.StillOf(name)
		return filepath.Join(p.Folder, name), ok
	})
	for _, folder := range []string{"pending", "dead"} {
		if left, err := os.ReadDir(filepath.Join(p.Spool, folder)); len(left) > 0 || err != nil {
			t.Errorf("%d files left in %s: %v", len(left), folder, err)
		}
	}
	repeated := 0
	for _, a := range acknowledged {
		if a.Tries > 1 {
			repeated++
		}
	}
	t.Logf("%v: killed %d times, %d stills acknowledged, %d of them not at once; %d in the bucket, %d of them not before peace, %d in the folder; %d told of that never came; %d MiB resident at most; harm done: %v",
		time.Since(began).Round(time.Second), p.Run-1, len(acknowledged), repeated, len(objects), len(pending), len(files), orphans, resident>>20, h.done)
	if kinds := len(h.kinds()); len(h.done) < kinds && *chaosKills >= 50 {
		t.Errorf("%d kinds of harm were done, of %d", len(h.done), kinds)
	}
	if len(pending) == len(objects) {
		t.Error("nothing was delivered amid harm")
	}
	if resident > maxResident {
		t.Errorf("%d bytes resident", resident)
	}
}

// compare compares what is in a store with what was acknowledged.
func compare(t *testing.T, where string, files map[string][]byte, acknowledged map[string]acknowledgement) {
	t.Helper()
	count := make(map[string]int)
	for path, data := range files {
		whole(t, path, data)
		id := idOf(path)
		count[id]++
		if a, ok := acknowledged[id]; ok && sha256.Sum256(data) != a.Sum {
			t.Errorf("%s: %s has other bytes than were acknowledged", where, path)
		}
	}
	for id, n := range count {
		if n > 1 {
			t.Errorf("%s: still %s is there %d times", where, id, n)
		}
	}
	for id, a := range acknowledged {
		if count[id] == 0 {
			t.Errorf("%s: still %s, acknowledged at %s, is lost", where, id, a.Location)
		}
	}
}

// idOf is the ID in a still's name.
func idOf(path string) string {
	_, id, _ := strings.Cut(filepath.Base(path), ".")
	_, id, _ = strings.Cut(id, "_")
	id, _, _ = strings.Cut(id, "~")
	return id
}

// A tidier is a store that can be looked into, and tidied.
type tidier interface {
	capture.Opener
	Tidy(ctx context.Context) error
}

// compareTold opens all stills, by their locations, and compares what is told of them with what was put. Then it makes what is told of others old, in
// the folder where the store has it, and wants it tidied away. It returns how many those were. about says of which location a file tells.
func compareTold(t *testing.T, s tidier, stills map[string][]byte, dir string, about func(name string) (location string, ok bool)) (orphans int) {
	t.Helper()
	for location, data := range stills {
		opened, err := s.Open(t.Context(), location)
		if err != nil {
			t.Errorf("%s: %v", location, err)
			continue
		}
		got, err := io.ReadAll(opened)
		if err = errors.Join(err, opened.Close()); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%s: opened %d bytes of %d, %v", location, len(got), len(data), err)
		}
		wantTold(t, location, opened.Still)
	}
	look := func(each func(path string)) {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".json") {
				return err
			}
			name, err := filepath.Rel(dir, path)
			if location, ok := about(name); ok && stills[location] == nil {
				each(path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	old := time.Now().Add(-24 * time.Hour)
	look(func(path string) {
		orphans++
		if err := os.Chtimes(path, old, old); err != nil {
			t.Error(err)
		}
	})
	if err := s.Tidy(t.Context()); err != nil {
		t.Error(err)
	}
	look(func(path string) { t.Errorf("%s tells of what is not there", path) })
	return orphans
}

// wantTold fails if a still is not told of as it was captured.
func wantTold(t *testing.T, location string, s *capture.Still) {
	t.Helper()
	if id := idOf(location); s.Request.Labels["id"] != id || !strings.HasPrefix(s.Request.By, "user") || s.ID != id || s.Location != location {
		t.Errorf("%s: told is %+v", location, s)
	}
}

// whole fails if a file is torn: if it does not end as summed has it.
func whole(t *testing.T, path string, data []byte) {
	t.Helper()
	size := max(0, len(data)-sha256.Size)
	if sum := sha256.Sum256(data[:size]); !bytes.Equal(data[size:], sum[:]) {
		t.Errorf("%s is torn: %d bytes", path, len(data))
	}
}

func (p *program) command(ctx context.Context, t *testing.T) *exec.Cmd {
	t.Helper()
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), chaosEnv+"="+string(text))
	stdin, err := cmd.StdinPipe() // is never written to; its end is the test's
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stdin.Close() })
	return cmd
}

// live lets the program live for a while, kills it, and takes up what it has acknowledged by then. It returns the bytes that it had resident.
func (p *program) live(t *testing.T, lived time.Duration, acknowledged map[string]acknowledgement) (resident int) {
	t.Helper()
	cmd := p.command(t.Context(), t)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	killed := make(chan struct{})
	go func() {
		defer close(killed)
		<-time.After(lived)
		status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
		_, peak, _ := strings.Cut(string(status), "VmHWM:")
		if fields := strings.Fields(peak); len(fields) > 0 {
			kilobytes, _ := strconv.Atoi(fields[0])
			resident = kilobytes << 10
		}
		_ = cmd.Process.Kill() // SIGKILL
	}()
	for lines := bufio.NewReader(stdout); ; {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			break // what has no end was not acknowledged
		}
		var a acknowledgement
		if err := json.Unmarshal(line, &a); err != nil {
			t.Errorf("the program says %q: %v", line, err)
			continue
		}
		acknowledged[a.ID] = a
	}
	<-killed
	var exit *exec.ExitError
	if err := cmd.Wait(); !p.Drain && (!errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL) {
		t.Fatalf("the program ended by itself: %v: %s", err, stderr.Bytes())
	}
	return resident
}

// A harm is what can be done to a program's surroundings.
type harm struct {
	t       *testing.T
	random  *rand.Rand
	gateway *gateway
	proxy   *proxy
	disk    string
	small   bool              // the disk can be filled
	folders map[string]string // on the disk, by what they are

	done map[string]int // how often each was
}

// wait waits for a while, and not when ctx is done.
func (h *harm) wait(ctx context.Context, longest time.Duration) {
	select {
	case <-time.After(time.Duration(h.random.Int64N(int64(longest)))):
	case <-ctx.Done():
	}
}

// kinds are the harms that can be done here.
func (h *harm) kinds() []string {
	kinds := []string{"kill the server", "take away spool", "take away folder"}
	for m := refuse; m <= cut; m++ {
		kinds = append(kinds, m.String())
	}
	if h.small {
		kinds = append(kinds, "fill the disk")
	}
	return kinds
}

// do does one harm after another, with rests between, until ctx is done; then all is well.
func (h *harm) do(ctx context.Context) {
	for {
		kinds := h.kinds()
		h.random.Shuffle(len(kinds), func(i, j int) { kinds[i], kinds[j] = kinds[j], kinds[i] })
		for _, kind := range kinds {
			h.one(ctx, kind)
			h.done[kind]++
			h.wait(ctx, 500*time.Millisecond)
			if ctx.Err() != nil {
				return
			}
		}
	}
}

// one does harm, waits, and mends it.
func (h *harm) one(ctx context.Context, kind string) {
	switch kind {
	case "kill the server":
		h.gateway.kill()
		h.wait(ctx, 500*time.Millisecond)
		h.check(h.gateway.start(ctx))
	case "fill the disk":
		ballast := filepath.Join(h.disk, "ballast")
		if err := fill(ballast); !errors.Is(err, syscall.ENOSPC) {
			h.check(err)
		}
		h.wait(ctx, 500*time.Millisecond)
		h.check(os.Remove(ballast))
	case "take away spool", "take away folder":
		folder := h.folders[strings.TrimPrefix(kind, "take away ")]
		h.check(os.Rename(folder, folder+"-away"))
		h.wait(ctx, 300*time.Millisecond)
		h.check(os.Rename(folder+"-away", folder))
	default:
		longest := time.Second
		for m := refuse; m <= cut; m++ {
			if m.String() == kind {
				h.proxy.Set(m)
			}
		}
		if kind == hang.String() {
			longest = 4 * time.Second // longer than the Spool waits
		}
		h.wait(ctx, longest)
		h.proxy.Set(pass)
	}
}

func (h *harm) check(err error) {
	if err != nil {
		h.t.Error(err)
	}
}

// fill writes to a file until the disk is full.
func fill(path string) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	zeros := make([]byte, 1<<20)
	for err == nil {
		_, err = f.Write(zeros)
	}
	return err
}

// A viewer looks at each still once, and at some again, and fails the test if one is torn, or not told of.
type viewer struct {
	t    *testing.T
	o    capture.Opener
	seen map[string]bool
}

func newViewer(t *testing.T, o capture.Opener) viewer {
	t.Helper()
	return viewer{t, o, make(map[string]bool)}
}

// opens opens a still that is there, as far as it can be had.
func (v viewer) opens(ctx context.Context, location string) {
	opened, err := v.o.Open(ctx, location)
	if err != nil {
		if _, ok := v.o.(*store.Dir); ok && !errors.Is(err, store.ErrVolume) && ctx.Err() == nil {
			v.t.Errorf("%s: %v", location, err)
		}
		return
	}
	wantTold(v.t, location, opened.Still)
	if err := opened.Close(); err != nil {
		v.t.Error(err)
	}
}

func (v viewer) wants(name string) bool { return !v.seen[name] || rand.IntN(100) == 0 }

// repeat looks, and looks again, until ctx is done.
func repeat(ctx context.Context, look func()) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		look()
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// folder looks at the files in a folder, as far as it is there.
func (v viewer) folder(ctx context.Context, dir string) {
	root := os.DirFS(dir)
	_ = fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Name() == ".livestill" {
			return fs.SkipDir
		}
		if !d.IsDir() && v.wants(path) {
			if data, err := fs.ReadFile(root, path); err == nil {
				v.seen[path] = true
				whole(v.t, path, data)
				v.opens(ctx, filepath.Join(dir, path))
			}
		}
		return nil
	})
}

// bucket looks at the objects in a bucket, as far as its server is alive.
func (v viewer) bucket(ctx context.Context, bucket *blob.Bucket) {
	objects, end := bucket.List(nil).All(ctx)
	for o := range objects {
		if strings.HasPrefix(o.Key, ".livestill/") || !v.wants(o.Key) {
			continue
		}
		if data, err := bucket.ReadAll(ctx, o.Key); err == nil {
			v.seen[o.Key] = true
			whole(v.t, o.Key, data)
			v.opens(ctx, o.Key)
		}
	}
	_ = end()
}
