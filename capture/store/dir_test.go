package store_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/capturetest"
	"github.com/livestill/livestill/capture/store"
)

func TestDir(t *testing.T) {
	capturetest.TestStore(t, func(t *testing.T) capturetest.StoreCase {
		t.Helper()
		dir := filepath.Join(t.TempDir(), "a", "b")
		return capturetest.StoreCase{Store: &store.Dir{Path: dir}, Files: filesIn(dir), Break: func() func() { return away(t, dir) }}
	})
}

// filesIn reads all visible files of a folder, if there is one.
func filesIn(dir string) func() (map[string][]byte, error) {
	return func() (map[string][]byte, error) {
		files := make(map[string][]byte)
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && d.Name() == ".livestill":
				return fs.SkipDir
			case d.IsDir():
				return nil
			}
			files[path], err = os.ReadFile(path)
			return err
		})
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		return files, err
	}
}

// away puts a file where a folder was, until back is called.
func away(t *testing.T, dir string) (back func()) {
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

func still(stream, id string, data []byte) *capture.Still {
	shown := time.Date(2026, 5, 6, 9, 8, 9, 123e6, time.FixedZone("", 2*60*60))
	return &capture.Still{Stream: stream, ID: id, Type: "image/jpeg", Data: data, Time: shown}
}

func TestDirNamesFiles(t *testing.T) {
	for _, test := range []struct{ about, stream, id, want string }{
		{"a slash makes a folder", "live/alice", "ID", "live/alice/20260506_070809.123_ID.jpg"},
		{"no stream, no folder", "", "ID", "20260506_070809.123_ID.jpg"},
		{"a stream cannot climb out", "../../etc/./x", "../passwd", "%2E%2E/%2E%2E/etc/%2E/x/20260506_070809.123_%2E.%2Fpasswd.jpg"},
		{"an absolute stream is relative", "//root", "a", "%/%/root/20260506_070809.123_a.jpg"},
		{"bytes of all kinds", "a\x00b\\c:ü ", "%", "a%00b%5Cc%3A%C3%BC%20/20260506_070809.123_%25.jpg"},
		{"a hidden stream is not hidden", ".hidden", "a", "%2Ehidden/20260506_070809.123_a.jpg"},
	} {
		dir := t.TempDir()
		got, err := (&store.Dir{Path: dir}).Put(t.Context(), still(test.stream, test.id, []byte("data")))
		if want := filepath.Join(dir, filepath.FromSlash(test.want)); err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", test.about, got, err, want)
		}
		if data, err := os.ReadFile(got); string(data) != "data" {
			t.Errorf("%s: file holds %q, %v", test.about, data, err)
		}
	}
}

func TestDirTellsLongNamesApart(t *testing.T) {
	d := &store.Dir{Path: t.TempDir()}
	long := strings.Repeat("ü/", 3) + strings.Repeat("ü", 500)
	a, errA := d.Put(t.Context(), still(long, long+"a", []byte("a")))
	b, errB := d.Put(t.Context(), still(long, long+"b", []byte("b")))
	if errA != nil || errB != nil || a == b {
		t.Errorf("%q, %v\n%q, %v", a, errA, b, errB)
	}
}

func TestDirSaysWhatIsWrong(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := (&store.Dir{Path: file}).Put(t.Context(), still("s", "id", nil)); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("a file in place of the folder: %v", err)
	}
	if _, err := (&store.Dir{}).Put(t.Context(), still("s", "id", nil)); err == nil {
		t.Error("no Path, no error")
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("gone")
	cancel(cause)
	if _, err := (&store.Dir{Path: t.TempDir()}).Put(ctx, still("s", "id", nil)); !errors.Is(err, cause) {
		t.Errorf("cancelled: %v", err)
	}
	outside := t.TempDir()
	dir := t.TempDir()
	if err := os.Symlink(outside, filepath.Join(dir, "s")); err != nil {
		t.Fatal(err)
	}
	if at, err := (&store.Dir{Path: dir}).Put(t.Context(), still("s", "id", nil)); err == nil {
		t.Errorf("followed a link out of the folder to %s", at)
	}
}
