package e2e_test

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/bitstream"
)

// A shot is a unit of a damaged stream, and the picture that it shows in the undamaged one.
type shot struct {
	frame.AccessUnit
	from  *source
	shows time.Duration // its PTS there
}

func (s *source) shots(gop int) (shots []shot) {
	for _, u := range s.gops[gop] {
		shots = append(shots, shot{u, s, u.PTS})
	}
	return shots
}

// A wreck is a GOP to be damaged, and what there is to damage it with.
type wreck struct {
	*rand.Rand
	at          int // which GOP it is
	shots       []shot
	next, other []shot // the GOP after it, and one of another stream
}

func newWreck(r *rand.Rand, a, b *source) *wreck {
	at := r.IntN(len(a.gops) - 1) // of the newest a capture waits for more to come
	w := &wreck{r, at, a.shots(at), a.shots((at + 1) % len(a.gops)), b.shots(at % len(b.gops))}
	n := min(len(w.shots), len(w.next), len(w.other))
	w.shots, w.next, w.other = w.shots[:n], w.next[:n], w.other[:n]
	return w
}

// Kinds of damage, by what tells of it.
const (
	bits   = "bits "   // within a slice: the decoder, if anything does
	inSets = "sets "   // of parameters: those of other GOPs
	slice  = "slice "  // a whole one: that the picture is not covered
	gap    = "gap "    // units missing, or in another order: what each says of those that it refers to
	jump   = "jump "   // to another place: the same, unless all that lies between is units that nothing refers to
	splice = "splice " // of units that fit: nothing
)

// A damage breaks a GOP, and returns the index of the first unit that is not as it was, -1 if there is nothing of the kind to break.
type damage struct {
	kind, name string
	do         func(w *wreck) int
}

func damages() []damage {
	flip := func(most int) func(w *wreck) int {
		return func(w *wreck) int {
			return w.edit(w.unit(0), func(b []byte) []byte { return w.flip(b, 1+w.IntN(most)) })
		}
	}
	return []damage{
		{bits, "a flipped bit", flip(1)},
		{bits, "up to 20 flipped bits", flip(20)},
		{bits, "a flipped bit in each unit", func(w *wreck) int {
			for i := range w.shots {
				w.edit(i, func(b []byte) []byte { return w.flip(b, 1) })
			}
			return 0
		}},
		{bits, "a run of noise", func(w *wreck) int { return w.edit(w.unit(0), w.noise) }},
		{bits, "a hole", func(w *wreck) int {
			return w.edit(w.unit(0), func(b []byte) []byte {
				at := w.IntN(len(b) - 1)
				return append(b[:at], b[min(len(b), at+1+w.IntN(200)):]...)
			})
		}},
		{bits, "a truncated unit", func(w *wreck) int {
			return w.edit(w.unit(0), func(b []byte) []byte { return b[:1+w.IntN(len(b)-1)] })
		}},
		{inSets, "a flipped bit in a parameter set", func(w *wreck) int {
			return w.nal(0, true, func(n []byte) [][]byte { return [][]byte{w.flip(bytes.Clone(n), 1)} })
		}},
		{inSets, "a missing parameter set", func(w *wreck) int { return w.nal(0, true, func([]byte) [][]byte { return nil }) }},
		{slice, "a missing slice", func(w *wreck) int { return w.nal(w.unit(0), false, func([]byte) [][]byte { return nil }) }},
		{gap, "a dropped unit", func(w *wreck) int { return w.drop(1) }},
		{gap, "dropped units", func(w *wreck) int { return w.drop(2 + w.IntN(4)) }},
		{gap, "swapped units", func(w *wreck) int {
			if len(w.shots) < 3 {
				return -1
			}
			i := 1 + w.IntN(len(w.shots)-2)
			j := i + 1 + w.IntN(len(w.shots)-i-1)
			w.shots[i], w.shots[j] = w.shots[j], w.shots[i]
			return i
		}},
		{splice, "a unit of another stream", func(w *wreck) int { return w.splice(w.other, true, 1) }},
		{splice, "a unit of the next GOP", func(w *wreck) int { return w.splice(w.next, true, 1) }},
		{splice, "on with another stream", func(w *wreck) int { return w.splice(w.other, true, len(w.shots)) }},
		{splice, "on with the next GOP", func(w *wreck) int { return w.splice(w.next, true, len(w.shots)) }},
		{jump, "on with another stream elsewhere", func(w *wreck) int { return w.splice(w.other, false, len(w.shots)) }},
		{jump, "on with the next GOP elsewhere", func(w *wreck) int { return w.splice(w.next, false, len(w.shots)) }},
	}
}

// unit picks a unit of those from an index on.
func (w *wreck) unit(from int) int { return from + w.IntN(len(w.shots)-from) }

func (w *wreck) edit(i int, fn func(b []byte) []byte) int {
	w.shots[i].Data = fn(bytes.Clone(w.shots[i].Data))
	return i
}

func (w *wreck) flip(b []byte, n int) []byte {
	at := w.IntN(len(b))
	for range n {
		b[min(len(b)-1, at+w.IntN(n))] ^= 1 << w.IntN(8)
	}
	return b
}

func (w *wreck) noise(b []byte) []byte {
	at := w.IntN(len(b))
	for i := at; i < min(len(b), at+1+w.IntN(100)); i++ {
		b[i] = byte(w.Uint32())
	}
	return b
}

// drop leaves units out.
func (w *wreck) drop(n int) int {
	if len(w.shots) < 2 {
		return -1
	}
	i := w.unit(1)
	w.shots = slices.Delete(w.shots, i, min(i+n, len(w.shots)))
	return i
}

// splice puts n units at the time of others: those at the same place in their GOP, or elsewhere.
func (w *wreck) splice(with []shot, fits bool, n int) int {
	others := len(w.shots) - 1
	if others < 2 {
		return -1
	}
	i := w.unit(1)
	from := i
	if !fits {
		from = 1 + (i+w.IntN(others-1))%others
	}
	for k := 0; k < n && max(i, from)+k < len(w.shots); k++ {
		s := &w.shots[i+k]
		s.Data, s.from, s.shows = with[from+k].Data, with[from+k].from, with[from+k].shows
	}
	return i
}

// nal puts others in the place of a parameter set, or of one slice of several, of unit i.
func (w *wreck) nal(i int, set bool, with func(n []byte) [][]byte) (at int) {
	nals := bitstream.SplitAnnexB(nil, w.shots[i].Data)
	var these []int
	for k, n := range nals {
		isSlice, isSet := false, false
		switch w.shots[i].Codec {
		case frame.H264:
			kind := n[0] & 0x1f
			isSlice, isSet = kind == 1 || kind == 5, kind == 7 || kind == 8
		case frame.H265:
			kind := n[0] >> 1 & 0x3f
			isSlice, isSet = kind < 32, kind >= 32 && kind <= 34
		default:
		}
		if set && isSet || !set && isSlice {
			these = append(these, k)
		}
	}
	if len(these) == 0 || !set && len(these) == 1 {
		return -1
	}
	k := these[w.IntN(len(these))]
	w.shots[i].Data = nil
	for _, n := range slices.Replace(nals, k, k+1, with(nals[k])...) {
		w.shots[i].Data = append(append(w.shots[i].Data, 0, 0, 0, 1), n...)
	}
	return i
}
