//go:build linux || darwin || freebsd

package store

import (
	"os"
	"syscall"
)

// freeBytes returns how many bytes may still be written to the file system that f is on.
func freeBytes(f *os.File) (int64, error) {
	var s syscall.Statfs_t
	if err := syscall.Fstatfs(int(f.Fd()), &s); err != nil {
		return 0, os.NewSyscallError("fstatfs", err)
	}
	return product(s.Bavail, s.Bsize), nil
}

// product multiplies what has other types on each system.
func product[A, B int64 | uint64 | uint32](a A, b B) int64 { return int64(a) * int64(b) }

// lock takes f for this process alone, for as long as f is open and the process lives. It fails if another process has it.
func lock(f *os.File) error {
	return os.NewSyscallError("flock", syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB))
}
