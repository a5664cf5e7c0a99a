package store_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/store"
)

// BenchmarkPut stores stills of 300 kB, by Dir and Spool each flushed to the disk. What is behind the Spool is down: nothing is delivered.
func BenchmarkPut(b *testing.B) {
	f := new(flaky)
	f.fail(errDown)
	spool := &store.Spool{Path: b.TempDir(), Store: f, MaxBytes: 1 << 40}
	ctx, cancel := context.WithCancel(b.Context())
	var run sync.WaitGroup
	run.Go(func() { _ = spool.Run(ctx) }) // until cancel
	defer func() { cancel(); run.Wait() }()
	for _, bench := range []struct {
		name  string
		store capture.Store
	}{
		{"Mem", &store.Mem{MaxBytes: 1 << 40}},
		{"Dir", &store.Dir{Path: b.TempDir()}},
		{"Spool", spool},
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
