package rclonestore

import (
	"context"
	"sync"
	"time"

	"github.com/rclone/rclone/fs"
)

const (
	atOnce  = 8                // Puts; more wait, so that a remote that hangs does not gather stills
	grace   = 2 * time.Second  // for a call to notice that its context has ended
	tries   = 3                // of a request that a remote was too busy for; rclone's ten take minutes, and store.Retry goes on
	connect = 15 * time.Second // chosen, not measured
	idle    = time.Minute      // on a connection, until a call that does not know contexts ends; rclone's five are for large files
)

// Calls are those to a remote until Close, and the remote that they open. Who calls has joined them before, so that there is a call under
// way whenever another one is added to running.
type calls struct {
	remote  string
	running sync.WaitGroup
	mu      sync.Mutex
	opening *opening // nil at first
}

// join counts a call. The caller leaves.
func (r *Store) join() *calls {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.calls == nil {
		r.calls = &calls{remote: r.Remote}
	}
	r.calls.running.Add(1)
	return r.calls
}

func (c *calls) leave() { c.running.Done() }

// await returns what do returns. If ctx ends and do does not, it is left behind, for whoever waits for running.
func await[T any](ctx context.Context, running *sync.WaitGroup, do func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	var none T
	if err := context.Cause(ctx); err != nil {
		return none, err
	}
	done := make(chan result, 1)
	running.Go(func() {
		value, err := do()
		done <- result{value, err}
	})
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
	}
	select {
	case r := <-done:
		return r.value, r.err
	case <-time.After(grace):
		return none, context.Cause(ctx)
	}
}

// begin waits until no other Put of the key is under way, and not too many of others.
func (r *Store) begin(ctx context.Context, key string) (end func(), err error) {
	for {
		r.mu.Lock()
		if r.busy[key] == nil && len(r.busy) < atOnce {
			if len(r.busy) == 0 {
				r.busy, r.ended = make(map[string]chan struct{}), make(chan struct{})
			}
			r.busy[key] = make(chan struct{})
			r.mu.Unlock()
			return func() { r.end(key) }, nil
		}
		ended := r.ended
		r.mu.Unlock()
		select {
		case <-ended:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

func (r *Store) end(key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.busy[key])
	delete(r.busy, key)
	close(r.ended)
	r.ended = make(chan struct{})
}

// An opening is a remote that is being opened, and then open, or not.
type opening struct {
	done chan struct{} // closed when f and err are there
	f    fs.Fs
	err  error
}

func (o *opening) failed() bool {
	select {
	case <-o.done:
		return o.err != nil
	default:
		return false
	}
}

// open opens the remote, unless it is open. It outlives ctx: backends keep the context that they are opened with, to renew tokens.
func (c *calls) open(ctx context.Context) (fs.Fs, error) {
	c.mu.Lock()
	o := c.opening
	if o == nil || o.failed() {
		o = &opening{done: make(chan struct{})}
		c.opening = o
		ctx := bounded(context.WithoutCancel(ctx))
		c.running.Go(func() {
			defer close(o.done)
			loadConfig()
			o.f, o.err = fs.NewFs(ctx, c.remote)
		})
	}
	c.mu.Unlock()
	select {
	case <-o.done:
		return o.f, o.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// bounded returns a context for calls of rclone's, which look into it for how long to try, and when they connect later on again.
func bounded(ctx context.Context) context.Context {
	ctx, config := fs.AddConfig(ctx)
	config.LowLevelRetries = min(config.LowLevelRetries, tries)
	config.ConnectTimeout = min(config.ConnectTimeout, fs.Duration(connect))
	config.Timeout = min(config.Timeout, fs.Duration(idle))
	return ctx
}

// loadConfig has rclone load its configuration, which it does when first asked, and two at once must not ask.
var loadConfig = sync.OnceFunc(func() { fs.ConfigFileHasSection("") })
