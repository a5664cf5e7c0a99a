package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/capturetest"
	"github.com/livestill/livestill/capture/store"
	"github.com/livestill/livestill/internal/disktest"
)

func TestDir(t *testing.T) {
	capturetest.TestStore(t, func(t *testing.T) capturetest.StoreCase {
		t.Helper()
		dir := filepath.Join(t.TempDir(), "a", "b")
		return capturetest.StoreCase{Store: &store.Dir{Path: dir}, Files: filesIn(dir), Break: func() func() { return disktest.Away(t, dir) }}
	})
}

// filesIn reads the files that a Dir has made, by their locations.
func filesIn(dir string) func() (map[string][]byte, error) {
	return func() (map[string][]byte, error) { return disktest.Files(dir, dir+"/") }
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
			t.Errorf("%s: file has %q, %v", test.about, data, err)
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

// TestDirKnowsItsDrive has a drive's folder be there, be another drive's, and be the empty folder on which nothing is mounted.
func TestDirKnowsItsDrive(t *testing.T) {
	mountPoint := t.TempDir()
	d := &store.Dir{Path: mountPoint, Volume: "attic"}
	stored := still("s", "id", []byte("data"))
	try := func(about string, want error) {
		t.Helper()
		_, errPut := d.Put(t.Context(), stored)
		_, errDelete := d.Delete(t.Context(), capture.Selection{ID: "id"})
		var errList error
		for _, errList = range d.List(t.Context(), capture.Selection{}) {
		}
		for _, err := range []error{errPut, errDelete, errList, d.Tidy(t.Context())} {
			if !errors.Is(err, want) {
				t.Errorf("%s: %v, want %v", about, err, want)
			}
		}
		if want == nil {
			return
		}
		if files, err := os.ReadDir(d.Path); len(files) > 1 || err == nil && len(files) == 1 && files[0].Name() != ".livestill" {
			t.Errorf("%s: wrote %v, %v", about, files, err)
		}
	}
	try("nothing is mounted", store.ErrVolume)
	if err := store.Mark(mountPoint, "cellar"); err != nil {
		t.Fatal(err)
	}
	try("another drive is", store.ErrVolume)
	if err := store.Mark(mountPoint, "attic"); !errors.Is(err, store.ErrVolume) {
		t.Errorf("a second name for a drive: %v", err)
	}
	if err := os.RemoveAll(filepath.Join(mountPoint, ".livestill")); err != nil {
		t.Fatal(err)
	}
	if err := store.Mark(mountPoint, "attic"); err != nil {
		t.Fatal(err)
	}
	try("it is mounted", nil)
	d.Path = filepath.Join(mountPoint, "gone")
	try("the mount point has gone", store.ErrVolume)
	if err := store.Mark(mountPoint, ""); err == nil {
		t.Error("a drive without a name, and no error")
	}
}

// TestDirForgets what is over its bounds, the oldest first, and nothing that is none of its own.
func TestDirForgets(t *testing.T) {
	for _, test := range []struct {
		about string
		keep  store.Keep
		want  string
	}{
		{"nothing", store.Keep{}, "0123456789"},
		{"by age", store.Keep{Age: 150 * time.Minute}, "012"},
		{"by count", store.Keep{Count: 4}, "0123"},
		{"by size", store.Keep{Bytes: 35}, "012"},
		{"by each of them", store.Keep{Age: 150 * time.Minute, Count: 2, Bytes: 35}, "01"},
	} {
		d := &store.Dir{Path: t.TempDir(), Keep: test.keep}
		check := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		var half string
		for _, age := range []time.Duration{30 * time.Minute, 90 * time.Minute} { // writes that were cut off
			half = filepath.Join(d.Path, ".livestill", fmt.Sprint("temp-", age))
			check(os.MkdirAll(filepath.Dir(half), 0o700))
			check(os.WriteFile(half, nil, 0o600))
			check(os.Chtimes(half, time.Time{}, time.Now().Add(-age)))
		}
		mine := filepath.Join(d.Path, "mine.jpg")
		check(os.WriteFile(mine, make([]byte, 100), 0o600))
		check(os.Chtimes(mine, time.Time{}, time.Now().Add(-1000*time.Hour)))
		for age := range 10 {
			s := still(fmt.Sprint("stream", age%2), fmt.Sprint(age), make([]byte, 10))
			at, err := d.Put(t.Context(), s)
			check(err)
			check(os.Chtimes(at, time.Time{}, time.Now().Add(-time.Duration(age)*time.Hour)))
		}
		check(d.Tidy(t.Context()))
		var got []string
		for s, err := range d.List(t.Context(), capture.Selection{}) {
			check(err)
			got = append(got, s.ID)
		}
		slices.Sort(got)
		if strings.Join(got, "") != test.want {
			t.Errorf("%s: kept %v, want %s", test.about, got, test.want)
		}
		if _, err := os.Stat(mine); err != nil {
			t.Errorf("%s: %v", test.about, err)
		}
		if left, err := os.ReadDir(filepath.Join(d.Path, ".livestill")); len(left) != 1 || err != nil {
			t.Errorf("%s: left %v of writes that were cut off, %v", test.about, left, err)
		}
	}
}

// TestDirTidiesItself as stills come.
func TestDirTidiesItself(t *testing.T) {
	d := &store.Dir{Path: t.TempDir(), Keep: store.Keep{Count: 1}}
	for _, id := range []string{"a", "b"} {
		if _, err := (&store.Dir{Path: d.Path}).Put(t.Context(), still("s", id, nil)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := d.Put(t.Context(), still("s", "c", nil)); err != nil {
		t.Fatal(err)
	}
	if err := d.Rested(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, err := filesIn(d.Path)(); len(got) != 1 || err != nil {
		t.Errorf("%d files, %v", len(got), err)
	}
}

// TestDirForgetsNothingNew: what was just put stays, though it alone is over the bounds, or older files are from the future; and what is put
// again while a Dir tidies is not taken for what it was.
func TestDirForgetsNothingNew(t *testing.T) {
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	d := &store.Dir{Path: t.TempDir(), Keep: store.Keep{Bytes: 10, Count: 1}}
	future, err := (&store.Dir{Path: d.Path}).Put(t.Context(), still("s", "future", nil))
	check(err)
	check(os.Chtimes(future, time.Time{}, time.Now().Add(time.Hour)))
	at, err := d.Put(t.Context(), still("s", "id", make([]byte, 100)))
	check(err)
	if _, err := os.Stat(at); err != nil {
		t.Error(err)
	}
	check(d.Tidy(t.Context()))

	d = &store.Dir{Path: t.TempDir(), Keep: store.Keep{Age: time.Hour}}
	for range 20 {
		for n := range 20 {
			at, err := d.Put(t.Context(), still("s", fmt.Sprint(n), nil))
			check(err)
			check(os.Chtimes(at, time.Time{}, time.Now().Add(-2*time.Hour)))
		}
		tidied := make(chan error)
		go func() { tidied <- d.Tidy(t.Context()) }()
		for n := range 20 {
			at, err := d.Put(t.Context(), still("s", fmt.Sprint(n), nil))
			check(err)
			if _, err := os.Stat(at); err != nil {
				t.Fatal(err)
			}
		}
		check(<-tidied)
		if got, err := filesIn(d.Path)(); len(got) != 20 || err != nil {
			t.Fatalf("%d of 20 are left, %v", len(got), err)
		}
	}
}

// TestDirSelectsToTheMillisecond, which names keep, what is known to the nanosecond.
func TestDirSelectsToTheMillisecond(t *testing.T) {
	d := &store.Dir{Path: t.TempDir()}
	s := still("s", "id", nil)
	s.Time = s.Time.Add(456 * time.Microsecond)
	if _, err := d.Put(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if n, err := d.Delete(t.Context(), capture.Selection{Before: s.Time}); n != 0 || err != nil {
		t.Errorf("before itself: %d, %v", n, err)
	}
	if n, err := d.Delete(t.Context(), capture.Selection{Since: s.Time}); n != 1 || err != nil {
		t.Errorf("since itself: %d, %v", n, err)
	}
}

// TestDirDeletesWhilePutting: folders come and go under the writers' hands.
func TestDirDeletesWhilePutting(t *testing.T) {
	d := &store.Dir{Path: t.TempDir()}
	var putters sync.WaitGroup
	for n := range 2 {
		putters.Go(func() {
			for i := range 100 {
				if _, err := d.Put(t.Context(), still("a/b/c", fmt.Sprint(n, "-", i), nil)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { putters.Wait(); close(done) }()
	for deleting := true; deleting; {
		select {
		case <-done:
			deleting = false
		default:
		}
		if _, err := d.Delete(t.Context(), capture.Selection{Stream: "a/b/c"}); err != nil {
			t.Fatal(err)
		}
	}
	if left, err := os.ReadDir(d.Path); len(left) != 1 || err != nil { // .livestill
		t.Errorf("%v is left, %v", left, err)
	}
}

func TestDirSaysWhatIsWrong(t *testing.T) {
	keeping := &store.Dir{Path: t.TempDir(), Template: "{stream}/{id}", Keep: store.Keep{Count: 1}}
	_, errPut := keeping.Put(t.Context(), still("s", "id", nil))
	if errTidy := keeping.Tidy(t.Context()); errPut == nil || errTidy == nil {
		t.Errorf("Keep among files that could be anybody's: %v, %v", errPut, errTidy)
	}
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
