package frame

import "unsafe"

// Go lets the heap of a program grow to twice of what lives before it collects the garbage, with GOGC at its default of 100. So what lives
// counts this many times.
const garbage = 2

const (
	unitSize = int(unsafe.Sizeof(AccessUnit{}))

	// Each GOP costs one remembered. The array may have room for three times as many.
	gopWeight = 3 * int(unsafe.Sizeof(remembered{}))
)

// allocated returns what Go's allocator takes for n bytes, at most: up to 32 KiB it rounds up by less than a fifth, or to 16 bytes, then to
// pages of 8 KiB.
func allocated(n int) int {
	if n <= 32<<10 {
		return n + n/5 + 16
	}
	return (n + 8<<10 - 1) &^ (8<<10 - 1)
}

// weightOf returns what a GOP with room for n units weighs, without their data.
func weightOf(n int) int { return allocated(n * unitSize) }
