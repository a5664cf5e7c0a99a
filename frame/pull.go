package frame

import (
	"fmt"
	"time"
)

// A PullState is what has become of a stream that a Client pulls. The zero PullState is none.
type PullState uint8

// In this order, and then again from PullConnected on. If no unit comes, PullRetrying follows PullRetrying.
const (
	// The first access unit of a connection has come.
	PullConnected PullState = iota + 1
	// A stream that was connected has ended, neither by the context nor by
	// the Handler.
	PullLost
	// A wait begins, after which the stream is pulled anew.
	PullRetrying
)

func (s PullState) String() string {
	names := [...]string{"none", "connected", "lost", "retrying"}
	if int(s) < len(names) {
		return names[s]
	}
	return fmt.Sprintf("PullState(%d)", uint8(s))
}

// A Pull says how a Client fares with the stream that it pulls. Of what ends Client.Run nothing is said: that is Run's to return.
type Pull struct {
	State  PullState
	Stream string // name of the stream, as in Stream.Name

	// Err is why the stream was lost, or why the attempt failed; nil if it
	// is connected.
	Err error

	// Wait is the time until the next attempt; zero unless that is waited
	// for.
	Wait time.Duration

	// Failures is how many attempts in a row, up to now, have brought no
	// unit; zero unless there is a wait, or if one did.
	Failures int
}
