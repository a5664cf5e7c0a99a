package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/capturetest"
	"github.com/livestill/livestill/capture/store"
	"github.com/livestill/livestill/internal/disktest"
)

// start runs a Spool until stop is called.
func start(t *testing.T, s *store.Spool) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()
	return sync.OnceFunc(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run: %v", err)
		}
		s.Opened() // or the folder might be made while the test removes it
	})
}

// await waits until a Spool's progress is as wanted.
func await(s *store.Spool, want func(store.Progress) bool) store.Progress {
	for {
		changed := s.Changed()
		if p := s.Progress(); want(p) {
			return p
		}
		<-changed
	}
}

// pass lets time pass on the clock of a synctest bubble, outside of which it panics: it takes none, and all that is due by then has happened.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func empty(p store.Progress) bool { return p.Pending == 0 }

func TestSpool(t *testing.T) {
	capturetest.TestStore(t, func(t *testing.T) capturetest.StoreCase {
		t.Helper()
		f, dir := &flaky{Mem: store.Mem{MaxBytes: 1 << 30}}, t.TempDir()
		s := &store.Spool{Path: filepath.Join(dir, "spool"), Store: f, First: time.Millisecond}
		opened := s.Changed()
		t.Cleanup(start(t, s))
		<-opened // or Break might take away a folder that is just being made
		return capturetest.StoreCase{Store: s, Files: func() (map[string][]byte, error) {
			if err := s.Flush(context.Background()); err != nil {
				return nil, err
			}
			return f.files()
		}, Break: func() func() {
			return disktest.Away(t, s.Path)
		}}
	})
}

// TestSpoolOutlivesOutages puts while the store is down, in three runs of a program, of which the last sees it up again.
func TestSpoolOutlivesOutages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, dir := new(flaky), t.TempDir()
		f.fail(errDown)
		want := make(map[string][]byte)
		for n := range 3 {
			s := &store.Spool{Path: dir, Store: f}
			stop := start(t, s)
			if n == 2 {
				f.mend()
			}
			for i := range 5 {
				still := still("s", fmt.Sprint(i/2, n/2), []byte{byte(n), byte(i)}) // some replace others
				at, err := s.Put(t.Context(), still)
				if err != nil {
					t.Fatal(err)
				}
				want[at] = still.Data
			}
			if n < 2 {
				pass(time.Hour) // on the bubble's clock: an outage of which attempts become few, and no still dies
				if p := s.Progress(); p.Pending != 3 || p.Dead != 0 || !errors.Is(p.Err, errDown) || p.Next.Before(time.Now()) {
					t.Errorf("in the outage: %+v", p)
				}
				if puts := f.puts.Swap(0); puts < 50 || puts > 200 {
					t.Errorf("%d attempts in an hour", puts)
				}
			} else if p := await(s, empty); p.Dead != 0 || p.Err != nil || p.Bytes != 0 || !p.Oldest.IsZero() {
				t.Errorf("in the end: %+v", p)
			}
			stop()
		}
		got, _ := f.files()
		if len(got) != len(want) {
			t.Errorf("%d stills arrived, want %d", len(got), len(want))
		}
		for at, data := range want {
			if !bytes.Equal(got[at], data) {
				t.Errorf("%s is %v, want %v", at, got[at], data)
			}
		}
	})
}

// TestSpoolLaysAside what is rejected, and what fails again and again while others get through; Revive brings it back.
func TestSpoolLaysAside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, dir := new(flaky), t.TempDir()
		poisoned := true
		picky := flakyStore{f, func(ctx context.Context, s *capture.Still) (string, error) {
			switch {
			case poisoned && s.ID == "rejected":
				return "", capture.Reject(errors.New("too large"))
			case poisoned && s.ID == "failing":
				return "", errDown
			}
			return f.Put(ctx, s)
		}}
		s := &store.Spool{Path: dir, Store: picky, Attempts: 3}
		stop := start(t, s)
		put := func(id string) {
			t.Helper()
			if _, err := s.Put(t.Context(), still("s", id, []byte(id))); err != nil {
				t.Fatal(err)
			}
		}
		put("rejected")
		put("failing")
		for n := range 10 {
			pass(time.Minute)
			put(fmt.Sprint(n))
		}
		await(s, empty)
		stop()

		s = &store.Spool{Path: dir, Store: picky} // another run
		stop = start(t, s)
		defer func() { stop() }()
		await(s, func(p store.Progress) bool { return p.Dead == 2 })
		dead, err := s.Dead()
		if err != nil || len(dead) != 2 {
			t.Fatalf("%+v, %v", dead, err)
		}
		slices.SortFunc(dead, func(a, b store.DeadLetter) int { return strings.Compare(a.ID, b.ID) })
		for i, want := range []struct{ id, err string }{{"failing", "the store is down"}, {"rejected", "too large"}} {
			file, err := os.ReadFile(dead[i].File)
			if dead[i].ID != want.id || !strings.Contains(dead[i].Err, want.err) || !bytes.HasPrefix(file, []byte(want.id)) || dead[i].Size != int64(len(want.id)) || err != nil {
				t.Errorf("%+v, %v", dead[i], err)
			}
		}
		poisoned = false
		if n, err := s.Revive(t.Context()); n != 2 || err != nil {
			t.Errorf("revived %d, %v", n, err)
		}
		if p := await(s, empty); p.Dead != 0 || p.Bytes != 0 {
			t.Errorf("in the end: %+v", p)
		}
		if got, _ := f.files(); len(got) != 12 {
			t.Errorf("%d stills arrived, want 12", len(got))
		}
	})
}

