package durable

import "syscall"

// blockSize is what blocks are counted in. Bsize is what is best read at a time, which may be more.
func blockSize(s *syscall.Statfs_t) int64 {
	if s.Frsize == 0 { // an old kernel's
		return s.Bsize
	}
	return s.Frsize
}
