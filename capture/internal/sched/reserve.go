package sched

import (
	"context"
	"errors"
	"sync"

	"github.com/livestill/livestill/frame"
)

// Reserve waits for the memory of so many pictures, of the size that those of a GOP have, and of so many bytes beside them; release gives it back.
// Captures of the same unit share it.
func (s *Scheduler) Reserve(ctx context.Context, g frame.GOP, unit int, pictures, beside int64) (release func(), err error) {
	bytes := pictures*s.Cost(g).Picture + beside
	id := reservationID{unitID{gop: gopID(g), number: numberOf(g, unit)}, pictures, beside}
	return s.reservations.reserve(ctx, id, func(ctx context.Context) (func(), error) {
		return s.Budget.ReserveFor(ctx, s, frame.ForPictures, bytes)
	})
}

// Reservations are memory that several captures share. The zero value is ready.
type reservations struct {
	mu  sync.Mutex
	all map[reservationID]*reservation
}

// A reservationID names the picture that memory is for, how many of its size there will be, and how many bytes beside them.
type reservationID struct {
	unitID
	pictures, beside int64
}

type reservation struct {
	users   int           // who have the memory, or wait for it
	decided chan struct{} // closed when the memory is there, or err is
	err     error
	release func()
}

// reserve returns when there is memory for id, which get gets for the first who wants it; release is to be called by each.
func (rs *reservations) reserve(ctx context.Context, id reservationID, get func(context.Context) (func(), error)) (release func(), err error) {
	for {
		r, first := rs.join(id)
		if first {
			r.release, r.err = get(ctx)
			rs.mu.Lock()
			if r.err != nil {
				delete(rs.all, id)
			}
			close(r.decided)
			rs.mu.Unlock()
			if r.err != nil {
				return nil, r.err
			}
		}
		release = sync.OnceFunc(func() { rs.leave(id, r) })
		select {
		case <-r.decided:
		case <-ctx.Done():
			release()
			return nil, context.Cause(ctx)
		}
		switch {
		case r.err == nil:
			return release, nil
		case errors.Is(r.err, frame.ErrTooCostly):
			return nil, r.err
		}
		// The first gave up.
	}
}

// join returns the reservation for id, and whether it was not there.
func (rs *reservations) join(id reservationID) (r *reservation, first bool) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if r = rs.all[id]; r == nil {
		if rs.all == nil {
			rs.all = make(map[reservationID]*reservation)
		}
		r, first = &reservation{decided: make(chan struct{})}, true
		rs.all[id] = r
	}
	r.users++
	return r, first
}

// leave ends the use of one; the last gives the memory back.
func (rs *reservations) leave(id reservationID, r *reservation) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if r.users--; r.users == 0 && rs.all[id] == r {
		delete(rs.all, id)
		r.release()
	}
}
