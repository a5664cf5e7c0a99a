// Package child runs this program once more, as a process that can do nothing but compute: it has no files and no network, and a bound on
// memory. It talks with its parent by a socket, and they share memory. What is said is for others to define.
package child

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"
)

// What may become of a child, and of a Pool.
var (
	ErrCrashed = errors.New("the process that decodes has crashed")
	ErrHung    = errors.New("the process that decodes has not answered in time")
	ErrClosed  = errors.New("closed")
)

// Name is what children run under, by which they know what they are.
const Name = "livestill-decoder"

const (
	// How long a child may go on when nobody wants its answer any more. It comes twice at most, and a step of a capture is to heed its
	// context within 50 ms.
	grace = 20 * time.Millisecond

	mostJobs = 1000 // of one child, so that what libav may leak has an end
)

// Stats tells of the children of a Pool.
type Stats struct {
	Running, Idle int
	Started       int64 // since the beginning
	Crashed, Hung int64 // while they worked
	Confined      bool  // the kernel refuses what they do not need; known once one runs
}

// A Socket is how to talk to a child.
type Socket interface {
	io.ReadWriteCloser
	SetDeadline(t time.Time) error
}

// A SharedMemory is what a child writes to and its parent reads.
type SharedMemory interface {
	io.ReaderAt
	io.Closer

	// Trim gives the memory back to the system if much of it was written to.
	// It has zeros then.
	Trim() error
}

// A Child is a process.
type Child struct {
	Shared SharedMemory

	socket Socket
	kill   func()
	lower  func()
	wait   func() (how string) // waits for its end, and tells how that was

	gone   chan struct{} // closed when it has ended
	how    string        // set before that
	jobs   int           // that it has begun
	expiry *time.Timer   // while it is idle

	mu     sync.Mutex
	asked  time.Time // when it got the request that it is at; zero between requests
	slowed bool      // its priority is low
}

// New returns a child that has begun. kill ends it, also if it has ended; lower has it run when no other process wants to; wait waits for its
// end, and tells how that was.
func New(socket Socket, shared SharedMemory, kill, lower func(), wait func() (how string)) *Child {
	return &Child{Shared: shared, socket: socket, kill: kill, lower: lower, wait: wait, gone: make(chan struct{})}
}

// Kill ends the child.
func (c *Child) Kill() { c.kill() }

// End waits until the child has ended, and tells how.
func (c *Child) End() (how string) {
	<-c.gone
	return c.how
}

// Begin counts the jobs of the child.
func (c *Child) Begin() { c.jobs++ }

// Worn reports whether the child has had so many jobs that it is not to have more.
func (c *Child) Worn() bool { return c.jobs >= mostJobs }

// Exchange gives the child a request and has the answers read. When ctx ends, there is little time left for that.
func (c *Child) Exchange(ctx context.Context, request []byte, timeout time.Duration, read func(io.Reader) error) error {
	c.begin(timeout)
	defer c.end()
	slow := time.AfterFunc(Slow, c.lowerPriority)
	defer slow.Stop()
	hurried := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(hurried)
		_ = c.socket.SetDeadline(time.Now().Add(grace))
	})
	defer func() {
		if !stop() {
			<-hurried
		}
	}()
	if _, err := c.socket.Write(request); err != nil {
		return err
	}
	return read(c.socket)
}

// Dismiss tells the child that nobody wants its job any more, and has the answers read, for which there is little time.
func (c *Child) Dismiss(ctx context.Context, request []byte, read func(io.Reader) error) error {
	return c.Exchange(context.WithoutCancel(ctx), request, grace, read)
}
