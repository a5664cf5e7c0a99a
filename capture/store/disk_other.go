//go:build !linux && !darwin && !freebsd

package store

import (
	"errors"
	"math"
	"os"
	"syscall"
)

// freeBytes does not know: there is no floor, and a full disk is known by the failing write.
func freeBytes(*os.File) (int64, error) { return math.MaxInt64, nil }

const (
	windowsHandleDiskFull = syscall.Errno(39) // ERROR_HANDLE_DISK_FULL
	windowsDiskFull       = syscall.Errno(112)
)

// isFull reports whether err says that the disk is full.
func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, windowsDiskFull) || errors.Is(err, windowsHandleDiskFull)
}

// lock does nothing: two processes at one Spool lose nothing, but may deliver a still twice, which its Store makes one of, and of two with
// one key the older one last.
func lock(*os.File) error { return nil }
