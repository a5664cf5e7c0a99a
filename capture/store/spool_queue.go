package store

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"slices"
	"time"

	"github.com/livestill/livestill/internal/minheap"
)

const leastCost = 4 << 10 // bytes that a file takes at least: a block of most file systems

// A spoolEntry is what is known of a file of a Spool: pending/NUMBER-RANDOM.EXT, or dead/NUMBER-RANDOM.EXT of a dead letter. Numbers count
// up with each Put. The rest of the name keeps the files of two processes apart on systems without locks.
type spoolEntry struct {
	number uint64
	file   string
	size   int64 // of the file
	image  int64 // bytes of the image in it
	put    time.Time
	dead   bool
	why    string // it is dead

	location string // as Put returned it, or would now; empty if that cannot be known
}

func newSpoolEntry(number uint64, extension string) *spoolEntry {
	return &spoolEntry{number: number, file: fmt.Sprintf("%020d-%s%s", number, rand.Text(), extension)}
}

// name is the file's, within the Spool.
func (e *spoolEntry) name() string {
	if e.dead {
		return deadFolder + "/" + e.file
	}
	return pendingFolder + "/" + e.file
}

// cost is what e counts for against Spool.MaxBytes.
func (e *spoolEntry) cost() int64 { return max(e.size, leastCost) }

// A spoolGroup has the entries with one key: the versions of one still. The last counts. Those before it are outdated, dead or not, and
// removed before anything else is done. Whoever works on the files claims the group: then nobody else does, until it is released.
type spoolGroup struct {
	minheap.Index // in the queue's due

	key     string        // by the empty Template; empty for files so damaged that it is not known, of which none is outdated
	entries []*spoolEntry // by number

	claimed  bool
	attempts int       // that failed while others succeeded; see Spool.countAttempt
	others   int       // deliveries of the Spool up to the last of these
	failures int       // in all
	due      time.Time // when the next attempt is
}

// Before puts first what is to be tried next: the oldest of those that did not fail, then by when they are due.
func (g *spoolGroup) Before(other *spoolGroup) bool {
	if !g.due.Equal(other.due) {
		return g.due.Before(other.due)
	}
	return g.entries[0].number < other.entries[0].number
}

// outdated returns the entries that do not count.
func (g *spoolGroup) outdated() []*spoolEntry {
	if g.key == "" || len(g.entries) == 0 {
		return nil
	}
	return slices.Clone(g.entries[:len(g.entries)-1])
}

// latest returns the entry that counts, nil if there is none.
func (g *spoolGroup) latest() *spoolEntry {
	if len(g.entries) == 0 {
		return nil
	}
	return g.entries[len(g.entries)-1]
}

// idle reports whether there is nothing to be done.
func (g *spoolGroup) idle() bool {
	return len(g.outdated()) == 0 && (g.latest() == nil || g.latest().dead)
}

// A spoolQueue is what is known of the files in a Spool. It is under the Spool's mutex, and touches no file itself.
type spoolQueue struct {
	groups  map[string]*spoolGroup    // by key
	due     minheap.Heap[*spoolGroup] // those that are neither claimed nor idle
	claimed int                       // groups
	pending int                       // entries
	bytes   int64                     // cost of the entries, and of those that are being written
	last    uint64                    // number
}

// add takes up an entry under its key. Its cost is in bytes already.
func (q *spoolQueue) add(key string, e *spoolEntry) {
	g := q.groups[key]
	if g == nil {
		g = &spoolGroup{key: key}
		q.groups[key] = g
	}
	if !e.dead {
		q.pending++
	}
	g.entries = append(g.entries, e)
	slices.SortStableFunc(g.entries, func(a, b *spoolEntry) int { return cmp.Compare(a.number, b.number) })
	if g.latest() == e {
		g.retryNow()
	}
	q.update(g)
}

// retryNow has a group treated as one that never failed.
func (g *spoolGroup) retryNow() { g.attempts, g.failures, g.due = 0, 0, time.Time{} }

// forget takes an entry out, whose file is gone.
func (q *spoolQueue) forget(g *spoolGroup, e *spoolEntry) {
	if i := slices.Index(g.entries, e); i >= 0 {
		g.entries = slices.Delete(g.entries, i, i+1)
		q.bytes -= e.cost()
		if !e.dead {
			q.pending--
		}
	}
	q.update(g)
}

// setDead says that the file of a pending entry has become a dead letter, of that size. The group is claimed.
func (q *spoolQueue) setDead(e *spoolEntry, size int64, why string) {
	q.bytes -= e.cost()
	e.size, e.dead, e.why = size, true, why
	q.bytes += e.cost()
	q.pending--
}

// setPending says that the file of a dead letter is pending again. The group is claimed.
func (q *spoolQueue) setPending(e *spoolEntry) {
	e.dead, e.why = false, ""
	q.pending++
}

// setClaimed says that a group is somebody's alone, or no more.
func (q *spoolQueue) setClaimed(g *spoolGroup, claimed bool) {
	g.claimed = claimed
	if claimed {
		q.claimed++
	} else {
		q.claimed--
	}
	q.update(g)
}

// update puts a group where it belongs after a change.
func (q *spoolQueue) update(g *spoolGroup) {
	if g.claimed || g.idle() {
		q.due.Remove(g)
	} else {
		q.due.Update(g)
	}
	if !g.claimed && len(g.entries) == 0 {
		delete(q.groups, g.key)
	}
}

// addTo fills in what Progress tells of the entries.
func (q *spoolQueue) addTo(p *Progress) {
	p.Bytes, p.Pending = q.bytes, q.pending
	for _, g := range q.groups {
		for _, e := range g.entries {
			if e.dead {
				p.Dead++
				continue
			}
			if p.Oldest.IsZero() || e.put.Before(p.Oldest) {
				p.Oldest = e.put
			}
		}
	}
}
