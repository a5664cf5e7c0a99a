package ingest

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/retry"
)

// A Loop pulls a stream, and again whenever it ends. Before each new attempt it waits, twice as long as the time before unless that
// attempt bore fruit; up to half of the wait is left to chance, so that many Clients do not all come back at once.
type Loop struct {
	Stream  string           // its name
	Once    bool             // there is one attempt
	First   time.Duration    // to wait after an attempt that bore fruit
	Longest time.Duration    // to wait at all
	Log     *slog.Logger     // hears of each wait
	Hook    func(frame.Pull) // hears how it fares, on the goroutine of Run, and of Connected; may be nil
	Counts  *ClientCounts

	connected bool // a unit has come in this attempt
	fruitful  bool // this attempt is no reason to wait longer
	failures  int  // attempts in a row that brought no unit
}

// Run calls attempt until it says that this was the last time, and returns its error; or until ctx is done, and returns
// context.Cause(ctx).
func (l *Loop) Run(ctx context.Context, attempt func() (last bool, err error)) error {
	defer l.Counts.live.Store(false)
	for wait := l.First; ; wait *= 2 {
		l.connected, l.fruitful = false, false
		l.Counts.attempts.Add(1)
		last, err := attempt()
		l.Counts.live.Store(false)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case last, l.Once:
			return err
		case l.connected:
			l.tell(frame.Pull{State: frame.PullLost, Err: err})
		default:
			l.failures++
			l.Counts.failures.Store(int64(l.failures))
		}
		if l.fruitful {
			wait = l.First
		}
		wait = min(wait, l.Longest)
		pause := retry.Jitter(wait)
		l.Log.Warn("pulling again", "err", err, "wait", pause)
		l.tell(frame.Pull{State: frame.PullRetrying, Err: err, Wait: pause, Failures: l.failures})
		if !retry.Wait(ctx, pause) {
			return context.Cause(ctx)
		}
	}
}

// Connected is to be called when a unit has come; of an attempt, the first call counts.
func (l *Loop) Connected() {
	if l.connected {
		return
	}
	l.connected, l.fruitful, l.failures = true, true, 0
	l.Counts.live.Store(true)
	l.Counts.begun.Add(1)
	l.Counts.failures.Store(0)
	l.tell(frame.Pull{State: frame.PullConnected})
}

// Fruitful says that the attempt has brought no unit, but is no reason to wait longer than after one that did.
func (l *Loop) Fruitful() { l.fruitful = true }

func (l *Loop) tell(p frame.Pull) {
	if l.Hook != nil {
		p.Stream = l.Stream
		l.Hook(p)
	}
}

// Outcome returns what an attempt came to. Ended is why the stream ended, nil if it had not when the Handler returned: then the Handler
// refused it, or had enough of it, and the attempt is the last.
func Outcome(ended, returned error) (last bool, err error) {
	switch {
	case ended == nil:
		return true, returned
	case returned == nil || errors.Is(returned, ended):
		return false, ended
	}
	return false, errors.Join(ended, returned)
}
