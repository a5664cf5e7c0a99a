// Package minheap has a heap whose elements know their index in it, so that each can be moved and removed.
package minheap

// An Index is where an element is in its Heap. What is to be in a Heap embeds it; the zero Index is that of an element that is in none.
type Index struct{ number int } // counts from 1

// In returns i, which is how a Heap finds it.
func (i *Index) In() *Index { return i }

// An Element is a pointer to a struct that embeds an Index. It is in one Heap at a time.
type Element[E any] interface {
	Before(other E) bool // in the order of the Heap
	In() *Index
}

// A Heap has that element first which is before all others. The zero Heap is empty. It has no lock of its own.
type Heap[E Element[E]] struct{ all []E }

// Len is how many elements there are.
func (h *Heap[E]) Len() int { return len(h.all) }

// First returns the first element, which stays; nil if there is none.
func (h *Heap[E]) First() (first E) {
	if len(h.all) > 0 {
		first = h.all[0]
	}
	return first
}

// Update adds an element; if it is there, it moves it to where it belongs after it was changed.
func (h *Heap[E]) Update(e E) {
	if e.In().number == 0 {
		h.all = append(h.all, e)
		e.In().number = len(h.all)
	}
	h.settle(e.In().number - 1)
}

// Remove removes an element, if it is there.
func (h *Heap[E]) Remove(e E) {
	i, last := e.In().number-1, len(h.all)-1
	if i < 0 {
		return
	}
	h.swap(i, last)
	e.In().number = 0
	clear(h.all[last:])
	h.all = h.all[:last]
	if i < last {
		h.settle(i)
	}
}

// settle moves the element at i up or down to where it belongs.
func (h *Heap[E]) settle(i int) {
	for i > 0 && h.all[i].Before(h.all[(i-1)/2]) {
		h.swap(i, (i-1)/2)
		i = (i - 1) / 2
	}
	for {
		child := 2*i + 1
		if child+1 < len(h.all) && h.all[child+1].Before(h.all[child]) {
			child++
		}
		if child >= len(h.all) || !h.all[child].Before(h.all[i]) {
			return
		}
		h.swap(i, child)
		i = child
	}
}

func (h *Heap[E]) swap(i, j int) {
	h.all[i], h.all[j] = h.all[j], h.all[i]
	h.all[i].In().number, h.all[j].In().number = i+1, j+1
}
