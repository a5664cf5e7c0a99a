package ingest

import (
	"container/list"
	"context"
	"errors"
	"io/fs"
	"net"
	"sync"
	"time"

	"github.com/livestill/livestill/internal/retry"
)

const (
	freeGuesses = 5                      // an encoder whose password is mistyped tries once or twice, and so does its user
	perGuess    = 100 * time.Millisecond // that each guess beyond makes the next of a site wait
	longestWait = 3 * time.Second        // RTSP encoders wait five to ten for an answer
	forget      = 10 * time.Second       // for one guess to be forgotten
	maxSites    = 4096                   // some 200 bytes each
)

// ErrGuessing refuses a publisher whose password or token was not looked at, since those of its site are looked at one after the other.
var ErrGuessing = errors.New("too many wrong passwords, tokens or names from this address; try again later")

// Guesses slows down those who guess at passwords, at tokens in URLs and at names of streams. A site that showed many wrong ones is slow:
// it waits before each is looked at, and while one waits no other is. So a guess costs the same by one connection or by many, right or
// wrong, and who hangs up early learns nothing. All methods may be called at any time.
type Guesses struct {
	// Off lets all guess: where many are behind one address, as behind a proxy, one of them would slow down all.
	Off bool

	mu     sync.Mutex
	sites  map[Site]*list.Element
	recent list.List // of *guesser, those that guessed last at the end
}

// IsGuess reports whether a Handler's refusal may be for what a publisher showed. That a stream of the name is live, which is an fs.ErrExist,
// is not: an encoder that reconnects is refused so until the end of its old connection is noticed.
func IsGuess(refusal error) bool { return !errors.Is(refusal, fs.ErrExist) }

type guesser struct {
	site    Site
	wrong   float64 // guesses that are not forgotten
	at      time.Time
	waiting bool // one of the site waits, or is looked at after it has waited
}

// Begin is to be called before what a publisher shows is looked at. It waits if the site is slow, for longest at most. An error says that
// nothing must be looked at: ErrGuessing, or the cause of ctx, which is to end with the connection. Else done must be called, which says
// whether the guess was wrong.
func (g *Guesses) Begin(ctx context.Context, peer net.Addr, longest time.Duration) (done func(wrong bool), err error) {
	site := SiteOf(peer)
	if g.Off || !site.Known() {
		return func(bool) {}, nil
	}
	wait, err := g.delay(site)
	if err != nil {
		return nil, err
	}
	if wait > 0 && !retry.Wait(ctx, min(wait, longest)) {
		g.end(site, true, 0)
		return nil, context.Cause(ctx)
	}
	return func(wrong bool) {
		var more float64
		if wrong {
			more = 1
		}
		g.end(site, wait > 0, more)
	}, nil
}

// Slow tells whether a site has shown so many wrong guesses that it has to wait.
func (g *Guesses) Slow(peer net.Addr) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	e := g.sites[SiteOf(peer)]
	return e != nil && e.Value.(*guesser).now() > freeGuesses
}

// Forgive takes one wrong guess back.
func (g *Guesses) Forgive(peer net.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if e := g.sites[SiteOf(peer)]; e != nil {
		e.Value.(*guesser).add(-1)
	}
}

// delay returns how long to wait. If that is not zero, the caller is the one of its site that waits.
func (g *Guesses) delay(site Site) (wait time.Duration, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	e := g.sites[site]
	if e == nil {
		return 0, nil
	}
	one := e.Value.(*guesser)
	over := one.now() - freeGuesses
	switch {
	case one.waiting:
		return 0, ErrGuessing
	case over <= 0:
		return 0, nil
	}
	one.waiting = true
	return min(longestWait, max(1, time.Duration(over*float64(perGuess)))), nil
}

// end lets the next of a site wait if this one has waited, and adds wrong guesses.
func (g *Guesses) end(site Site, waited bool, wrong float64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	e := g.sites[site]
	switch {
	case e != nil:
	case wrong == 0:
		return
	case g.sites == nil:
		g.sites = make(map[Site]*list.Element)
	case len(g.sites) >= maxSites:
		delete(g.sites, g.recent.Remove(g.recent.Front()).(*guesser).site)
	}
	if e == nil {
		e = g.recent.PushBack(&guesser{site: site, at: time.Now()})
		g.sites[site] = e
	}
	one := e.Value.(*guesser)
	if waited {
		one.waiting = false
	}
	if wrong > 0 {
		g.recent.MoveToBack(e)
		one.add(wrong)
	}
}

// add adds wrong guesses to those that are not forgotten.
func (g *guesser) add(wrong float64) {
	const most = freeGuesses + float64(longestWait/perGuess)
	g.wrong, g.at = max(0, min(g.now()+wrong, most)), time.Now()
}

// now returns how many guesses are not forgotten.
func (g *guesser) now() float64 { return max(0, g.wrong-time.Since(g.at).Seconds()/forget.Seconds()) }
