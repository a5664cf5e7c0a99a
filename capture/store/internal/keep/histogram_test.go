package keep_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/livestill/livestill/capture/store/internal/keep"
)

// A file is what a Round sees of one.
type file struct {
	stored time.Time
	bytes  int64
}

// forget removes the files that are over the bounds, in the rounds of a cycle, and returns what is left after each.
func forget(b keep.Bounds, files []file) (rounds [][]file) {
	var over keep.Surplus
	for {
		r := keep.Round{Surplus: over}
		var left []file
		for _, f := range files {
			if r.Surplus.Takes(f.stored, f.bytes) {
				r.Removed++
				continue
			}
			left = append(left, f)
			r.Kept.Add(f.stored, f.bytes)
		}
		if over.Any && r.Removed == 0 {
			panic("nothing is deleted of what is over")
		}
		rounds = append(rounds, left)
		if files, over = left, r.Next(b); !over.Any {
			return rounds
		}
	}
}

// TestForgetsOldest has files of all kinds of ages and sizes go in rounds: no younger one before an older one, none too many, and in the end none
// is over the bounds, after a few rounds.
func TestForgetsOldest(t *testing.T) {
	const files = 10_000
	epoch := time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)
	for _, test := range []struct {
		about string
		make  func(n int, r *rand.Rand) (age time.Duration, bytes int64)
	}{
		{"in order", func(n int, r *rand.Rand) (time.Duration, int64) {
			return -time.Duration(n) * time.Second, r.Int64N(1 << 20)
		}},
		{"in reverse", func(n int, r *rand.Rand) (time.Duration, int64) {
			return time.Duration(n) * time.Second, r.Int64N(1 << 20)
		}},
		{"in no order", func(_ int, r *rand.Rand) (time.Duration, int64) {
			return time.Duration(r.Int64N(1 << 55)), r.Int64N(1 << 20)
		}},
		{"of one age", func(_ int, r *rand.Rand) (time.Duration, int64) { return 0, r.Int64N(1 << 20) }},
		{"of few ages", func(_ int, r *rand.Rand) (time.Duration, int64) {
			return time.Duration(r.Int64N(20)), r.Int64N(1 << 20)
		}},
		{"empty", func(_ int, r *rand.Rand) (time.Duration, int64) { return time.Duration(r.Int64N(1 << 40)), 0 }},
		{"of all sizes", func(_ int, r *rand.Rand) (time.Duration, int64) {
			return time.Duration(r.Int64N(1 << 40)), 1 << r.Int64N(40)
		}},
		{"larger and larger", func(n int, _ *rand.Rand) (time.Duration, int64) { return -time.Duration(n), 1 << (n * 46 / files) }},
		{"smaller and smaller", func(n int, _ *rand.Rand) (time.Duration, int64) { return time.Duration(n), 1 << (n * 46 / files) }},
	} {
		r := rand.New(rand.NewPCG(1, 2))
		var all []file
		var bytes int64
		for n := range files {
			age, size := test.make(n, r)
			all = append(all, file{epoch.Add(-age), size})
			bytes += size
		}
		for _, bounds := range []keep.Bounds{
			{Count: 1}, {Count: 100}, {Count: files - 10}, {Count: files}, {Bytes: 1}, {Bytes: bytes / 100}, {Bytes: bytes - 10}, {Bytes: bytes},
			{Count: files / 2, Bytes: bytes / 2},
		} {
			rounds := forget(bounds, all)
			if len(rounds) > 12 {
				t.Errorf("%s, %+v: %d rounds", test.about, bounds, len(rounds))
			}
			for _, left := range rounds {
				oldestFirst(t, test.about, bounds, all, left)
			}
			left := rounds[len(rounds)-1]
			var size int64
			for _, f := range left {
				size += f.bytes
			}
			if len(left) > 1 && (bounds.Count > 0 && len(left) > bounds.Count || bounds.Bytes > 0 && size > bounds.Bytes) {
				t.Errorf("%s, %+v: %d files of %d bytes are left", test.about, bounds, len(left), size)
			}
		}
	}
}

// oldestFirst compares what is left with what has to be: no file that went is younger than one that stayed, and the last that went was over
// the bounds.
func oldestFirst(t *testing.T, about string, bounds keep.Bounds, all, left []file) {
	t.Helper()
	stayed := make(map[file]int)
	var size int64
	oldest := left[0].stored
	for _, f := range left {
		stayed[f]++
		size += f.bytes
		if f.stored.Before(oldest) {
			oldest = f.stored
		}
	}
	var gone []file
	for _, f := range all {
		if stayed[f]--; stayed[f] < 0 {
			gone = append(gone, f)
		}
	}
	if len(gone) == 0 {
		return
	}
	last := slices.MaxFunc(gone, func(a, b file) int { return a.stored.Compare(b.stored) })
	if last.stored.After(oldest) {
		t.Errorf("%s, %+v: one of %v went, one of %v stayed", about, bounds, last.stored, oldest)
	}
	for _, f := range gone { // of one age any may have been the last
		if f.stored.Equal(last.stored) && f.bytes > last.bytes {
			last = f
		}
	}
	if bounds.Count > 0 && len(left) >= bounds.Count || bounds.Bytes > 0 && size+last.bytes > bounds.Bytes {
		return
	}
	t.Errorf("%s, %+v: too many went, %d of %d bytes are left", about, bounds, len(left), size)
}
