package store_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/store"
)

var many = flag.Int("store.files", 5_000, "files of the tests of folders with many")

const links = 100 // to one file, which share its time

// fill makes files of a byte as a Dir names them, in folders of streams or all in one, the oldest first and a second apart. Some share their time
// since they are links, which is quick.
func fill(tb testing.TB, dir string, files, streams int) {
	tb.Helper()
	check := func(err error) {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
	}
	origin := ""
	for n := range files {
		s := still(fmt.Sprint("live/", n%streams), fmt.Sprint("old", n), nil)
		at, err := (&store.Dir{Path: dir}).Locate(s)
		check(err)
		if n < streams {
			check(os.MkdirAll(filepath.Dir(at), 0o700))
		}
		if n%links > 0 {
			check(os.Link(origin, at))
			continue
		}
		check(os.WriteFile(at, []byte("d"), 0o600))
		check(os.Chtimes(at, time.Time{}, time.Now().Add(time.Duration(n-files)*time.Second)))
		origin = at
	}
}

// TestDirForgetsOfMany has a folder with many files come down to its bounds: by Puts with deadlines of a second, whether they keep to them
// or not, and by a Tidy that its context ends again and again. The oldest go.
func TestDirForgetsOfMany(t *testing.T) {
	for _, test := range []struct {
		about   string
		files   int
		streams int
		keep    store.Keep
		left    int
		puts    bool
	}{
		{"Puts, by count, all in one folder", *many, 1, store.Keep{Count: 1000}, 1000, true},
		{"Puts, by age, in many folders", *many / 4, 500, store.Keep{Age: 1000 * time.Second}, 1000, true},
		{"Tidy, by bytes, in many folders", *many / 4, 500, store.Keep{Bytes: 500}, 500, false},
		{"Tidy, by count, all in one folder", *many, 1, store.Keep{Count: 1000}, 1000, false},
	} {
		d := &store.Dir{Path: t.TempDir(), Keep: test.keep, Logger: slog.New(slog.NewTextHandler(t.Output(), nil))}
		fill(t, d.Path, test.files, test.streams)
		puts := 0
		for over, n := true, 0; over; n++ {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if !test.puts {
				over = d.Tidy(ctx) != nil
			} else {
				_, err := d.Put(ctx, still("live/0", fmt.Sprint("new", n), []byte("d")))
				if err != nil && !errors.Is(err, context.DeadlineExceeded) {
					t.Fatal(err)
				}
				puts++
				over = n%50 != 0 || count(t, d.Path) > test.left+puts
			}
			cancel()
			if n > test.files {
				t.Fatalf("%s: %d files are left after %d", test.about, count(t, d.Path), n)
			}
		}
		if test.puts {
			t.Logf("%s: %d Puts", test.about, puts)
		}
		if err := d.Tidy(t.Context()); err != nil {
			t.Error(err)
		}
		got := ids(t, d)
		if test.keep.Count > 0 && len(got) != test.left || len(got) > test.left+puts {
			t.Errorf("%s: %d files are left, %d are to be", test.about, len(got), test.left)
		}
		oldest := test.files - test.left - links // which may be of the same age as some that went
		for _, id := range got {
			var n int
			if _, err := fmt.Sscanf(id, "old%d", &n); err == nil && n < oldest {
				t.Fatalf("%s: %s is left", test.about, id)
			}
		}
	}
}

// TestDirTidiesAmongPuts: while stills are put all the time, so that something is always over the bounds, a Tidy ends.
func TestDirTidiesAmongPuts(t *testing.T) {
	d := &store.Dir{Path: t.TempDir(), Keep: store.Keep{Count: 500}}
	fill(t, d.Path, 1000, 10)
	var stop atomic.Bool
	var putter sync.WaitGroup
	putter.Go(func() {
		for n := 0; !stop.Load(); n++ {
			if _, err := d.Put(t.Context(), still("live/0", fmt.Sprint("new", n), nil)); err != nil {
				t.Error(err)
			}
		}
	})
	for range 3 {
		if err := d.Tidy(t.Context()); err != nil {
			t.Error(err)
		}
	}
	stop.Store(true)
	putter.Wait()
	if err := d.Tidy(t.Context()); err != nil {
		t.Error(err)
	}
	if left := len(ids(t, d)); left != 500 {
		t.Errorf("%d files are left", left)
	}
}

// ids lists a store.
func ids(t *testing.T, s capture.Store) (ids []string) {
	t.Helper()
	for s, err := range store.List(t.Context(), s, capture.Selection{}) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, s.ID)
	}
	return ids
}

// count counts the stills in a folder.
func count(t *testing.T, dir string) (files int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.Name() == ".livestill":
			return fs.SkipDir
		case d.Type().IsRegular():
			files++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
