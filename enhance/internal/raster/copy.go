package raster

import "sync"

// A Copy is one of a plane. Filters read it while they write the plane itself, each band without seeing what others wrote.
type Copy struct{ Plane }

var copies = sync.Pool{New: func() any { return new(Copy) }}

// CopyOf returns a copy of p, which is to be released.
func CopyOf(p Plane) *Copy {
	c := copies.Get().(*Copy)
	c.Plane = Plane{Grow(c.Pix, p.W*p.H), p.W, p.W, p.H}
	for y := range p.H {
		copy(c.Row(y), p.Row(y))
	}
	return c
}

// Release says that the copy is not used any more: others may have its memory.
func (c *Copy) Release() { copies.Put(c) }

// Grow returns a slice of n elements, s itself where it is large enough. The elements are whatever they were.
func Grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