// TestSpoolDeliversTheLast: while a still is under way its successors come, and the last one is what counts.
func TestSpoolDeliversTheLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := new(flaky)
		var versions []byte
		s := &store.Spool{Path: t.TempDir(), Store: flakyStore{f, func(ctx context.Context, s *capture.Still) (string, error) {
			<-time.After(time.Second) // a slow store, by the bubble's clock
			versions = append(versions, s.Data[0])
			return f.Put(ctx, s)
		}}}
		defer start(t, s)()
		for n := range byte(5) {
			if _, err := s.Put(t.Context(), still("s", "id", []byte{n})); err != nil {
				t.Fatal(err)
			}
			pass(100 * time.Millisecond)
		}
		await(s, empty)
		if string(versions) != "\x00\x04" {
			t.Errorf("delivered %v, want the first and the last", versions)
		}
	})
}

// TestSpoolDeletes what waits, what is under way, and what has arrived.
func TestSpoolDeletes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := new(flaky)
		s := &store.Spool{Path: t.TempDir(), Concurrent: 1, Store: flakyStore{f, func(ctx context.Context, s *capture.Still) (string, error) {
			<-time.After(time.Second) // as above
			return f.Put(ctx, s)
		}}}
		defer start(t, s)()
		cause := errors.New("the caller has gone")
		ctx, cancel := context.WithCancelCause(t.Context())
		defer cancel(nil)
		for n := range 6 {
			if _, err := s.Put(t.Context(), still(fmt.Sprint(n%2), fmt.Sprint(n), nil)); err != nil {
				t.Fatal(err)
			}
		}
		time.AfterFunc(2500*time.Millisecond, func() { cancel(cause) })
		if err := s.Flush(ctx); !errors.Is(err, cause) { // 0 and 1 have arrived, 2 is under way
			t.Errorf("Flush with pending ones: %v", err)
		}
		listed := 0
		for _, err := range s.List(t.Context(), capture.Selection{Stream: "0"}) {
			if listed++; err != nil {
				t.Error(err)
			}
		}
		if n, err := s.Delete(t.Context(), capture.Selection{Stream: "0"}); n != 3 || listed != 3 || err != nil {
			t.Errorf("listed %d, deleted %d, want 3: %v", listed, n, err)
		}
		await(s, empty)
		if got, _ := f.files(); len(got) != 3 {
			t.Errorf("%d left, want 3", len(got))
		}
	})
}

// TestSpoolIsBounded by bytes.
func TestSpoolIsBounded(t *testing.T) {
	f := new(flaky)
	f.fail(errDown)
	s := &store.Spool{Path: t.TempDir(), Store: f, MaxBytes: 10 << 10}
	for n, want := range []error{nil, nil, store.ErrFull} { // each counts as 4 KiB
		if _, err := s.Put(t.Context(), still("s", fmt.Sprint(n), nil)); !errors.Is(err, want) {
			t.Errorf("still %d: %v, want %v", n, err, want)
		}
	}
}

