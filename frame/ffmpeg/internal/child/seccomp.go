//go:build linux && (amd64 || arm64)

package child

// #define _GNU_SOURCE
// #include <linux/filter.h>
// #include <linux/seccomp.h>
// #include <sys/prctl.h>
// #include <sys/syscall.h>
// #include <unistd.h>
//
// // ls_seccomp puts a filter on all threads, which can never gain privileges again.
// static int ls_seccomp(void *filter, unsigned short n)
// {
// 	struct sock_fprog program = {n, filter};
// 	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
// 		return -1;
// 	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program);
// }
import "C"

import (
	"errors"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// What the Go runtime, malloc and threads ask of the kernel once all is open and loaded.
var allowed = [...]uint32{
	unix.SYS_READ, unix.SYS_WRITE, unix.SYS_EPOLL_PWAIT, unix.SYS_EPOLL_CTL,
	unix.SYS_MMAP, unix.SYS_MPROTECT, unix.SYS_MUNMAP, unix.SYS_MREMAP, unix.SYS_MADVISE, unix.SYS_BRK,
	unix.SYS_CLONE, unix.SYS_FUTEX, unix.SYS_SET_ROBUST_LIST, unix.SYS_RSEQ, unix.SYS_GETTID, unix.SYS_GETPID, unix.SYS_SCHED_YIELD,
	unix.SYS_SCHED_GETAFFINITY, unix.SYS_TGKILL, unix.SYS_EXIT, unix.SYS_EXIT_GROUP,
	unix.SYS_RT_SIGACTION, unix.SYS_RT_SIGPROCMASK, unix.SYS_RT_SIGRETURN, unix.SYS_SIGALTSTACK, unix.SYS_RESTART_SYSCALL,
	unix.SYS_NANOSLEEP, unix.SYS_CLOCK_NANOSLEEP, unix.SYS_CLOCK_GETTIME, unix.SYS_GETTIMEOFDAY, unix.SYS_GETRANDOM,
}

// seccomp has the kernel refuse all other system calls of this process, with EPERM, for good.
//
// The filter is a program for the kernel's packet filter, over a struct seccomp_data:
//
//	| nr (32) | arch (32) | instruction pointer (64) | arguments (6 x 64) |
func seccomp() error {
	const (
		nr, arch, arguments = 0, 4, 16
		load                = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
		equal               = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
		and                 = unix.BPF_ALU | unix.BPF_AND | unix.BPF_K
		ret                 = unix.BPF_RET | unix.BPF_K
		allow               = unix.SECCOMP_RET_ALLOW
		refuse              = unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)
	)
	machine := map[string]uint32{"amd64": unix.AUDIT_ARCH_X86_64, "arm64": unix.AUDIT_ARCH_AARCH64}[runtime.GOARCH]
	filter := []unix.SockFilter{
		{Code: load, K: arch}, {Code: equal, K: machine, Jt: 1}, {Code: ret, K: refuse},
		{Code: load, K: nr},
		// The flags of clone3 cannot be seen from here; without it glibc takes clone.
		{Code: equal, K: unix.SYS_CLONE3, Jf: 1}, {Code: ret, K: unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)},
	}
	// Some calls have an argument whose bits in a mask must have a value.
	for _, c := range [...]struct{ call, argument, mask, value uint32 }{
		{unix.SYS_CLONE, 0, unix.CLONE_THREAD, unix.CLONE_THREAD},
		{unix.SYS_MMAP, 2, unix.PROT_EXEC, 0},
		{unix.SYS_MMAP, 3, unix.MAP_SHARED, 0}, // which does not count for RLIMIT_DATA
		{unix.SYS_MPROTECT, 2, unix.PROT_EXEC, 0},
		{unix.SYS_TGKILL, 0, ^uint32(0), uint32(os.Getpid())}, // Go preempts its own threads
	} {
		filter = append(filter,
			unix.SockFilter{Code: equal, K: c.call, Jf: 5},
			unix.SockFilter{Code: load, K: arguments + 8*c.argument},
			unix.SockFilter{Code: and, K: c.mask},
			unix.SockFilter{Code: equal, K: c.value, Jt: 1},
			unix.SockFilter{Code: ret, K: refuse},
			unix.SockFilter{Code: load, K: nr})
	}
	for _, call := range allowed {
		filter = append(filter, unix.SockFilter{Code: equal, K: call, Jf: 1}, unix.SockFilter{Code: ret, K: allow})
	}
	filter = append(filter, unix.SockFilter{Code: ret, K: refuse})
	if C.ls_seccomp(unsafe.Pointer(&filter[0]), C.ushort(len(filter))) != 0 {
		return errors.New("the kernel takes no filter")
	}
	return nil
}
