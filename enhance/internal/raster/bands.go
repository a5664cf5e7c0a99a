package raster

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
)

// Bands splits n rows of work into one band for each processor, none of fewer than least rows, runs do on all of them at once,
// and returns when all have returned. do must look at ctx as it goes; its error is of no use to anyone but Bands.
func Bands(ctx context.Context, n, least int, do func(ctx context.Context, from, to int)) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	parts := max(1, min(runtime.GOMAXPROCS(0), n/least))
	if parts == 1 {
		do(ctx, 0, n)
		return context.Cause(ctx)
	}
	var wait sync.WaitGroup
	for i := range parts {
		wait.Go(func() { do(ctx, n*i/parts, n*(i+1)/parts) })
	}
	wait.Wait()
	return context.Cause(ctx)
}

// Each runs do for all of n pieces of work, which may be uneven, on all processors at once, and returns when all have returned or ctx
// has ended.
func Each(ctx context.Context, n int, do func(ctx context.Context, i int)) error {
	var next atomic.Int64
	return Bands(ctx, n, 1, func(ctx context.Context, _, _ int) {
		for i := int(next.Add(1)) - 1; i < n && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
			do(ctx, i)
		}
	})
}
