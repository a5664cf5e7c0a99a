package ffmpeg

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
)

// Pictures come out of a queue in presentation order, and as soon as their worth is known.
func TestQueue(t *testing.T) {
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
			q := newQueue[int](func(i int) bool { return slices.Contains(tt.hidden, i) })
			for i := range g {
				q.add(g[i].PTS, g[i].Key)
			}
			for _, i := range tt.spoil {
				q.spoil(i, false)
			}
			for _, i := range tt.alone {
				q.spoil(i, true)
			}
			for n, step := range tt.steps {
				switch {
				case step == drain:
					q.drain()
				case step < 0:
					q.lose(-1 - step)
				default:
					q.put(step, step)
				}
				var got strings.Builder
				for {
					i, held, corrupt, none, ok := q.take()
					if !ok {
						break
					}
					if none {
						fmt.Fprintf(&got, "(%d)", i)
						continue
					}
					if i != held {
						t.Fatalf("unit %d has the picture of %d", i, held)
					}
					fmt.Fprint(&got, i)
					if corrupt {
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

// Timestamps in disorder do not make a queue hold a whole GOP.
func TestQueueBound(t *testing.T) {
	g := make(frame.GOP, 200)
	for i := range g {
		g[i].PTS = time.Duration(1 + i)
	}
	g[199].PTS = 0
	q := newQueue[int](func(int) bool { return false })
	taken := 0
	for i := range g {
		q.add(g[i].PTS, g[i].Key)
	}
	for i := range g {
		q.put(i, i)
		for {
			_, _, _, _, ok := q.take()
			if !ok {
				break
			}
			taken++
		}
		if q.holding > maxHeld {
			t.Fatalf("%d pictures held", q.holding)
		}
	}
	if taken != 199 || len(q.rest()) != 0 {
		t.Errorf("%d pictures", taken)
	}
}
