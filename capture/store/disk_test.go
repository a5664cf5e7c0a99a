package store_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// smallDisk mounts a file system of 16 MiB, of which 12 or so are free. It takes root.
func smallDisk(t *testing.T) (path string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can mount a small disk")
	}
	image := filepath.Join(t.TempDir(), "image")
	path = t.TempDir()
	if err := os.WriteFile(image, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(image, 16<<20); err != nil {
		t.Fatal(err)
	}
	run(t, "mkfs.ext4", "-q", image)
	run(t, "mount", "-o", "loop", image, path)
	t.Cleanup(func() { run(t, "umount", path) })
	return path
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context()) // that has ended in a Cleanup
	if out, err := exec.CommandContext(ctx, name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", name, err, out)
	}
}

// freeOn is how much room there is on a disk.
func freeOn(t *testing.T, path string) int64 {
	t.Helper()
	var s syscall.Statfs_t
	if err := syscall.Statfs(path, &s); err != nil {
		t.Fatal(err)
	}
	return int64(s.Bavail) * s.Bsize
}
