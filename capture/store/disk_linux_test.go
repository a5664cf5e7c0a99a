package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/store"
	"github.com/livestill/livestill/internal/disktest"
)

const small = 16 << 20 // bytes of a disk, of which 12 MiB or so are free

// freeOn is how much room there is on a disk.
func freeOn(t *testing.T, path string) int64 {
	t.Helper()
	var s syscall.Statfs_t
	if err := syscall.Statfs(path, &s); err != nil {
		t.Fatal(err)
	}
	return int64(s.Bavail) * s.Bsize
}

// TestDirOnASmallDisk fills one, to MinFree and then to the last byte: what was acknowledged is there, and nothing else.
func TestDirOnASmallDisk(t *testing.T) {
	for _, test := range []struct {
		about   string
		minFree int64
		left    int64 // free at most when it is full
	}{
		{"to MinFree", 4 << 20, 4<<20 + 1<<20},
		{"to the last byte", -1, 1 << 20},
	} {
		disk, _ := disktest.Small(t, small)
		d := &store.Dir{Path: disk, MinFree: test.minFree}
		want := make(map[string][]byte)
		var err error
		for n := 0; err == nil; n++ {
			s := still("s", fmt.Sprint(n), bytes.Repeat([]byte{byte(n)}, 700_000))
			var location string
			if location, err = d.Put(t.Context(), s); err == nil {
				want[location] = s.Data
			}
		}
		if !errors.Is(err, store.ErrFull) || errors.Is(err, capture.ErrRejected) || len(want) < 5 {
			t.Errorf("%s: after %d stills %v", test.about, len(want), err)
		}
		got, err := filesIn(disk)()
		if err != nil || !maps.EqualFunc(got, want, bytes.Equal) {
			t.Errorf("%s: %d files are not the %d stills: %v", test.about, len(got), len(want), err)
		}
		if told := truths(t, disk); len(told) != len(want) {
			t.Errorf("%s: %d stills are told of, not %d", test.about, len(told), len(want))
		}
		if free := freeOn(t, disk); free > test.left || free < test.minFree {
			t.Errorf("%s: %d bytes are free", test.about, free)
		}
		if _, err := d.Delete(t.Context(), capture.Selection{ID: "0"}); err != nil {
			t.Error(err)
		}
		if _, err := d.Put(t.Context(), still("s", "again", []byte("data"))); err != nil {
			t.Errorf("%s: after one was deleted: %v", test.about, err)
		}
		if err := d.Tidy(t.Context()); err != nil { // leaves no Put's tidying at the disk
			t.Error(err)
		}
	}
}

// TestSpoolOnASmallDisk fills it: what was taken is delivered.
func TestSpoolOnASmallDisk(t *testing.T) {
	f := new(flaky)
	f.fail(errDown)
	small, _ := disktest.Small(t, small)
	s := &store.Spool{Path: small, Store: f, MinFree: -1}
	stop := start(t, s)
	taken := 0
	for {
		_, err := s.Put(t.Context(), still("s", fmt.Sprint(taken), bytes.Repeat([]byte{byte(taken)}, 100_000)))
		if err != nil {
			if !errors.Is(err, store.ErrFull) {
				t.Error(err)
			}
			break
		}
		taken++
	}
	f.mend()
	if err := s.Flush(t.Context()); err != nil {
		t.Error(err)
	}
	stop()
	if got, _ := f.files(); taken < 50 || len(got) != taken {
		t.Errorf("%d stills arrived, %d were taken", len(got), taken)
	}
	if free := freeOn(t, small); free < 10<<20 {
		t.Errorf("%d bytes free in the end", free)
	}
}

// TestSpoolOnADriveThatGoes: it is pulled out, and comes back as another device.
func TestSpoolOnADriveThatGoes(t *testing.T) {
	path, image := disktest.Small(t, small)
	if err := store.Mark(path, "stick"); err != nil {
		t.Fatal(err)
	}
	f := new(flaky)
	f.fail(errDown)
	s := &store.Spool{Path: path, Volume: "stick", MinFree: -1, Store: f, First: time.Millisecond, Longest: time.Millisecond}
	defer start(t, s)()
	put := func(id string) error {
		_, err := s.Put(t.Context(), still("s", id, nil))
		return err
	}
	if err := put("before"); err != nil {
		t.Fatal(err)
	}
	disktest.Run(t, "umount", "-l", path)
	if err := put("meanwhile"); !errors.Is(err, store.ErrVolume) {
		t.Errorf("while it is away: %v", err)
	}
	disktest.Mount(t, image, path)
	f.mend()
	if err := put("after"); err != nil {
		t.Error(err)
	}
	if err := s.Flush(t.Context()); err != nil {
		t.Error(err)
	}
	if got, _ := f.files(); len(got) != 2 {
		t.Errorf("%d stills arrived, want 2", len(got))
	}
}

