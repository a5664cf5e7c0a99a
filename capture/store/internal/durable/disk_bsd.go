//go:build darwin || freebsd

package durable

import "syscall"

// blockSize is what blocks are counted in.
func blockSize(s *syscall.Statfs_t) int64 { return int64(s.Bsize) }
