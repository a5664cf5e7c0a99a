package frame_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/peer"
)

// A mix tells of each unit of a stream whether it is a key unit, and its size.
type mix struct {
	about string
	next  func(n int, r *rand.Rand) (key bool, size int)
}

var mixes = []mix{
	{"one-byte units without a key unit after the first", func(n int, _ *rand.Rand) (bool, int) { return n == 0, 1 }},
	{"units of 200 bytes without a key unit after the first", func(n int, _ *rand.Rand) (bool, int) { return n == 0, 200 }},
	{"one-byte units, a key unit each 100,000", func(n int, _ *rand.Rand) (bool, int) { return n%100_000 == 0, 1 }},
	{"one-byte key units", func(int, *rand.Rand) (bool, int) { return true, 1 }},
	{"key units of 40 kB", func(int, *rand.Rand) (bool, int) { return true, 40_000 }},
	{"2 Mbit/s, a key unit each two seconds", func(n int, r *rand.Rand) (bool, int) {
		if n%60 == 0 {
			return true, 60_000
		}
		return false, 4000 + r.IntN(6000)
	}},
	{"units of 8 MiB", func(n int, _ *rand.Rand) (bool, int) { return n%5 == 0, 8 << 20 }},
	{"units just above a size that Go allocates", func(n int, _ *rand.Rand) (bool, int) { return n%100 == 0, 32<<10 + 1 }},
	{"long GOPs and short ones by turns", func(n int, _ *rand.Rand) (bool, int) { return n%30_000 < 100, 50 }},
	{"anything", func(n int, r *rand.Rand) (bool, int) { return r.IntN(200) == 0, 1 << r.IntN(20) }},
}

// TestMemory streams mixes of units through a History, each in a process of its own, and compares the memory that it takes with what was
// asked for.
func TestMemory(t *testing.T) {
	if about := os.Getenv("MIX"); about != "" {
		stream(t, about)
		return
	}
	peer.Needs(t, "a process for each mix")
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	sizes := []int{64 << 20, 256 << 20}
	if raced() {
		sizes = sizes[:1]
	}
	for _, m := range mixes {
		for _, size := range sizes {
			child := exec.CommandContext(t.Context(), program, "-test.run=^TestMemory$", "-test.v")
			child.Env = append(os.Environ(), "MIX="+m.about, "SIZE="+strconv.Itoa(size), "GOGC=100", "GOMEMLIMIT=off")
			out, err := child.CombinedOutput()
			if err != nil {
				t.Errorf("%s: %v\n%s", m.about, err, out)
				continue
			}
			_, figure, _ := bytes.Cut(out, []byte("grew by "))
			grown, err := strconv.Atoi(strings.Fields(string(figure))[0])
			if err != nil {
				t.Fatal(err)
			}
			ratio := float64(grown) / float64(size)
			if t.Logf("%s, %d MiB: %.2f times", m.about, size>>20, ratio); ratio > 1.3 {
				t.Errorf("%s: %d MiB of memory, want no more than 1.3 times %d", m.about, grown>>20, size>>20)
			}
		}
	}
}

// stream streams a mix until all has been forgotten several times. What is added while Go collects garbage counts as alive, so near a
// collection a 64th of the bound takes 5 ms: a few hundred MB/s, which is more than networks bring.
func stream(t *testing.T, about string) {
	t.Helper()
	size, err := strconv.Atoi(os.Getenv("SIZE"))
	if err != nil {
		t.Fatal(err)
	}
	m := mixes[slices.IndexFunc(mixes, func(m mix) bool { return m.about == about })]
	h := frame.History{MaxAge: 1000 * time.Hour, MaxBytes: size}
	h.Budget = &frame.Budget{Bytes: 1 << 40}
	r := rand.New(rand.NewPCG(1, 2))
	before := resident(t)
	for n, sent, checked := 0, 0, 0; sent < 3*size; n++ {
		if sent > checked+size/64 {
			checked = sent
			if heap := read("/memory/classes/heap/objects:bytes", "/gc/heap/goal:bytes"); heap[0] > heap[1]/4*3 {
				time.Sleep(5 * time.Millisecond) // the pace of a network: nothing is waited for, and what comes slower takes less memory
			}
		}
		key, bytes := m.next(n, r)
		u := unit(n, key, bytes)
		for i := 0; i < len(u.Data); i += 4096 {
			u.Data[i] = 1
		}
		h.Add(u)
		if sent += bytes + 100; h.Size() > size {
			t.Fatalf("weighs %d of %d bytes", h.Size(), size)
		}
	}
	fmt.Printf("grew by %d\n", resident(t)-before)
}

// resident returns the most memory that the process has had so far. With the race detector, which takes more itself, it is what Go's
// runtime has now.
func resident(t *testing.T) int {
	t.Helper()
	if raced() {
		samples := read("/memory/classes/total:bytes", "/memory/classes/heap/released:bytes")
		return samples[0] - samples[1]
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, peak, _ := strings.Cut(string(status), "VmHWM:")
	kib, err := strconv.Atoi(strings.Fields(peak)[0])
	if err != nil {
		t.Fatal(err)
	}
	return kib << 10
}

// read reads metrics of Go's runtime.
func read(names ...string) (values []int) {
	for _, name := range names {
		s := []metrics.Sample{{Name: name}}
		metrics.Read(s)
		values = append(values, int(s[0].Value.Uint64()))
	}
	return values
}

// raced reports whether the test runs with the race detector.
func raced() bool {
	info, _ := debug.ReadBuildInfo()
	return slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}
