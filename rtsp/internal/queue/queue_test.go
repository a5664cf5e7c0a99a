package queue_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/rtsp/internal/queue"
)

// TestQueue pushes units whose first byte counts them, and writes what is popped as number, k for key and ! for lost.
func TestQueue(t *testing.T) {
	const mib = 1 << 20
	push := func(q *queue.Queue, from, to, size int) {
		for n := from; n < to; n++ {
			data := make([]byte, size)
			data[0] = byte(n)
			q.Push(frame.AccessUnit{Key: n%100 == 0, Data: data})
		}
	}
	pop := func(q *queue.Queue, n int) string {
		var b strings.Builder
		for range n {
			u, ok := q.Pop()
			if !ok {
				break
			}
			fmt.Fprintf(&b, " %d", u.Data[0])
			if u.Key {
				b.WriteByte('k')
			}
			if u.Lost {
				b.WriteByte('!')
			}
		}
		return b.String()
	}
	for _, test := range []struct {
		about string
		do    func(q *queue.Queue) string
		want  string
		drops int
	}{
		{"in the order they came", func(q *queue.Queue) string {
			push(q, 0, 3, 1)
			return pop(q, 9)
		}, " 0k 1 2", 0},
		{"too many: one tells of the loss, the rest goes up to the next key unit", func(q *queue.Queue) string {
			push(q, 1, 260, 1) // 257, of byte 1, does not fit
			first := pop(q, 254) + pop(q, 2)
			push(q, 260, 303, 1)
			return first[len(first)-len(" 254 255 1!"):] + pop(q, 9)
		}, " 254 255 1! 44k 45 46", 43},
		{"a key unit that does not fit either is skipped", func(q *queue.Queue) string {
			push(q, 1, 258, 1)
			push(q, 300, 302, 1)
			pop(q, 255)
			push(q, 302, 303, 1)
			last := pop(q, 9)
			push(q, 400, 402, 1)
			return last + pop(q, 9)
		}, " 1! 144k 145", 4},
		{"too large", func(q *queue.Queue) string {
			push(q, 0, 3, 7*mib)
			push(q, 3, 4, 1)
			first := pop(q, 2)
			push(q, 100, 102, 7*mib)
			return first + pop(q, 9)
		}, " 0k 2! 100k 101", 2},
		{"one that is larger than all may be", func(q *queue.Queue) string {
			push(q, 0, 2, 20*mib)
			return pop(q, 9)
		}, " 1!", 1},
	} {
		q := queue.New()
		if got := test.do(q); got != test.want {
			t.Errorf("%s: got%s, want%s", test.about, got, test.want)
		}
		if n := q.Dropped(); n != test.drops {
			t.Errorf("%s: %d are dropped, want %d", test.about, n, test.drops)
		}
		select {
		case <-q.Ready():
		default:
			t.Errorf("%s: not ready", test.about)
		}
	}
}

// TestFirstUnitWaits has the first unit be ready after a moment, or when the next comes. Until then it can be retracted.
func TestFirstUnitWaits(t *testing.T) {
	part, whole, next := []byte{1}, []byte{1, 2}, []byte{3}
	for _, test := range []struct {
		about string
		push  []frame.AccessUnit
		flush bool
		wait  time.Duration
		want  string
	}{
		{"it waits", []frame.AccessUnit{{Key: true, Data: part}}, false, 9 * time.Millisecond, "[]"},
		{"not for long", []frame.AccessUnit{{Key: true, Data: part}}, false, 11 * time.Millisecond, "[[1]]"},
		{"not at the end", []frame.AccessUnit{{Key: true, Data: part}}, true, 0, "[[1]]"},
		{"not when another comes", []frame.AccessUnit{{Key: true, Data: part}, {Data: next, PTS: 1}}, false, 0, "[[1] [3]]"},
		{"it is retracted", []frame.AccessUnit{{Key: true, Data: part}, {}, {Key: true, Data: whole}}, false, 11 * time.Millisecond, "[[1 2]]"},
		{"it is retracted, and another comes", []frame.AccessUnit{{Key: true, Data: part}, {}, {Key: true, Data: whole}, {Data: next, PTS: 1}}, false, 0,
			"[[1 2] [3]]"},
		{"it is retracted too late", []frame.AccessUnit{{Key: true, Data: part}, {Data: next}, {}, {Data: next}}, false, 0, "[[1] [3] [3]]"},
	} {
		synctest.Test(t, func(t *testing.T) {
			q := queue.New()
			for _, u := range test.push {
				if len(u.Data) == 0 {
					q.Retract()
					continue
				}
				q.Push(u)
			}
			if test.flush && !q.Flush() {
				t.Error("nothing waits")
			}
			time.Sleep(test.wait) // of the bubble's clock
			synctest.Wait()
			left := q.Bytes()
			var got [][]byte
			for u, ok := q.Pop(); ok; u, ok = q.Pop() {
				got = append(got, u.Data)
				left -= len(u.Data)
			}
			if fmt.Sprint(got) != test.want || left != 0 && test.want != "[]" {
				t.Errorf("%s: %v, want %s; %d bytes are left", test.about, got, test.want, left)
			}
			time.Sleep(time.Second)
		})
	}
}
