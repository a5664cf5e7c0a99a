package ingest

import (
	"container/list"
	"fmt"
	"net"
	"sync"
	"time"
)

// DefaultPerSite is how many connections of one address there may be unless the Server says otherwise. A hundred cameras behind one
// router publish beside what their reconnecting takes; eight addresses fill a listener of 1024 connections, no fewer.
const DefaultPerSite = 128

// A Stage is how far a connection has come. Until it publishes it may be evicted for a new one.
type Stage int

// The Stages of a connection, in their order.
const (
	Silent     Stage = iota // it was accepted
	Heard                   // bytes came
	Greeted                 // the protocol has begun: the handshake of RTMP is complete, a request of RTSP was read
	Named                   // it said what it wants: connect of RTMP, ANNOUNCE of RTSP
	Accepted                // the Handler has accepted its stream
	Publishing              // video came: it stays, unless no more comes for long
	Leaving                 // all was said, and it has time to hang up
	stages
)

// A publisher that sends no video for so long is evicted, if nobody else can be. Encoders that stall for longer are about to reconnect.
const stalled = 10 * time.Second

// A Limiter bounds the connections of a listener, and those of each site. When a bound is reached, a connection that is Leaving is evicted
// for the new one, else one that does not publish yet. It is of the Stage that most have come to, and has been there for the longest: those
// who open many connections hurt themselves first, whether they say nothing, a little, or all but publish. When all publish, it is the one
// whose video came the longest ago, if it has stalled. All methods may be called at any time.
type Limiter struct {
	Max     int // connections at a time
	PerSite int // of one site; zero means DefaultPerSite, negative means no bound

	mu    sync.Mutex
	all   group
	sites map[Site]*group
}

// A group is a set of connections, by their Stages, those that have been there the longest first.
type group struct {
	size   int
	stages [stages]list.List // of *Admission
}

// oldest returns who is to be evicted; nil if there is nobody.
func (g *group) oldest() *Admission {
	most := &g.stages[Leaving]
	for i := Silent; i < Publishing && g.stages[Leaving].Len() == 0; i++ {
		if s := &g.stages[i]; s.Len() > most.Len() {
			most = s
		}
	}
	if most.Len() == 0 {
		return g.stalled()
	}
	return most.Front().Value.(*Admission)
}

// stalled returns the publisher whose video came the longest ago; nil if none has stalled.
func (g *group) stalled() (a *Admission) {
	since := time.Now().Add(-stalled)
	for e := g.stages[Publishing].Front(); e != nil; e = e.Next() {
		if one := e.Value.(*Admission); one.video.Before(since) {
			a, since = one, one.video
		}
	}
	return a
}

// An Admission is that of a connection which was let in.
type Admission struct {
	limiter *Limiter
	site    Site
	ofSite  *group // the connections of the site; nil if these are not bounded
	evict   func(reason error)

	stage         Stage
	video         time.Time // when the Limiter heard last that video came
	left          bool
	inAll, inSite *list.Element
}

// Admit lets a connection in, or returns an ErrLimit that says which bound is reached. Who is evicted has no Admission from then on,
// and evict is called with the reason, an ErrLimit too; that must close the connection and not wait.
func (l *Limiter) Admit(peer net.Addr, evict func(reason error)) (*Admission, error) {
	a := &Admission{limiter: l, site: SiteOf(peer), evict: evict}
	out, reason, err := l.admit(a)
	if out != nil {
		out.evict(reason)
	}
	return a, err
}

func (l *Limiter) admit(a *Admission) (out *Admission, reason, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	most := l.PerSite
	if most == 0 {
		most = DefaultPerSite
	}
	if a.site.Known() && most > 0 {
		if a.ofSite = l.sites[a.site]; a.ofSite == nil {
			a.ofSite = new(group)
		}
	}
	switch {
	case a.ofSite != nil && a.ofSite.size >= most:
		out, reason = a.ofSite.oldest(), LimitError("more than %d connections of %v", most, a.site)
	case l.all.size >= l.Max:
		out, reason = l.all.oldest(), LimitError("more than %d connections", l.Max)
	}
	switch {
	case out != nil:
		reason = fmt.Errorf("%w, and this one was evicted for a new one", reason)
		out.leave()
	case reason != nil:
		return nil, nil, fmt.Errorf("%w, and all others publish", reason)
	}
	if a.ofSite != nil {
		if l.sites == nil {
			l.sites = make(map[Site]*group)
		}
		l.sites[a.site] = a.ofSite // again, if it was left by its last
		a.ofSite.size++
	}
	l.all.size++
	a.queue()
	return out, reason, nil
}

// Evict evicts one whose stream was accepted, where there may be no more streams: of which no video has come yet, for the longest,
// or else one that has stalled. It tells whether there is one.
func (l *Limiter) Evict(reason error) bool {
	out := l.accepted()
	if out == nil {
		return false
	}
	out.evict(fmt.Errorf("%w, and this one was evicted for a new one", reason))
	return true
}

// accepted takes the Admission from who is to be evicted of those whose stream was accepted; it returns nil if there is nobody.
func (l *Limiter) accepted() (out *Admission) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if front := l.all.stages[Accepted].Front(); front != nil {
		out = front.Value.(*Admission)
	} else {
		out = l.all.stalled()
	}
	if out != nil {
		out.leave()
	}
	return out
}

// Advance says how far the connection has come; it does not go back. A publisher says it again when more video comes.
func (a *Admission) Advance(s Stage) {
	a.limiter.mu.Lock()
	defer a.limiter.mu.Unlock()
	if a.left || s < a.stage {
		return
	}
	a.video = time.Now()
	if s > a.stage {
		a.unqueue()
		a.stage = s
		a.queue()
	}
}

// Leave gives the Admission up. It may be called again.
func (a *Admission) Leave() {
	a.limiter.mu.Lock()
	defer a.limiter.mu.Unlock()
	a.leave()
}

func (a *Admission) leave() {
	if a.left {
		return
	}
	a.unqueue()
	a.left = true
	a.limiter.all.size--
	if a.ofSite == nil {
		return
	}
	if a.ofSite.size--; a.ofSite.size == 0 {
		delete(a.limiter.sites, a.site)
	}
}

func (a *Admission) queue() {
	a.inAll = a.limiter.all.stages[a.stage].PushBack(a)
	if a.ofSite != nil {
		a.inSite = a.ofSite.stages[a.stage].PushBack(a)
	}
}

func (a *Admission) unqueue() {
	a.limiter.all.stages[a.stage].Remove(a.inAll)
	if a.ofSite != nil {
		a.ofSite.stages[a.stage].Remove(a.inSite)
	}
}
