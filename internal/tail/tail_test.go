package tail_test

import (
	"testing"

	"github.com/livestill/livestill/internal/tail"
)

// TestList adds numbers that are their own index, and forgets all but the last hundred now and then. Memory does not grow with what is forgotten.
func TestList(t *testing.T) {
	var l tail.List[int]
	add := func() {
		n := l.Len()
		if l.Add(n); l.Len() != n+1 {
			t.Fatalf("%d elements, want one more than %d", l.Len(), n)
		}
		if n%50 == 0 {
			l.Forget(max(0, n-100))
			l.Forget(n - 200) // does nothing
		}
	}
	for range 100_000 {
		add()
		first, end := l.First(), l.Len()
		if end-first > 151 {
			t.Fatalf("%d elements are kept", end-first)
		}
		for _, i := range []int{first, end - 1} {
			if v := l.At(i); v == nil || *v != i {
				t.Fatalf("element %d is %v", i, v)
			}
		}
		if l.At(first-1) != nil || l.At(end) != nil {
			t.Fatalf("there is something before %d, or behind %d", first, end-1)
		}
	}
	if allocs := testing.AllocsPerRun(1000, func() {
		for range 1000 {
			add()
		}
	}); allocs > 20 {
		t.Errorf("%v allocations for 1000 elements", allocs)
	}
}
