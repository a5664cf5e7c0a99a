//go:build darwin || freebsd

package store

import (
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
	return int64(s.Bavail) * int64(s.Bsize), nil
}
