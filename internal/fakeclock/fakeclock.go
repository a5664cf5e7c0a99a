// Package fakeclock lets time pass in tests, on the clock of a testing/synctest bubble alone.
package fakeclock

import "time"

// The clock of a bubble begins in this year, and tests last for hours of it.
const year = 2000

// Pass lets time pass for the goroutine that calls it, as whatever a test stands in for takes its time. It takes none: the clock of a bubble goes
// on as soon as all its goroutines wait, so nothing depends on how fast the machine is. Outside of a bubble, where it would be a race, it
// panics, unless no time is to pass.
func Pass(d time.Duration) {
	if d <= 0 {
		return
	}
	if time.Now().UTC().Year() != year {
		panic("fakeclock: outside of a synctest bubble")
	}
	<-time.After(d)
}
