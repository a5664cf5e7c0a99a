//go:build !linux && !darwin && !freebsd

package durable

import (
	"errors"
	"math"
	"os"
	"syscall"
)

// freeBytes returns the largest number there is: nothing tells us how much is free. CheckFree never fails then, and a full disk is
// noticed when a write fails.
func freeBytes(*os.File) (int64, error) { return math.MaxInt64, nil }

const (
	windowsHandleDiskFull = syscall.Errno(39) // ERROR_HANDLE_DISK_FULL
	windowsDiskFull       = syscall.Errno(112)
)

// isFull reports whether err says that the disk is full.
func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, windowsDiskFull) || errors.Is(err, windowsHandleDiskFull)
}

// Lock does nothing here, and never fails. So two processes may use one Spool's folder at a time. No still is lost then, but one may be
// delivered twice, and of two with the same key the older one may be delivered last.
func Lock(*os.File) error { return nil }

// Unlock closes f.
func Unlock(f *os.File) error { return f.Close() }
