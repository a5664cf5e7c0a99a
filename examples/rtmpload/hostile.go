package main

import (
	"context"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// beHostile publishes one good stream beside connections of four kinds, which are made anew when the server ended them.
func beHostile(ctx context.Context, addr string, clip clip) (sent int) {
	var all sync.WaitGroup
	for n := range *connections {
		attack := []func(context.Context, net.Conn){drip, garbage, func(context.Context, net.Conn) {}, longMessages}[n%4]
		all.Go(func() {
			for pause(ctx, rand.N(4*time.Second)) {
				conn, err := dial(ctx, addr, n)
				if err != nil {
					continue
				}
				hangUp := context.AfterFunc(ctx, func() { _ = conn.Close() })
				attack(ctx, conn)
				_, _ = io.Copy(io.Discard, conn) // until the server has had enough
				hangUp()
				_ = conn.Close()
			}
		})
	}
	sent = publish(ctx, addr, "good", clip, 0)
	all.Wait()
	return sent
}

// What came of attempts to publish beside silent connections.
type attempts struct {
	dials     atomic.Int64 // of the silent ones
	tries, in int          // of a publisher
	sent      int          // by another, which was there before
}

// beSilent publishes one good stream, and begins another twice a second, beside connections of the same address that say nothing, and are
// made anew when the server ended them.
func beSilent(ctx context.Context, addr string, clip clip) *attempts {
	a := new(attempts)
	var all sync.WaitGroup
	all.Go(func() { a.sent = publish(ctx, addr, "good", clip, 0) })
	pause(ctx, time.Second)
	for range *silent {
		all.Go(func() {
			for pause(ctx, 20*time.Millisecond) {
				a.dials.Add(1)
				conn, err := dial(ctx, addr, 0)
				if err != nil {
					continue
				}
				hangUp := context.AfterFunc(ctx, func() { _ = conn.Close() })
				_, _ = io.Copy(io.Discard, conn)
				hangUp()
				_ = conn.Close()
			}
		})
	}
	for pause(ctx, 500*time.Millisecond) {
		conn, err := begin(ctx, addr, "another")
		if err == nil {
			_ = conn.Close()
		}
		if ctx.Err() == nil { // else it was not given the time
			a.tries++
			if err == nil {
				a.in++
			}
		}
	}
	all.Wait()
	return a
}

// drip says all that a publisher would, a byte a second.
func drip(ctx context.Context, conn net.Conn) {
	for _, b := range opening("slow") {
		if _, err := conn.Write([]byte{b}); err != nil || !pause(ctx, time.Second) {
			return
		}
	}
}

func garbage(_ context.Context, conn net.Conn) {
	b := make([]byte, 20_000)
	for i := range b {
		b[i] = byte(rand.Uint32())
	}
	_, _ = conn.Write(append(handshake(), b...))
}

// longMessages begins a message of 16 MiB on each of as many chunk streams as there may be, half of the time after it was let in.
func longMessages(_ context.Context, conn net.Conn) {
	b := [][]byte{handshake(), opening("hostile")}[rand.IntN(2)]
	for id := range byte(58) {
		b = append(append(b, 5+id, 0, 0, 0, 0xff, 0xff, 0xff, 9, 1, 0, 0, 0), make([]byte, 128)...)
	}
	_, _ = conn.Write(b)
}
