package reorder

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
)

// Pictures come out of a Buffer in presentation order, and as soon as their worth is known.
func TestBuffer(t *testing.T) {
	// A step is a unit whose picture comes out (its index), that is lost (-1-index), or the end (drain).
	const drain = 100
	for _, tt := range []struct {
		name   string
		pts    string // by unit, in decoding order, a digit or letter each
		key    []int  // key units after the first
		spoil  []int
		alone  []int
		hidden []int
		steps  []int
		want   []string // what can be taken after each step; ! marks corrupt ones
	}{
		{name: "in order, each at once", pts: "012", steps: []int{0, 1, 2, drain}, want: []string{"0", "1", "2", ""}},
		{name: "reordered by the decoder", pts: "0312", steps: []int{0, 2, 3, 1, drain}, want: []string{"0", "", "", "231", ""}},
		{name: "given in decoding order, all the same", pts: "0312", steps: []int{0, 1, 2, 3, drain}, want: []string{"0", "", "2", "31", ""}},
		{name: "damage spreads to what was sent later, not to what was shown later", pts: "0312", spoil: []int{2},
			steps: []int{0, 2, 3, 1}, want: []string{"0", "", "", "2!3!1"}},
		{name: "damage that nothing refers to stays alone", pts: "0312", alone: []int{2},
			steps: []int{0, 2, 3, 1}, want: []string{"0", "", "", "2!31"}},
		{name: "a clean key unit ends it", pts: "0123", spoil: []int{1}, key: []int{3},
			steps: []int{0, 1, 2, 3}, want: []string{"0", "1!", "2!", "3"}},
		{name: "a unit without a picture spoils what follows", pts: "0123", steps: []int{0, -2, 2, 3}, want: []string{"0", "", "2!", "3!"}},
		{name: "unless it is meant to have none", pts: "0123", hidden: []int{1}, steps: []int{0, -2, 2, 3},
			want: []string{"0", "(1)", "2", "3"}},
		{name: "at the end nothing is waited for", pts: "0123", steps: []int{0, 2, 3, drain}, want: []string{"0", "", "", "2!3!"}},
		{name: "what is overdue is not waited for", pts: "0123456789abcdefghijk",
			steps: []int{0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 1, 19},
			want: []string{"0", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "",
				"2!3!4!5!6!7!8!9!10!11!12!13!14!15!16!17!18!", "", "19!"}},
		{name: "two pictures of one unit", pts: "01", steps: []int{0, 0, 1}, want: []string{"0", "", "1"}},
		{name: "equal times", pts: "000", steps: []int{0, 1, 2}, want: []string{"0", "1", "2"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var g frame.GOP
			for i, c := range tt.pts {
				g = append(g, frame.AccessUnit{PTS: time.Duration(c), Key: i == 0 || slices.Contains(tt.key, i)})
			}
			b := New[int](func(i int) bool { return slices.Contains(tt.hidden, i) })
			for i := range g {
				b.Add(g[i].PTS, g[i].Key)
			}
			for _, i := range tt.spoil {
				b.Damage(i, false)
			}
			for _, i := range tt.alone {
				b.Damage(i, true)
			}
			for n, step := range tt.steps {
				switch {
				case step == drain:
					b.Drain()
				case step < 0:
					b.Lose(-1 - step)
				default:
					b.Put(step, step)
				}
				var got strings.Builder
				for {
					o, ok := b.Next()
					if !ok {
						break
					}
					if o.Hidden {
						fmt.Fprintf(&got, "(%d)", o.Unit)
						continue
					}
					if o.Unit != o.Picture {
						t.Fatalf("unit %d has the picture of %d", o.Unit, o.Picture)
					}
					fmt.Fprint(&got, o.Unit)
					if o.Corrupt {
						got.WriteByte('!')
					}
				}
				if got.String() != tt.want[n] {
					t.Errorf("step %d: %q, want %q", n, got.String(), tt.want[n])
				}
			}
		})
	}
}

// Timestamps in disorder do not make a Buffer keep a whole GOP.
func TestBufferBound(t *testing.T) {
	g := make(frame.GOP, 200)
	for i := range g {
		g[i].PTS = time.Duration(1 + i)
	}
	g[199].PTS = 0
	b := New[int](func(int) bool { return false })
	taken := 0
	for i := range g {
		b.Add(g[i].PTS, g[i].Key)
	}
	for i := range g {
		b.Put(i, i)
		for {
			_, ok := b.Next()
			if !ok {
				break
			}
			taken++
		}
		if b.buffered > maxBuffered {
			t.Fatalf("%d pictures buffered", b.buffered)
		}
	}
	if taken != 199 || len(b.Rest()) != 0 {
		t.Errorf("%d pictures", taken)
	}
}

// A million units of one GOP go through a Buffer, whatever their order and what becomes of them. If each took time by how many came before it,
// this would take hours.
func TestBufferIsLinear(t *testing.T) {
	const n = 1_000_000
	for name, tt := range map[string]struct {
		pts  func(i int) int
		came func(b *Buffer[int], i int)
	}{
		"in order, and each is seen": {func(i int) int { return i }, func(b *Buffer[int], i int) { b.Put(i, i) }},
		"backwards, and none comes":  {func(i int) int { return -i }, func(*Buffer[int], int) {}},
		"backwards, and each comes":  {func(i int) int { return -i }, func(b *Buffer[int], i int) { b.Put(i, i) }},
		"in disorder, none comes":    {func(i int) int { return i * 7919 % n }, func(*Buffer[int], int) {}},
		"the first is damaged": {func(i int) int { return i }, func(b *Buffer[int], i int) {
			if i == 0 {
				b.Damage(i, false)
			}
			b.Put(i, i)
		}},
		"the first is found damaged again and again": {func(i int) int { return i }, func(b *Buffer[int], i int) {
			b.Put(i, i)
			b.Damage(0, false)
		}},
		"each is lost": {func(i int) int { return i }, func(b *Buffer[int], i int) { b.Lose(i) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := New[int](func(int) bool { return false })
			take := func() {
				for ok := true; ok; {
					_, ok = b.Next()
				}
			}
			for i := range n {
				b.Add(time.Duration(tt.pts(i)), i == 0)
				tt.came(b, i)
				take()
			}
			b.Drain()
			take()
			if len(b.show) != 0 || b.buffered != 0 || b.settled != n {
				t.Errorf("%d units are left, %d buffered, %d settled", len(b.show), b.buffered, b.settled)
			}
		})
	}
}

// A Buffer keeps nothing of the units of an endless GOP that are dealt with, but whether they were damaged.
func TestBufferForgets(t *testing.T) {
	for _, damaged := range []int{-1, 0, 3000} {
		b := New[int](func(int) bool { return false })
		shown := 0
		for i := range 100_000 {
			pts := i
			if i%3 > 0 { // two of three are shown in the other order
				pts = i + 3 - 2*(i%3)
			}
			b.Add(time.Duration(pts), i == 0)
			if i == damaged {
				b.Damage(i, false)
			}
			b.Put(i, i)
			b.Put(b.First()-1, i) // which is nothing
			b.Lose(b.First() - 1)
			for {
				o, ok := b.Next()
				if !ok {
					break
				}
				if o.Corrupt != (damaged >= 0 && o.Unit >= damaged) {
					t.Fatalf("unit %d, with damage in %d: corrupt %v", o.Unit, damaged, o.Corrupt)
				}
				shown++
			}
			if kept := i + 1 - b.First(); kept > 2*few || shown < i-4 {
				t.Fatalf("after %d units, %d are kept, %d shown", i+1, kept, shown)
			}
		}
	}
}
