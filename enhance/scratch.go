package enhance

import "sync"

// A source is a copy of a plane. Filters read it while they write the plane itself, each band without seeing what others wrote.
type source struct{ plane }

var sources = sync.Pool{New: func() any { return new(source) }}

// copyOf returns a copy of p; it goes back with sources.Put.
func copyOf(p plane) *source {
	s := sources.Get().(*source)
	s.plane = plane{grow(s.pix, p.w*p.h), p.w, p.w, p.h}
	for y := range p.h {
		copy(s.row(y), p.row(y))
	}
	return s
}

// grow returns a slice of n elements, s itself where it is large enough. The elements are whatever they were.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
