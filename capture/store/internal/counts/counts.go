// Package counts counts what stores do.
package counts

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/livestill/livestill/capture"
)

// Counts are what a store's Stats are made of. All methods may be called at any time.
type Counts struct {
	putting                            atomic.Int64
	put, failed, rejected, bytes, took atomic.Int64
}

// Put counts a Put that begins. What it returns is to be called with the error when it ends.
func (c *Counts) Put(s *capture.Still) (end func(err *error)) {
	began := time.Now()
	c.putting.Add(1)
	return func(err *error) {
		c.putting.Add(-1)
		c.took.Add(int64(time.Since(began)))
		switch {
		case *err == nil:
			c.put.Add(1)
			c.bytes.Add(int64(len(s.Data)))
		case errors.Is(*err, capture.ErrRejected):
			c.rejected.Add(1)
		default:
			c.failed.Add(1)
		}
	}
}

// Stats returns what was counted.
func (c *Counts) Stats() capture.StoreStats {
	return capture.StoreStats{
		Putting: int(c.putting.Load()), Put: c.put.Load(), Failed: c.failed.Load(), Rejected: c.rejected.Load(), Bytes: c.bytes.Load(),
		Took: time.Duration(c.took.Load()),
	}
}
