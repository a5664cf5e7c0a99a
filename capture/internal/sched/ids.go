package sched

import (
	"time"

	"github.com/livestill/livestill/frame"
)

// An ID tells the pictures of a stream apart, and the units that they are decoded from.
type ID struct {
	pts    time.Duration
	time   int64
	second bool // of two fields; false of a unit
}

// IDOf returns the ID of the picture that is shown at such times.
func IDOf(pts time.Duration, t time.Time) ID { return ID{pts: pts, time: t.UnixNano()} }

// IDOf returns the ID of the picture that is wanted, as far as it is known before that is decoded.
func (s *Scheduler) IDOf(w Wanted) ID {
	id := IDOf(w.GOP[w.Unit].PTS, w.GOP[w.Unit].Time)
	id.second = w.Second && s.hasFields(w.GOP)
	return id
}

// PictureID returns the ID of a picture, which may be of one of two fields.
func PictureID(p *frame.Picture) ID {
	return ID{p.PTS, p.Time.UnixNano(), p.Changes&frame.SecondField != 0}
}

// Is reports whether the picture is that of u.
func (id ID) Is(u *frame.AccessUnit) bool { return u.PTS == id.pts && u.Time.UnixNano() == id.time }

// In reports whether the picture is that of a unit of g.
func (id ID) In(g frame.GOP, unit int) bool { return unit < len(g) && id.Is(&g[unit]) }

// A unitID tells units apart, by the GOP that decoding begins with and their number in it.
type unitID struct {
	gop    ID
	number int
	second bool // as in Wanted
}

// gopID returns the ID of the key unit of g.
func gopID(g frame.GOP) ID { return IDOf(g[0].PTS, g[0].Time) }

// Same reports whether two GOPs are the same one, of which one may have more units.
func Same(a, b frame.GOP) bool { return a[0].PTS == b[0].PTS && a[0].Time.Equal(b[0].Time) }

// Later reports whether unit i of g is shown after unit j; of equal times the order of decoding decides.
func Later(g frame.GOP, i, j int) bool { return g[i].PTS > g[j].PTS || g[i].PTS == g[j].PTS && i > j }
