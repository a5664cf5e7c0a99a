package minheap_test

import (
	"slices"
	"testing"

	"github.com/livestill/livestill/internal/minheap"
)

type number struct {
	minheap.Index
	n byte
}

func (a *number) Before(b *number) bool { return a.n < b.n }

// FuzzHeap adds, changes and removes numbers in any order: the first is always the least of those that are there, and all come out in order.
func FuzzHeap(f *testing.F) {
	f.Add([]byte("3d1a4e1f5b9c2g6h"))
	f.Fuzz(func(t *testing.T, steps []byte) {
		var h minheap.Heap[*number]
		var there []*number
		for len(steps) >= 2 {
			step, n := steps[0], steps[1]
			steps = steps[2:]
			switch i := int(step / 4); {
			case step%4 < 2 || len(there) == 0:
				e := &number{n: n}
				h.Update(e)
				there = append(there, e)
			case step%4 == 2:
				e := there[i%len(there)]
				e.n = n
				h.Update(e)
			default:
				e := there[i%len(there)]
				h.Remove(e)
				h.Remove(e) // which does nothing
				there = slices.DeleteFunc(there, func(other *number) bool { return other == e })
			}
			if first := h.First(); h.Len() != len(there) || (first == nil) != (len(there) == 0) || first != nil && first.n != least(there) {
				t.Fatalf("first is %+v, of %d elements, want %d", first, h.Len(), len(there))
			}
		}
		for last := byte(0); len(there) > 0; {
			first := h.First()
			if first == nil || first.n < last || first.n != least(there) {
				t.Fatalf("%+v came out after %d", first, last)
			}
			last = first.n
			h.Remove(first)
			there = slices.DeleteFunc(there, func(other *number) bool { return other == first })
		}
		if first := h.First(); first != nil {
			t.Fatalf("%+v is left", first)
		}
	})
}

func least(all []*number) byte {
	return slices.MinFunc(all, func(a, b *number) int { return int(a.n) - int(b.n) }).n
}
