package ingest

import (
	"container/list"
	"fmt"
	"net"
	"sync"
)

// DefaultPerSite is how many connections of one address there may be unless the Server says otherwise. A hundred cameras behind one
// router publish beside what their reconnecting takes; eight addresses fill a Server of 1024 connections, no fewer.
const DefaultPerSite = 128

// A Stage is how far a connection has come. Until it publishes it may have to give way to a new one.
type Stage int

// The Stages of a connection, in their order.
const (
	Silent     Stage = iota // it was accepted
	Heard                   // bytes came
	Greeted                 // the protocol has begun: the handshake of RTMP is complete, a request of RTSP was read
	Named                   // it said what it wants: connect of RTMP, ANNOUNCE of RTSP
	Publishing              // it stays
)

// A Door bounds the connections of a listener, and those of each site. When a bound is reached, a connection that does not publish
// yet gives way to the new one. It is of the Stage that most have come to, and has been there for the longest: those who hold many
// connections hurt themselves first, whether they say nothing, a little, or all but publish. All methods may be called at any time.
type Door struct {
	Max     int   // connections at a time
	PerSite int   // of one site; zero means DefaultPerSite, negative means no bound
	Err     error // is wrapped by the reasons why one is refused or gives way

	mu    sync.Mutex
	all   crowd
	sites map[Site]*crowd
}

// A crowd is a set of connections, by their Stages, those that have been there the longest first.
type crowd struct {
	size   int
	stages [Publishing]list.List // of *Place
}

// oldest returns who gives way; nil if there is nobody.
func (c *crowd) oldest() *Place {
	most := &c.stages[Silent]
	for i := range c.stages {
		if s := &c.stages[i]; s.Len() > most.Len() {
			most = s
		}
	}
	if most.Len() == 0 {
		return nil
	}
	return most.Front().Value.(*Place)
}

// A Place is that of a connection which was let in.
type Place struct {
	door   *Door
	site   Site
	here   *crowd // those of the site; nil if these are not bounded
	giveUp func(reason error)

	stage          Stage // Publishing also means that it has left
	left           bool
	inAll, inCrowd *list.Element
}

// Enter lets a connection in, or returns an error that says which bound is reached. Who has to give way has no Place from then on, and
// giveUp is called with the reason; that must close the connection and not wait.
func (d *Door) Enter(peer net.Addr, giveUp func(reason error)) (*Place, error) {
	p := &Place{door: d, site: SiteOf(peer), giveUp: giveUp}
	out, reason, err := d.enter(p)
	if out != nil {
		out.giveUp(reason)
	}
	return p, err
}

func (d *Door) enter(p *Place) (out *Place, reason, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	most := d.PerSite
	if most == 0 {
		most = DefaultPerSite
	}
	if p.site.Known() && most > 0 {
		if p.here = d.sites[p.site]; p.here == nil {
			p.here = new(crowd)
		}
	}
	switch {
	case p.here != nil && p.here.size >= most:
		out, reason = p.here.oldest(), fmt.Errorf("%w: more than %d connections of %v", d.Err, most, p.site)
	case d.all.size >= d.Max:
		out, reason = d.all.oldest(), fmt.Errorf("%w: more than %d connections", d.Err, d.Max)
	}
	switch {
	case out != nil:
		reason = fmt.Errorf("%w, and this one gave way to a new one", reason)
		out.leave()
	case reason != nil:
		return nil, nil, fmt.Errorf("%w, and all others publish", reason)
	}
	if p.here != nil {
		if d.sites == nil {
			d.sites = make(map[Site]*crowd)
		}
		d.sites[p.site] = p.here // again, if it was left by its last
		p.here.size++
	}
	d.all.size++
	p.queue()
	return out, reason, nil
}

// Reach says how far the connection has come. It does not go back.
func (p *Place) Reach(s Stage) {
	p.door.mu.Lock()
	defer p.door.mu.Unlock()
	if s <= p.stage {
		return
	}
	p.unqueue()
	p.stage = s
	p.queue()
}

// Leave gives the Place up. It may be called again.
func (p *Place) Leave() {
	p.door.mu.Lock()
	defer p.door.mu.Unlock()
	p.leave()
}

func (p *Place) leave() {
	if p.left {
		return
	}
	p.unqueue()
	p.left, p.stage = true, Publishing
	p.door.all.size--
	if p.here == nil {
		return
	}
	if p.here.size--; p.here.size == 0 {
		delete(p.door.sites, p.site)
	}
}

func (p *Place) queue() {
	if p.stage == Publishing {
		return
	}
	p.inAll = p.door.all.stages[p.stage].PushBack(p)
	if p.here != nil {
		p.inCrowd = p.here.stages[p.stage].PushBack(p)
	}
}

func (p *Place) unqueue() {
	if p.stage == Publishing {
		return
	}
	p.door.all.stages[p.stage].Remove(p.inAll)
	if p.here != nil {
		p.here.stages[p.stage].Remove(p.inCrowd)
	}
}
