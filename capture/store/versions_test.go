package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/store"
	"github.com/livestill/livestill/internal/disktest"
)

// TestSpoolKeepsTheOrder puts version after version of a few stills, while the store behind fails and rejects at random, dead letters are
// revived, and Run ends and begins again. In the end each still is there in the last version that was acknowledged, and nothing is left.
func TestSpoolKeepsTheOrder(t *testing.T) {
	const stills, versions = 5, 100
	f, dir := new(flaky), t.TempDir()
	var healthy sync.Mutex // locked while it is not
	trouble := true
	picky := flakyStore{f, func(ctx context.Context, s *capture.Still) (string, error) {
		healthy.Lock()
		bad := trouble
		healthy.Unlock()
		switch n := rand.IntN(4); {
		case bad && n == 0:
			return "", errDown
		case bad && n == 1:
			return "", capture.Reject(errDown)
		case bad && n == 2:
			_, _ = f.Put(ctx, s) // and the answer is lost
			return "", errDown
		}
		return f.Put(ctx, s)
	}}
	s := &store.Spool{Path: dir, Store: picky, First: time.Microsecond, Longest: time.Millisecond, Attempts: 3}
	var putters, others sync.WaitGroup
	for n := range stills {
		putters.Go(func() {
			for version := range versions {
				if _, err := s.Put(t.Context(), still("s", fmt.Sprint(n), []byte(fmt.Sprint(version)))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	done := make(chan struct{})
	others.Go(func() {
		for running := true; running; {
			stop := start(t, s)
			select {
			case <-done:
				running = false
			case <-time.After(20 * time.Millisecond):
			}
			stop()
		}
	})
	others.Go(func() {
		for running := true; running; {
			select {
			case <-done:
				running = false
			default:
			}
			if _, err := s.Revive(t.Context()); err != nil {
				t.Error(err)
			}
		}
	})
	putters.Wait()
	close(done)
	others.Wait()
	healthy.Lock()
	trouble = false
	healthy.Unlock()

	defer start(t, s)()
	for {
		if err := s.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n, err := s.Revive(t.Context()); err != nil {
			t.Fatal(err)
		} else if n == 0 {
			break
		}
	}
	if p := s.Progress(); p.Pending != 0 || p.Dead != 0 || p.Bytes != 0 {
		t.Errorf("%+v", p)
	}
	got, _ := f.files()
	for location, data := range got {
		if string(data) != strconv.Itoa(versions-1) {
			t.Errorf("%s is there in version %s", location, data)
		}
	}
	if len(got) != stills {
		t.Errorf("%d stills", len(got))
	}
	for _, folder := range []string{"pending", "dead"} {
		if left, err := os.ReadDir(filepath.Join(dir, folder)); len(left) > 0 || err != nil {
			t.Errorf("%s has %v, %v", folder, left, err)
		}
	}
}

// TestSpoolForgetsVersions: a version whose file could not be removed, since the drive was away, does not come back after a newer one was
// delivered, or deleted.
func TestSpoolForgetsVersions(t *testing.T) {
	f, dir := new(flaky), filepath.Join(t.TempDir(), "spool")
	began, end := make(chan struct{}), make(chan struct{})
	s := &store.Spool{Path: dir, First: time.Millisecond, Longest: time.Millisecond, Store: flakyStore{f, func(ctx context.Context, s *capture.Still) (string, error) {
		if string(s.Data) == "old" {
			close(began)
			<-end
		}
		return f.Put(ctx, s)
	}}}
	stop := start(t, s)
	put := func(data string) {
		t.Helper()
		if _, err := s.Put(t.Context(), still("s", "id", []byte(data))); err != nil {
			t.Fatal(err)
		}
	}
	put("old")
	<-began
	put("new")
	back := disktest.Away(t, dir)
	close(end)
	await(s, func(p store.Progress) bool { return p.Err != nil })
	back()
	await(s, empty)
	if n, err := s.Delete(t.Context(), capture.Selection{Stream: "s"}); n != 1 || err != nil {
		t.Errorf("deleted %d, %v", n, err)
	}
	stop()
	s = &store.Spool{Path: dir, Store: f}
	defer start(t, s)()
	if err := s.Flush(t.Context()); err != nil {
		t.Error(err)
	}
	if got, _ := f.files(); len(got) != 0 || s.Progress().Bytes != 0 {
		t.Errorf("came back: %v; %+v", got, s.Progress())
	}
}

// TestSpoolRevivesTheLast: a dead letter is out of date when another with its key is put, and when somebody has removed its file.
func TestSpoolRevivesTheLast(t *testing.T) {
	f, dir := new(flaky), t.TempDir()
	s := &store.Spool{Path: dir, Store: f}
	defer start(t, s)()
	f.fail(capture.Reject(errors.New("too large")))
	for _, id := range []string{"a", "b", "c"} {
		if _, err := s.Put(t.Context(), still("s", id, []byte("old"))); err != nil {
			t.Fatal(err)
		}
	}
	await(s, func(p store.Progress) bool { return p.Dead == 3 })
	f.mend()
	if _, err := s.Put(t.Context(), still("s", "a", []byte("new"))); err != nil {
		t.Fatal(err)
	}
	await(s, empty)
	dead, err := s.Dead()
	if err != nil || len(dead) != 2 {
		t.Fatalf("%+v, %v", dead, err)
	}
	for _, d := range dead {
		if d.ID == "b" {
			if err := os.Remove(d.File); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n, err := s.Revive(t.Context()); n != 1 || err != nil {
		t.Errorf("revived %d, %v", n, err)
	}
	if p := await(s, empty); p.Dead != 0 || p.Bytes != 0 {
		t.Errorf("%+v", p)
	}
	got, _ := f.files()
	for location, data := range got {
		if want := location == "s/20260506_070809.123_a.jpg"; bytes.Equal(data, []byte("new")) != want {
			t.Errorf("%s is %s", location, data)
		}
	}
	if len(got) != 2 {
		t.Errorf("%d stills", len(got))
	}
}

// TestSpoolOwnsUpToDamage: of a damaged file nobody knows whose it is, so nobody is told that all of theirs is gone.
func TestSpoolOwnsUpToDamage(t *testing.T) {
	f, dir := new(flaky), t.TempDir()
	s := &store.Spool{Path: dir, Store: f}
	if _, err := s.Put(t.Context(), still("s", "id", []byte("image"))); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "pending", "*"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	if err := os.Truncate(files[0], 4); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Delete(t.Context(), capture.Selection{Stream: "s"}); err == nil {
		t.Error("deleted all, with a file that may be of it")
	}
	if n, err := s.Discard(t.Context()); n != 1 || err != nil {
		t.Errorf("discarded %d, %v", n, err)
	}
	if _, err := s.Delete(t.Context(), capture.Selection{Stream: "s"}); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(filepath.Join(dir, "dead")); len(left) > 0 || err != nil {
		t.Errorf("left %v, %v", left, err)
	}
}

// TestSpoolOnAnotherFolder: while a still is under way, the drive comes back as another folder. The newer version is what counts, and what
// is deleted stays so.
func TestSpoolOnAnotherFolder(t *testing.T) {
	for _, erase := range []bool{false, true} {
		f, dir := new(flaky), t.TempDir()
		if err := store.Mark(dir, "stick"); err != nil {
			t.Fatal(err)
		}
		began, end := make(chan struct{}), make(chan struct{})
		s := &store.Spool{Path: dir, Volume: "stick", First: time.Millisecond, Longest: time.Millisecond, Store: flakyStore{f, func(ctx context.Context, s *capture.Still) (string, error) {
			if string(s.Data) == "old" {
				close(began)
				<-end
			}
			return f.Put(ctx, s)
		}}}
		stop := start(t, s)
		if _, err := s.Put(t.Context(), still("s", "id", []byte("old"))); err != nil {
			t.Fatal(err)
		}
		<-began
		if err := errors.Join(os.Rename(dir, dir+"-away"), os.Mkdir(dir, 0o700), store.Mark(dir, "stick")); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Put(t.Context(), still("s", "id", []byte("new"))); !errors.Is(err, store.ErrVolume) {
			t.Errorf("Put before what is under way has ended: %v", err)
		}
		time.AfterFunc(10*time.Millisecond, func() { close(end) })
		if erase {
			for err := store.ErrVolume; errors.Is(err, store.ErrVolume); {
				_, err = s.Delete(t.Context(), capture.Selection{Stream: "s"})
			}
		} else {
			for err := store.ErrVolume; errors.Is(err, store.ErrVolume); {
				_, err = s.Put(t.Context(), still("s", "id", []byte("new")))
			}
		}
		if err := s.Flush(t.Context()); err != nil {
			t.Error(err)
		}
		stop()
		got, _ := f.files()
		if data := got["s/20260506_070809.123_id.jpg"]; erase && len(got) != 0 || !erase && string(data) != "new" {
			t.Errorf("erased: %v, the store has %q", erase, data)
		}
	}
}

// TestSpoolRemovesTwins, which a write that was cut off leaves in both folders.
func TestSpoolRemovesTwins(t *testing.T) {
	f, dir := new(flaky), t.TempDir()
	f.fail(errDown)
	s := &store.Spool{Path: dir, Store: f, First: time.Millisecond, Longest: time.Millisecond}
	defer start(t, s)()
	if _, err := s.Put(t.Context(), still("s", "id", nil)); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "pending", "*"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	if err := os.Link(files[0], filepath.Join(dir, "dead", filepath.Base(files[0]))); err != nil {
		t.Fatal(err)
	}
	f.mend()
	await(s, empty)
	if left, err := filepath.Glob(filepath.Join(dir, "[a-z]*", "*")); len(left) > 0 || err != nil {
		t.Errorf("left %v, %v", left, err)
	}
}

// TestSpoolSaysWhatItHasNotDone: with an ended context nothing is revived or discarded, and that is an error.
func TestSpoolSaysWhatItHasNotDone(t *testing.T) {
	f := new(flaky)
	f.fail(capture.Reject(errDown))
	s := &store.Spool{Path: t.TempDir(), Store: f}
	defer start(t, s)()
	for n := range 3 {
		if _, err := s.Put(t.Context(), still("s", fmt.Sprint(n), nil)); err != nil {
			t.Fatal(err)
		}
	}
	await(s, func(p store.Progress) bool { return p.Dead == 3 })
	cause := errors.New("the caller has gone")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	for _, do := range []func(context.Context) (int, error){s.Revive, s.Discard} {
		if n, err := do(ctx); n != 0 || !errors.Is(err, cause) {
			t.Errorf("%d, %v", n, err)
		}
	}
	if p := s.Progress(); p.Dead != 3 {
		t.Errorf("%+v", p)
	}
}

// TestSpoolKeepsNothingThatItRefuses: a still that can have no place behind the Spool is not in it.
func TestSpoolKeepsNothingThatItRefuses(t *testing.T) {
	dir := t.TempDir()
	s := &store.Spool{Path: dir, Store: &store.Dir{Path: t.TempDir(), Template: "{nothing}"}}
	if at, err := s.Put(t.Context(), still("s", "id", nil)); err == nil {
		t.Errorf("put at %s", at)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "[a-z]*", "*")); len(left) > 0 || err != nil {
		t.Errorf("left %v, %v", left, err)
	}
}
