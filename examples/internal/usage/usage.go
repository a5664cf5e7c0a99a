// Package usage says what a program that measures has used.
package usage

import (
	"syscall"
	"time"
)

// CPU returns the processor time of this process so far, of the system's calls too.
func CPU() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
