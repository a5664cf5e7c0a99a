package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/store"
	"github.com/livestill/livestill/capture/store/internal/spoolfile"
)

// BenchmarkPut stores stills of 300 kB, by Dir and Spool each flushed to the disk. What is behind the Spools is down: nothing is
// delivered. That without a Run has 20,000 stills waiting.
func BenchmarkPut(b *testing.B) {
	f := new(flaky)
	f.fail(errDown)
	spool := &store.Spool{Path: b.TempDir(), Store: f, MaxBytes: 1 << 40}
	ctx, cancel := context.WithCancel(b.Context())
	var run sync.WaitGroup
	run.Go(func() { _ = spool.Run(ctx) }) // until cancel
	defer func() { cancel(); run.Wait() }()
	alone := &store.Spool{Path: b.TempDir(), Store: f, MaxBytes: 1 << 40}
	pending := filepath.Join(alone.Path, "pending")
	err := os.Mkdir(pending, 0o700)
	for n := range 20_000 {
		waiting := still("live/alice", fmt.Sprint("waiting", n), nil)
		trailer, errTrailer := (&spoolfile.Record{Still: waiting}).Trailer()
		name := filepath.Join(pending, fmt.Sprintf("%020d-waiting.jpg", n))
		err = errors.Join(err, errTrailer, os.WriteFile(name, append(waiting.Data, trailer...), 0o600))
	}
	if _, errPut := alone.Put(b.Context(), still("live/alice", "reads them", nil)); errors.Join(err, errPut) != nil {
		b.Fatal(err, errPut)
	}
	for _, bench := range []struct {
		name  string
		store capture.Store
	}{
		{"Mem", &store.Mem{MaxBytes: 1 << 40}},
		{"Dir", &store.Dir{Path: b.TempDir()}},
		{"Spool", spool},
		{"SpoolWithoutRun", alone},
	} {
		b.Run(bench.name, func(b *testing.B) {
			data := make([]byte, 300_000)
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				if _, err := bench.store.Put(b.Context(), still("live/alice", fmt.Sprint(n), data)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkPutTidying stores stills as above in a folder of 200,000 that is brought down to 1,000 meanwhile, and looks how long Puts are delayed
// for that. How late this machine wakes what sleeps, when others are at work too, is in these times, and told beside.
func BenchmarkPutTidying(b *testing.B) {
	d := &store.Dir{Path: b.TempDir(), Keep: store.Keep{Count: 1000}}
	fill(b, d.Path, 200_000, 10)
	plain := &store.Dir{Path: d.Path}
	data := make([]byte, 300_000)
	var delayed, late []time.Duration
	b.SetBytes(int64(len(data)))
	for n := 0; b.Loop(); n++ {
		at, err := plain.Put(b.Context(), still("live/0", fmt.Sprint(n), data))
		if err != nil {
			b.Fatal(err)
		}
		start := time.Now()
		if err := d.TidyBeside(at); err != nil {
			b.Fatal(err)
		}
		delayed = append(delayed, time.Since(start))
		b.StopTimer()
		start = time.Now()
		<-time.After(time.Millisecond)
		late = append(late, time.Since(start)-time.Millisecond)
		b.StartTimer()
	}
	for what, times := range map[string][]time.Duration{"delay": delayed, "late": late} {
		slices.Sort(times)
		b.ReportMetric(float64(times[len(times)/2])/1e6, what+"-p50-ms")
		b.ReportMetric(float64(times[len(times)-1])/1e6, what+"-max-ms")
	}
}
