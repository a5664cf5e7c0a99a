// Package tail has lists that grow without end and forget their beginning.
package tail

// A List is the end of a list: the index of an element counts those that are forgotten. The zero List is empty. It has no lock of its own.
type List[T any] struct {
	first int // index of the first that is not forgotten
	all   []T
}

// Add adds an element, whose index is that of Len before.
func (l *List[T]) Add(v T) { l.all = append(l.all, v) }

// At returns an element, until the next is added; nil if it is forgotten, or still to come.
func (l *List[T]) At(i int) *T {
	if i -= l.first; i < 0 || i >= len(l.all) {
		return nil
	}
	return &l.all[i]
}

// First returns the index of the first element that is not forgotten.
func (l *List[T]) First() int { return l.first }

// Len returns how many elements there were, with those that are forgotten.
func (l *List[T]) Len() int { return l.first + len(l.all) }

// Forget forgets the elements before an index, which is no more than Len. Their memory is free when more have been added.
func (l *List[T]) Forget(before int) {
	if n := before - l.first; n > 0 {
		clear(l.all[:n])
		l.all = l.all[n:]
		l.first = before
	}
}