// TestPowerCut looks at a disk as it is found after a power cut: what the file system has not been told to flush is not in its image.
func TestPowerCut(t *testing.T) {
	disk, image := disktest.Small(t, small)
	d := &store.Dir{Path: filepath.Join(disk, "dir"), MinFree: -1}
	s := &store.Spool{Path: filepath.Join(disk, "spool"), MinFree: -1, Store: new(flaky)}
	for n := range 5 {
		one := still(fmt.Sprint("stream/", n), "id", bytes.Repeat([]byte{byte(n)}, 100_000))
		inDir, err := d.Put(t.Context(), one)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Put(t.Context(), one); err != nil {
			t.Fatal(err)
		}
		after := afterPowerCut(t, image)
		name, err := filepath.Rel(disk, inDir)
		if err != nil {
			t.Fatal(err)
		}
		if data, err := os.ReadFile(filepath.Join(after, name)); !bytes.Equal(data, one.Data) {
			t.Errorf("still %d: Dir has %d of its bytes, %v", n, len(data), err)
		}
		if told := truths(t, filepath.Join(after, "dir")); len(told) != n+1 {
			t.Errorf("after still %d, Dir tells of %d", n, len(told))
		}
		f := new(flaky)
		left := &store.Spool{Path: filepath.Join(after, "spool"), Store: f}
		stop := start(t, left)
		if err := left.Flush(t.Context()); err != nil {
			t.Error(err)
		}
		if p := left.Progress(); p.Delivered != n+1 || p.Dead != 0 {
			t.Errorf("after still %d: %+v", n, p)
		}
		stop()
	}
}

// afterPowerCut mounts a copy of what is in a disk's image now.
func afterPowerCut(t *testing.T, image string) (path string) {
	t.Helper()
	path = t.TempDir()
	found := filepath.Join(t.TempDir(), "image")
	disktest.Run(t, "cp", image, found)
	disktest.Mount(t, found, path)
	t.Cleanup(func() { disktest.Run(t, "umount", path) })
	return path
}

// TestDirOnAnExt4Drive works beside what is root's alone, lost+found, as others than root.
func TestDirOnAnExt4Drive(t *testing.T) {
	path, _ := disktest.Small(t, small)
	const nobody = 65534
	if err := errors.Join(os.Chown(path, nobody, nobody), os.Chown(filepath.Dir(path), nobody, nobody)); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // for good: the thread ends with this
		if _, _, e := syscall.RawSyscall(syscall.SYS_SETFSUID, nobody, 0, 0); e != 0 {
			t.Error(e)
			return
		}
		d := &store.Dir{Path: path, MinFree: -1, Keep: store.Keep{Count: 1}}
		for _, id := range []string{"a", "b"} {
			if _, err := d.Put(t.Context(), still("s", id, nil)); err != nil {
				t.Error(err)
			}
		}
		if err := d.Tidy(t.Context()); err != nil {
			t.Error(err)
		}
		if n, err := d.Delete(t.Context(), capture.Selection{Stream: "s"}); n != 1 || err != nil {
			t.Errorf("deleted %d, %v", n, err)
		}
	}()
	<-done
}

// TestDirTellsWhatItCannotDelete and deletes the rest.
func TestDirTellsWhatItCannotDelete(t *testing.T) {
	path, _ := disktest.Small(t, small)
	var log bytes.Buffer
	d := &store.Dir{Path: path, MinFree: -1, Keep: store.Keep{Count: 1}, Logger: slog.New(slog.NewTextHandler(&log, nil))}
	var stuck string
	for n := range 10 {
		at, err := (&store.Dir{Path: path, MinFree: -1}).Put(t.Context(), still("s", fmt.Sprint("old", n), nil))
		if err == nil {
			err = os.Chtimes(at, time.Time{}, time.Now().Add(time.Duration(n-20)*time.Hour))
		}
		if err != nil {
			t.Fatal(err)
		}
		if n == 5 {
			stuck = at
		}
	}
	disktest.Run(t, "chattr", "+i", stuck)
	t.Cleanup(func() { disktest.Run(t, "chattr", "-i", stuck) })
	if _, err := d.Put(t.Context(), still("s", "new", nil)); err != nil {
		t.Error(err)
	}
	if err := d.Tidy(t.Context()); err == nil || !strings.Contains(err.Error(), filepath.Base(stuck)) { // and waits for the end of what Put began
		t.Errorf("Tidy: %v, want an error with %s", err, stuck)
	}
	if !strings.Contains(log.String(), filepath.Base(stuck)) {
		t.Errorf("log has %q, want %s", log.String(), stuck)
	}
	if got := ids(t, d); len(got) != 2 {
		t.Errorf("%v are left, want the new one and what cannot be deleted", got)
	}
}
