package child

// #include <signal.h>
//
// // Faults end the process, rather than have Go print all goroutines: whoever waits for it is told the signal.
// static void end_by_signals(void)
// {
// 	static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
// 	unsigned i;
// 	for (i = 0; i < sizeof faults / sizeof *faults; i++)
// 		signal(faults[i], SIG_DFL);
// }
import "C"

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// The files that a child has beside /dev/null.
const (
	childSocket = 3 // to this process
	childShared = 4 // memory for pictures
)

const lowest = 19 // of the priorities of processes

// Start executes this program anew. The calling goroutine must be locked to its thread until the child has ended, since the kernel
// takes the end of the thread for that of the parent.
func Start(memory, shared int64) (*Child, error) {
	mem, err := newShared(shared)
	if err != nil {
		return nil, err
	}
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, closing(err, mem)
	}
	theirs := os.NewFile(uintptr(fds[1]), "socket of a child")
	err = unix.SetNonblock(fds[0], true) // so that Go's poller serves it, with deadlines
	ours := os.NewFile(uintptr(fds[0]), "socket to a child")
	if err != nil {
		return nil, closing(err, mem, ours, theirs)
	}
	cmd := &exec.Cmd{
		Path:       "/proc/self/exe", // whatever has become of the file meanwhile
		Args:       []string{Name, strconv.FormatInt(memory, 10)},
		Env:        []string{},
		Dir:        "/",
		ExtraFiles: []*os.File{theirs, mem},
		SysProcAttr: &syscall.SysProcAttr{
			Pdeathsig: syscall.SIGKILL,
			Setpgid:   true, // else what interrupts this process from a terminal would end it at once
		},
	}
	if path := os.Getenv("LD_LIBRARY_PATH"); path != "" {
		cmd.Env = []string{"LD_LIBRARY_PATH=" + path} // libav may be there
	}
	if err := cmd.Start(); err != nil {
		return nil, closing(err, mem, ours, theirs)
	}
	_ = theirs.Close()
	wait := func() string {
		if err := cmd.Wait(); cmd.ProcessState == nil {
			return err.Error()
		}
		return cmd.ProcessState.String()
	}
	kill := func() { _ = cmd.Process.Kill() }
	lower := func() { _ = unix.Setpriority(unix.PRIO_PGRP, cmd.Process.Pid, lowest) }
	return New(ours, sharedFile{mem}, kill, lower, wait), nil
}

func closing(err error, files ...*os.File) error {
	for _, f := range files {
		_ = f.Close()
	}
	return err
}

// newShared makes a file in memory. Its size is for ever. It takes as much memory as was written to it.
func newShared(size int64) (*os.File, error) {
	fd, err := unix.MemfdCreate("livestill-pictures", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	f := os.NewFile(uintptr(fd), "pictures of a child")
	if err := f.Truncate(size); err != nil {
		return nil, closing(err, f)
	}
	if _, err := unix.FcntlInt(f.Fd(), unix.F_ADD_SEALS, unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_SEAL); err != nil {
		return nil, closing(os.NewSyscallError("fcntl", err), f)
	}
	return f, nil
}

// mostShared is how much of its shared memory a child keeps, in bytes: a picture of 2160p takes 12 MiB. What is more is made anew for each
// picture, which takes a part of the time that such a picture takes to decode.
const mostShared = 16 << 20

// A sharedFile is SharedMemory.
type sharedFile struct{ *os.File }

func (f sharedFile) Trim() error {
	conn, err := f.SyscallConn() // the file may be closed meanwhile, as the child may end
	if err != nil {
		return err
	}
	closed := conn.Control(func(fd uintptr) { err = trim(int(fd)) })
	return cmp.Or(closed, err)
}

func trim(fd int) error {
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		return os.NewSyscallError("fstat", err)
	}
	const block = 512 // that of stat, whatever the file system's is
	if stat.Blocks*block <= mostShared {
		return nil
	}
	return os.NewSyscallError("fallocate", unix.Fallocate(fd, unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 0, stat.Size))
}

// Main is main in a child. It calls serve, with the socket to the parent and the memory that both have; headroom tells whether a quarter of the
// memory is left that it may take.
func Main(serve func(socket io.ReadWriter, shared []byte, confined bool, headroom func() bool) error) error {
	if len(os.Args) != 2 {
		return fmt.Errorf("%d arguments", len(os.Args))
	}
	memory, err := strconv.ParseUint(os.Args[1], 10, 63)
	if err != nil {
		return err
	}
	var stat unix.Stat_t
	if err := unix.Fstat(childShared, &stat); err != nil {
		return err
	}
	shared, err := unix.Mmap(childShared, 0, int(stat.Size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return err
	}
	if err := unix.Close(childShared); err != nil {
		return err
	}
	confined, err := Confine(memory)
	if err != nil {
		return err
	}
	return serve(os.NewFile(childSocket, "socket to the parent"), shared, confined, func() bool { return available(int(memory / 4)) })
}

// available tells whether so many bytes of memory could be had. A quarter of 1 GiB has room for the largest picture there is, of 8K with
// 16 bits of 4:4:4.
func available(n int) bool {
	m, err := unix.Mmap(-1, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err == nil {
		err = unix.Munmap(m)
	}
	return err == nil
}

// Confine takes from this process what decoding does not need, for good:
//   - files and sockets: it has none but the one to its parent, and RLIMIT_NOFILE lets it open none
//   - memory beyond what it has now and what is given, except for that which it shares
//   - every system call but those that Go, malloc and threads need, if the kernel has seccomp; it tells whether that is so
//
// Landlock would add nothing: what it forbids begins with system calls that seccomp does not let through.
func Confine(memory uint64) (confined bool, err error) {
	C.end_by_signals()
	if err := closeInherited(); err != nil {
		return false, err
	}
	// Where memory is short, the kernel ends children first.
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0)
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return false, err
	}
	data, err := dataSize(status)
	if err != nil {
		return false, err
	}
	time.Sleep(time.Nanosecond) // the first timer has Go's poller open its files, which it cannot below; nothing is waited for
	for resource, limit := range map[int]uint64{
		unix.RLIMIT_DATA: data + memory, unix.RLIMIT_CORE: 0, unix.RLIMIT_FSIZE: 0, unix.RLIMIT_NOFILE: 0,
	} {
		if err := unix.Setrlimit(resource, &unix.Rlimit{Cur: limit, Max: limit}); err != nil {
			return false, os.NewSyscallError("setrlimit", err)
		}
	}
	return seccomp() == nil, nil
}

// dataSize reads how many bytes of memory a process has that count for RLIMIT_DATA.
func dataSize(status []byte) (uint64, error) {
	_, after, _ := bytes.Cut(status, []byte("\nVmData:"))
	line, _, _ := bytes.Cut(after, []byte(" kB\n"))
	kib, err := strconv.ParseUint(string(bytes.TrimSpace(line)), 10, 50)
	return kib << 10, err
}

// closeInherited closes all files but those of the child, and those that Go's poller needs. What the poller has opened is closed on exec,
// as what is inherited is not.
func closeInherited() error {
	const folder = "/proc/self/fd"
	files, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, f := range files {
		fd, err := strconv.Atoi(f.Name())
		if err != nil || fd <= childSocket {
			continue
		}
		link, err := os.Readlink(folder + "/" + f.Name())
		if err != nil {
			continue // that of the folder itself
		}
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		if poller := strings.HasPrefix(link, "anon_inode:[event"); err != nil || poller && flags&unix.FD_CLOEXEC != 0 {
			continue
		}
		_ = unix.Close(fd)
	}
	return nil
}
