package ingest_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livestill/livestill/internal/ingest"
)

// TestBuffers has connections buffer bytes by a script. A word says how many MiB one of an address has buffered, "a@1=3", or that it leaves, "a-".
func TestBuffers(t *testing.T) {
	const most = 10
	for _, test := range []struct{ about, script, want string }{
		{"there is room", "a@1=5 b@1=4 a@1=5 b@1=4", ""},
		{"what is given back is room", "a@1=9 a@1=0 b@1=9 b@1=0 a@1=9", ""},
		{"who leaves gives back", "a@1=9 a- b@2=9 b- b- c@1=9", ""},
		{"the largest goes", "a@1=4 b@1=5 c@1=2 a@1=5", "b"},
		{"of the address that has the most", "a@1=3 b@1=2 c@1=3 d@2=4", "a|c"},
		{"and if that is itself", "a@1=3 b@2=2 c@3=8", "c"},
		{"who is gone has nothing", "a@1=11 a@1=20 b@1=9", "a"},
		{"without an address", "a@=6 b@=5", "a"},
	} {
		t.Run(test.about, func(t *testing.T) {
			buffers := ingest.Buffers{Max: most << 20}
			of := make(map[string]*ingest.Buffered)
			var gone []string
			for word := range strings.FieldsSeq(test.script) {
				if name, leaves := strings.CutSuffix(word, "-"); leaves {
					of[name].Leave()
					continue
				}
				var mib int
				name, rest, _ := strings.Cut(word, "@")
				at, size, _ := strings.Cut(rest, "=")
				if _, err := fmt.Sscan(size, &mib); err != nil {
					t.Fatal(err)
				}
				if of[name] == nil {
					peer := addr("pipe")
					if at != "" {
						peer = addr("192.0.2." + at + ":1")
					}
					of[name] = buffers.Open(peer, func(reason error) {
						gone = append(gone, name)
						if !errors.Is(reason, ingest.ErrLimit) {
							t.Error(reason)
						}
					})
				}
				of[name].Set(mib << 20)
			}
			if got := strings.Join(gone, " "); !slices.Contains(strings.Split(test.want, "|"), got) {
				t.Errorf("%q were evicted, want %q", got, test.want)
			}
		})
	}
}

// TestSmallBuffers are those of any camera: ten thousand do not count.
func TestSmallBuffers(t *testing.T) {
	buffers := ingest.Buffers{Max: 1}
	for range 10_000 {
		buffers.Open(tcp("192.0.2.1"), func(reason error) { t.Error(reason) }).Set(64 << 10)
	}
}

// TestWaitForMemory has one connection evicted. Another that has something buffered waits until it has left, but not for long.
func TestWaitForMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		buffers := ingest.Buffers{Max: 10 << 20}
		open := func(mib int) *ingest.Buffered {
			h := buffers.Open(tcp("192.0.2.1"), func(error) {})
			h.Set(mib << 20)
			return h
		}
		none, some := open(0), open(3)
		waits := func(h *ingest.Buffered) time.Duration {
			begin := time.Now()
			h.Wait(t.Context().Done())
			return time.Since(begin)
		}
		if took := waits(some); took > 0 {
			t.Errorf("while nobody is evicted it waits for %v", took)
		}
		for range 2 {
			large := open(9)
			if took := waits(none); took > 0 {
				t.Errorf("who has nothing buffered waits for %v", took)
			}
			if took := waits(some); took == 0 || took > time.Second {
				t.Errorf("it waits for %v", took)
			}
			time.AfterFunc(10*time.Millisecond, large.Leave)
			if took := waits(some); took != 10*time.Millisecond {
				t.Errorf("it waits for %v until the large one has left", took)
			}
		}
	})
}
