// Package disktest has folders and disks for the tests of stores, which are in three modules.
package disktest

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/livestill/livestill/internal/peer"
)

// Files reads the files in a folder, but those in folders named .livestill. They are called as at says and, behind that, by their path in
// the folder, with slashes. Of a folder that is not there, there are none.
func Files(dir, at string) (map[string][]byte, error) {
	files, root := make(map[string][]byte), os.DirFS(dir)
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == ".livestill":
			return fs.SkipDir
		case d.IsDir():
			return nil
		}
		files[at+name], err = fs.ReadFile(root, name)
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return files, err
}

// Away takes a folder away, and puts a file in its place, until back is called.
func Away(t *testing.T, dir string) (back func()) {
	t.Helper()
	check := func(err error) {
		if err != nil {
			t.Error(err)
		}
	}
	check(os.MkdirAll(dir, 0o700))
	check(os.Rename(dir, dir+"-away"))
	check(os.WriteFile(dir, nil, 0o600))
	return func() {
		check(os.Remove(dir))
		check(os.Rename(dir+"-away", dir))
	}
}

// CanMount reports whether Small can be had: nothing but Linux's root can run a real file system full, lose power, or pull a drive out.
func CanMount() bool { return runtime.GOOS == "linux" && os.Getuid() == 0 }

// Small mounts an ext4 file system of so many bytes, of which three quarters or so are free, until the test ends. image is the file that
// it is in. Where CanMount is false the test fails, since nothing else would show what it is about.
func Small(t *testing.T, size int64) (path, image string) {
	t.Helper()
	peer.Needs(t, "mount")
	if !CanMount() {
		t.Fatal("only Linux's root can mount a small disk; -short leaves this out")
	}
	image = filepath.Join(t.TempDir(), "image")
	if err := errors.Join(os.WriteFile(image, nil, 0o600), os.Truncate(image, size)); err != nil {
		t.Fatal(err)
	}
	Run(t, "mkfs.ext4", "-q", image)
	path = t.TempDir()
	Mount(t, image, path)
	t.Cleanup(func() { Run(t, "umount", path) })
	return path, image
}

// Mount mounts an image.
func Mount(t *testing.T, image, path string) {
	t.Helper()
	Run(t, "mount", "-o", "loop", image, path)
}

// Run runs a program, which must succeed.
func Run(t *testing.T, name string, args ...string) {
	t.Helper()
	peer.Needs(t, name)
	ctx := context.WithoutCancel(t.Context()) // that has ended in a Cleanup
	if out, err := exec.CommandContext(ctx, name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", name, err, out)
	}
}
