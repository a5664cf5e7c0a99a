package sched

import (
	"bytes"
	"math/bits"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/bitstream"
)

// Cost returns what the Decoder says of a GOP, and what it takes to turn its pictures; zero if it says nothing.
func (s *Scheduler) Cost(g frame.GOP) frame.Cost {
	if s.coster == nil {
		return frame.Cost{}
	}
	return s.costs.of(gopID(g), func() (frame.Cost, bool) {
		const most = 1 << 50 // bytes: more than any machine has, and no sum of some overflows
		cost := s.coster.Cost(g[0])
		cost = frame.Cost{Picture: min(max(cost.Picture, 0), most), Decoding: min(max(cost.Decoding, 0), most)}
		return s.turning(cost), true
	})
}

// hasFields reports whether pictures of a GOP may have two fields, as far as the Decoder tells.
func (s *Scheduler) hasFields(g frame.GOP) bool {
	return s.fielder != nil && s.fields.of(gopID(g), func() (bool, bool) { return s.fielder.Fields(g[0]), true })
}

// Trusted returns how many of the units of a remembered GOP can be trusted as far as is known without decoding: those before the first that is
// lost, or none if its header is damaged.
func (s *Scheduler) Trusted(g frame.GOP) int {
	if s.header != nil && s.verdict(g) {
		return 0
	}
	return firstLost(g)
}

// firstLost returns the index of the first unit of g that is not whole or was forgotten, len(g) if all are there.
func firstLost(g frame.GOP) int {
	for i := range g {
		if g[i].Lost || g[i].Data == nil {
			return i
		}
	}
	return len(g)
}

// isClosed reports whether no picture of a GOP refers to what came before it, as far as its key unit says.
func (s *Scheduler) isClosed(g frame.GOP) bool {
	return s.closed.of(gopID(g), func() (bool, bool) { return bitstream.Closed(g[0].Codec, g[0].Data), true })
}

// A header that is longer is not kept: those that encoders make are a tenth of it.
const mostHeader = 16 << 10

// headerOf returns the header of a GOP.
func (s *Scheduler) headerOf(g frame.GOP) []byte {
	return s.headers.of(gopID(g), func() ([]byte, bool) {
		header := s.header.Header(g[0])
		if len(header) > mostHeader {
			return header, false
		}
		return bytes.Clone(header), true // it may be a part of the unit, which is to be forgotten
	})
}

// How many bits of a header damage changes at most, when nothing follows yet that would tell a change for good from damage. It is for one
// flipped bit or two: a change for good changes more.
const mostFlipped = 2

// So many verdicts are kept. A capture looks into 60 GOPs at most for a picture that stands in for another. There are three verdicts on each: when
// it comes, and when the two after it come.
const mostVerdicts = 3 * 60

// Surroundings are what a verdict depends on: a GOP, and up to two before it and two after it.
type surroundings struct {
	gops  [5]ID
	n, at int // how many there are, and which of them the verdict is on
}

// verdict reports whether the header of a GOP is damaged, as far as those around it tell. It is found again only when these are others.
func (s *Scheduler) verdict(g frame.GOP) (damaged bool) {
	gops, at := s.History.Around(g, 2)
	if at < 0 {
		return false
	}
	around := surroundings{n: len(gops), at: at}
	for i, g := range gops {
		around.gops[i] = gopID(g)
	}
	return s.verdicts.of(around, func() (bool, bool) { return s.odd(gops, at), true })
}

// odd reports whether the header of gops[i] is damaged: if it differs from those of the GOPs before and after it, which are the same. At
// either end of what is remembered it must differ from those of two others, and that hardly at all: a stream that changes for good
// changes more.
func (s *Scheduler) odd(gops []frame.GOP, i int) bool {
	mine := s.headerOf(gops[i])
	same := func(k int) bool { return k >= 0 && k < len(gops) && bytes.Equal(s.headerOf(gops[k]), mine) }
	if same(i-1) || same(i+1) {
		return false
	}
	switch last := len(gops) - 1; {
	case last < 2:
		return false
	case i > 0 && i < last:
		alternates := same(i-2) || same(i+2) // a stream may change its header and change it back
		return !alternates && bytes.Equal(s.headerOf(gops[i-1]), s.headerOf(gops[i+1]))
	case i == 0:
		return s.slipped(mine, gops[1], gops[2])
	default:
		return s.slipped(mine, gops[i-1], gops[i-2])
	}
}

// slipped reports whether a header at the end of what is remembered is damaged, by the two GOPs that are nearest.
func (s *Scheduler) slipped(mine []byte, nearest, next frame.GOP) bool {
	other := s.headerOf(nearest)
	return bytes.Equal(other, s.headerOf(next)) && flipped(mine, other) <= mostFlipped
}

// flipped returns how many bits of two headers differ.
func flipped(a, b []byte) (n int) {
	if len(a) != len(b) {
		return 8 * max(len(a), len(b))
	}
	for i := range a {
		n += bits.OnesCount8(a[i] ^ b[i])
	}
	return n
}
