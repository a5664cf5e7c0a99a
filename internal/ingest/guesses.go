package ingest

import (
	"container/list"
	"net"
	"sync"
	"time"
)

const (
	freeGuesses = 5                      // an encoder whose password is mistyped tries once or twice, and so does its user
	perGuess    = 100 * time.Millisecond // that each guess beyond makes all logins of a site wait
	longestWait = 3 * time.Second        // RTSP encoders wait five to ten for an answer
	forget      = 10 * time.Second       // for one guess to be forgotten
	maxSites    = 4096                   // some 200 bytes each
)

// Guesses slows down those who guess at passwords. A site that showed many wrong ones has to wait for each answer, whether it is right
// or wrong, so that who hangs up early learns nothing. A right password is let in all the same. All methods may be called at any time.
type Guesses struct {
	mu     sync.Mutex
	sites  map[Site]*list.Element
	recent list.List // of *guesser, those that guessed last at the end
}

type guesser struct {
	site  Site
	wrong float64 // guesses that are not forgotten
	at    time.Time
}

// Wait returns how long to wait with the answer to a password.
func (g *Guesses) Wait(peer net.Addr) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	e := g.sites[SiteOf(peer)]
	if e == nil {
		return 0
	}
	over := e.Value.(*guesser).now() - freeGuesses
	return min(longestWait, time.Duration(max(0, over)*float64(perGuess)))
}

// Wrong says that a password was wrong.
func (g *Guesses) Wrong(peer net.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	site := SiteOf(peer)
	e := g.sites[site]
	switch {
	case g.sites == nil:
		g.sites = make(map[Site]*list.Element)
	case e != nil:
		g.recent.MoveToBack(e)
	case len(g.sites) >= maxSites:
		delete(g.sites, g.recent.Remove(g.recent.Front()).(*guesser).site)
	}
	if e == nil {
		e = g.recent.PushBack(&guesser{site: site, at: time.Now()})
		g.sites[site] = e
	}
	one := e.Value.(*guesser)
	most := freeGuesses + float64(longestWait/perGuess)
	one.wrong, one.at = min(one.now()+1, most), time.Now()
}

// now returns how many guesses are not forgotten.
func (g *guesser) now() float64 { return max(0, g.wrong-time.Since(g.at).Seconds()/forget.Seconds()) }
