//go:build linux || darwin || freebsd

package durable

import (
	"errors"
	"math"
	"os"
	"syscall"
)

// freeBytes returns how many bytes may still be written to the file system that f is on; of one that does not tell, as many as there can be.
func freeBytes(f *os.File) (int64, error) {
	var s syscall.Statfs_t
	if err := syscall.Fstatfs(int(f.Fd()), &s); err != nil {
		return 0, os.NewSyscallError("fstatfs", err)
	}
	if s.Blocks == 0 {
		return math.MaxInt64, nil
	}
	return int64(s.Bavail) * blockSize(&s), nil
}

// isFull reports whether err says that the disk is full, or the part of it that is ours.
func isFull(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }

// Unlock lets others have f, which is closed then. To close it is not enough: a process that another goroutine is about to start has it, too, for
// a moment.
func Unlock(f *os.File) error {
	return errors.Join(os.NewSyscallError("flock", syscall.Flock(int(f.Fd()), syscall.LOCK_UN)), f.Close())
}

// Lock takes f for this process alone, for as long as f is open and the process lives. It fails if another process has it.
func Lock(f *os.File) error {
	return os.NewSyscallError("flock", syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB))
}
