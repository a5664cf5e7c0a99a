//go:build linux || darwin || freebsd

package store

import (
	"errors"
	"os"
	"syscall"
)

// isFull reports whether err says that the disk is full, or the part of it that is ours.
func isFull(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }

// lock takes f for this process alone, for as long as f is open and the process lives. It fails if another process has it.
func lock(f *os.File) error {
	return os.NewSyscallError("flock", syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB))
}