// TestSpoolLaysAsideWhatIsDamaged in its folder, and leaves alone what is none of its own.
func TestSpoolLaysAsideWhatIsDamaged(t *testing.T) {
	dir := t.TempDir()
	f := new(flaky)
	s := &store.Spool{Path: dir, Store: f}
	for n := range 4 {
		if _, err := s.Put(t.Context(), still("s", fmt.Sprint(n), []byte("image"))); err != nil {
			t.Fatal(err)
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "pending", "*"))
	if err != nil || len(files) != 4 {
		t.Fatal(files, err)
	}
	for i, damage := range []func(b []byte) []byte{
		func(b []byte) []byte { return b[:len(b)-1] },
		func(b []byte) []byte { b[0] ^= 1; return b },
		func([]byte) []byte { return nil },
	} {
		b, err := os.ReadFile(files[i])
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(files[i], damage(b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "pending", "notes.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	defer start(t, s)()
	p := await(s, func(p store.Progress) bool { return p.Pending == 0 && p.Dead > 0 })
	if got, _ := f.files(); len(got) != 1 || p.Dead != 3 {
		t.Errorf("%d arrived, %+v", len(got), p)
	}
	if dead, err := s.Dead(); len(dead) != 3 || err != nil || !strings.Contains(dead[0].Err, "damaged") {
		t.Errorf("%+v, %v", dead, err)
	}
}

// TestSpoolFolder is one process's, and the one that it was.
func TestSpoolFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spool")
	f := new(flaky)
	f.fail(errDown)
	s := &store.Spool{Path: dir, Store: f, First: time.Millisecond, Longest: time.Millisecond}
	defer start(t, s)()
	if _, err := s.Put(t.Context(), still("s", "before", nil)); err != nil {
		t.Fatal(err)
	}
	await(s, func(p store.Progress) bool { return p.Err != nil })
	lock := filepath.Join(dir, ".livestill", "lock")
	if err := os.Chtimes(lock, time.Time{}, time.Now().Add(-1000*time.Hour)); err != nil { // a Spool of long ago
		t.Fatal(err)
	}
	second := &store.Spool{Path: dir, Store: f}
	stopSecond := start(t, second)
	await(second, func(p store.Progress) bool { return p.Err != nil && strings.Contains(p.Err.Error(), "another's") })
	stopSecond()
	if _, err := s.Put(t.Context(), still("s", "with an old lock", nil)); err != nil {
		t.Error(err)
	}

	if err := os.Rename(dir, dir+"-away"); err != nil {
		t.Fatal(err)
	}
	f.mend()
	for _, another := range []bool{false, true} {
		if another {
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.Put(t.Context(), still("s", "meanwhile", nil)); !errors.Is(err, store.ErrVolume) {
			t.Errorf("another folder there: %v; %v, want ErrVolume", another, err)
		}
	}
	await(s, func(p store.Progress) bool { return errors.Is(p.Err, store.ErrVolume) })
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(dir+"-away", dir); err != nil {
		t.Fatal(err)
	}
	await(s, empty)
	if got, _ := f.files(); len(got) != 2 {
		t.Errorf("%d stills arrived, want the two of before", len(got))
	}

	// A drive that is there at last.
	drive := t.TempDir()
	s = &store.Spool{Path: drive, Volume: "attic", Store: f, First: time.Millisecond}
	defer start(t, s)()
	await(s, func(p store.Progress) bool { return errors.Is(p.Err, store.ErrVolume) })
	if err := store.Mark(drive, "attic"); err != nil {
		t.Fatal(err)
	}
	for err := errors.New("not yet"); err != nil; _, err = s.Put(t.Context(), still("s", "after", nil)) {
	}
	await(s, empty)
}

// TestSpoolReadsOnce puts without a Run. What is in the folder is not read for each Put, which would find that a file is damaged; but it is
// when others were there: another Spool, or somebody by hand.
func TestSpoolReadsOnce(t *testing.T) {
	for _, test := range []struct {
		about  string
		others func(dir string) error
		dead   int // that are found by the next Put
	}{
		{"nobody", func(string) error { return nil }, 0},
		{"another Spool", func(dir string) error {
			_, err := (&store.Spool{Path: dir, Store: new(flaky)}).Put(t.Context(), still("s", "another", nil))
			return err
		}, 1},
		{"another Spool that put nothing", func(dir string) error {
			_, err := (&store.Spool{Path: dir, Store: new(flaky)}).Dead()
			return err
		}, 1},
		{"by hand", func(dir string) error {
			pending := filepath.Join(dir, "pending")
			err := os.Remove(filepath.Join(pending, "notes.txt"))
			return errors.Join(err, os.Chtimes(pending, time.Time{}, time.Now().Add(time.Hour))) // in case that all was in one tick of the clock
		}, 1},
	} {
		dir := t.TempDir()
		s := &store.Spool{Path: dir, Store: new(flaky)}
		put := func(id string) {
			t.Helper()
			if _, err := s.Put(t.Context(), still("s", id, []byte("image"))); err != nil {
				t.Fatal(err)
			}
		}
		put("a")
		if err := os.WriteFile(filepath.Join(dir, "pending", "notes.txt"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		put("b")
		files, err := filepath.Glob(filepath.Join(dir, "pending", "*.jpg"))
		if err != nil || len(files) != 2 {
			t.Fatal(files, err)
		}
		if err := os.Truncate(files[0], 4); err != nil {
			t.Fatal(err)
		}
		put("c")
		if p := s.Progress(); p.Dead != 0 || p.Pending != 3 {
			t.Errorf("%s: the folder was read: %+v", test.about, p)
		}
		if err := test.others(dir); err != nil {
			t.Fatal(err)
		}
		put("d")
		if p := s.Progress(); p.Dead != test.dead {
			t.Errorf("%s: %d dead letters are known, want %d", test.about, p.Dead, test.dead)
		}
	}
}
