package store_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/store"
)

// labelled makes a still whose only label is its data.
func labelled(id, data string) *capture.Still {
	s := still("live/alice", id, []byte(data))
	s.Request.Labels = map[string]string{"is": data}
	return s
}

// wantTruth opens a still, and wants the label to tell its data; a still without truth has none.
func wantTruth(t *testing.T, s capture.Store, location, data, label string) {
	t.Helper()
	opened, err := store.Open(t.Context(), s, location)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(opened)
	if err = errors.Join(err, opened.Close()); err != nil || string(got) != data || opened.Still.Request.Labels["is"] != label {
		t.Errorf("%s has %q, with the truth about %q; want %q, %q: %v", location, got, opened.Still.Request.Labels["is"], data, label, err)
	}
	if o := opened.Still; o.ID != "id" || o.Stream != "live/alice" || o.Type != "image/jpeg" || o.Location != location {
		t.Errorf("%+v", o)
	}
}

// told is the file that has the truth about a still.
func told(location string) string {
	return filepath.Join(filepath.Dir(location), ".livestill", filepath.Base(location)+".json")
}

// truths are the files of the truth in a folder.
func truths(t *testing.T, dir string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(path, ".json") {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestDirAfterCrashes looks at what a crash of the program leaves at each step of a Put that replaces a still.
func TestDirAfterCrashes(t *testing.T) {
	for _, test := range []struct{ about, before, after string }{
		{"of another size", "old", "newer"},
		{"of the same size", "old", "new"},
	} {
		d := &store.Dir{Path: t.TempDir()}
		at, err := d.Put(t.Context(), labelled("id", test.before))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Put(t.Context(), labelled("id", test.after)); err != nil {
			t.Fatal(err)
		}
		wantTruth(t, d, at, test.after, test.after)
		if err := os.WriteFile(at, []byte(test.before), 0o600); err != nil { // as if the Put had ended before the image was renamed
			t.Fatal(err)
		}
		wantTruth(t, d, at, test.before, test.before)
		for range 2 { // or two Puts
			if _, err := d.Put(t.Context(), labelled("id", test.after)); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(at, []byte(test.before), 0o600); err != nil {
				t.Fatal(err)
			}
			wantTruth(t, d, at, test.before, test.before)
		}
	}
}

// TestDirOpensWhatIsOlder than the truth: it is known by its name, also while it is replaced, by one of its size too.
func TestDirOpensWhatIsOlder(t *testing.T) {
	d := &store.Dir{Path: t.TempDir()}
	at, err := d.Locate(labelled("id", ""))
	if err != nil {
		t.Fatal(err)
	}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(os.MkdirAll(filepath.Dir(at), 0o700))
	check(os.WriteFile(at, []byte("old"), 0o600))
	wantTruth(t, d, at, "old", "")
	_, err = d.Put(t.Context(), labelled("id", "new"))
	check(err)
	wantTruth(t, d, at, "new", "new")
	check(os.WriteFile(at, []byte("old"), 0o600)) // the Put was cut off
	wantTruth(t, d, at, "old", "")
	check(os.WriteFile(told(at), []byte("{"), 0o600))
	if _, err := d.Open(t.Context(), at); err == nil || errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), told(at)) {
		t.Errorf("opened with a damaged truth: %v", err)
	}
}

// TestDirOpensItsStillsAlone, whatever somebody asks for.
func TestDirOpensItsStillsAlone(t *testing.T) {
	parent := t.TempDir()
	d := &store.Dir{Path: filepath.Join(parent, "stills")}
	at, err := d.Put(t.Context(), labelled("id", "data"))
	if err != nil {
		t.Fatal(err)
	}
	outside := filepath.Join(parent, filepath.Base(at))
	mine := filepath.Join(d.Path, "mine.jpg")
	folder := filepath.Join(d.Path, "20260506_070809.123_folder.jpg")
	link := filepath.Join(d.Path, "20260506_070809.123_link.jpg")
	err = errors.Join(os.WriteFile(outside, nil, 0o600), os.WriteFile(mine, nil, 0o600), os.Mkdir(folder, 0o700), os.Symlink(outside, link))
	if err != nil {
		t.Fatal(err)
	}
	for _, location := range []string{outside, mine, folder, told(at), at + "/" + filepath.Base(at), filepath.Join(d.Path, "..", filepath.Base(at))} {
		if _, err := d.Open(t.Context(), location); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("opened %s: %v", location, err)
		}
	}
	if _, err := d.Open(t.Context(), link); err == nil {
		t.Error("followed a link out of the folder")
	}
	away := &store.Dir{Path: d.Path, Volume: "attic"}
	if _, err := away.Open(t.Context(), at); !errors.Is(err, store.ErrVolume) || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("opened on a drive that is not there: %v", err)
	}
}

// TestDirForgetsTheTruth with its still, by whatever way that goes; and what a crash left, when it is an hour old.
func TestDirForgetsTheTruth(t *testing.T) {
	for _, test := range []struct {
		about string
		keep  store.Keep
		tidy  func(d *store.Dir) error
	}{
		{"Tidy", store.Keep{Count: 1}, func(d *store.Dir) error { return d.Tidy(t.Context()) }},
		{"Tidy, by age", store.Keep{Age: 90 * time.Minute}, func(d *store.Dir) error { return d.Tidy(t.Context()) }},
		{"Delete", store.Keep{}, func(d *store.Dir) error {
			_, err := d.Delete(t.Context(), capture.Selection{Stream: "live/alice", Before: still("", "", nil).Time.Add(time.Second)})
			return err
		}},
		{"Tidy without bounds", store.Keep{}, func(d *store.Dir) error {
			for s, err := range d.List(t.Context(), capture.Selection{}) {
				if err != nil {
					return err
				}
				if s.ID != "new" {
					if err := errors.Join(os.Remove(s.Location), os.Chtimes(told(s.Location), time.Time{}, time.Now().Add(-2*time.Hour))); err != nil {
						return err
					}
				}
			}
			return d.Tidy(t.Context())
		}},
	} {
		d := &store.Dir{Path: t.TempDir()}
		put := func(id string, shown, age time.Duration) string {
			t.Helper()
			s := labelled(id, id)
			s.Time = s.Time.Add(shown)
			at, err := d.Put(t.Context(), s)
			if err == nil {
				err = errors.Join(os.Chtimes(at, time.Time{}, time.Now().Add(-age)), os.Chtimes(told(at), time.Time{}, time.Now().Add(-age)))
			}
			if err != nil {
				t.Fatal(err)
			}
			return at
		}
		for n := range 3 {
			put(fmt.Sprint(n), 0, 2*time.Hour)
		}
		stale, fresh := put("stale", 0, 2*time.Hour), put("fresh", 0, 30*time.Minute)
		kept := put("new", time.Hour, 0)
		if err := errors.Join(os.Remove(stale), os.Remove(fresh)); err != nil { // as if Puts had been cut off
			t.Fatal(err)
		}
		d.Keep = test.keep
		if err := test.tidy(d); err != nil {
			t.Errorf("%s: %v", test.about, err)
		}
		got := truths(t, d.Path)
		want := []string{told(fresh), told(kept)} // fresh may be of a Put of another program that is under way
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("%s: left\n%s\nwant\n%s", test.about, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if _, err := os.Stat(kept); err != nil {
			t.Errorf("%s: %v", test.about, err)
		}
	}
}

// TestSpoolOpens what is pending, what is dead and what has arrived, before and after a restart, by one location.
func TestSpoolOpens(t *testing.T) {
	dir, f := t.TempDir(), new(flaky)
	f.fail(errDown)
	s := &store.Spool{Path: dir, Store: f, First: time.Millisecond, Longest: time.Millisecond}
	at, err := s.Put(t.Context(), labelled("id", "old"))
	if err != nil {
		t.Fatal(err)
	}
	wantTruth(t, s, at, "old", "old")
	if again, err := s.Put(t.Context(), labelled("id", "newer")); err != nil || again != at {
		t.Errorf("%s, %v, want %s", again, err, at)
	}
	wantTruth(t, s, at, "newer", "newer")

	f.fail(capture.Reject(errDown))
	s = &store.Spool{Path: dir, Store: f, First: time.Millisecond, Longest: time.Millisecond} // another run
	wantTruth(t, s, at, "newer", "newer")
	stop := start(t, s)
	await(s, func(p store.Progress) bool { return p.Dead == 1 })
	wantTruth(t, s, at, "newer", "newer")
	f.mend()
	if n, err := s.Revive(t.Context()); n != 1 || err != nil {
		t.Errorf("revived %d, %v", n, err)
	}
	await(s, func(p store.Progress) bool { return p.Delivered == 1 })
	wantTruth(t, s, at, "newer", "newer")
	wantTruth(t, f, at, "newer", "newer")
	stop()
	if _, err := s.Open(t.Context(), "nowhere"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("opened nothing: %v", err)
	}
}

// TestSpoolOpensItsFiles, while the Store does not know where it will put a still.
func TestSpoolOpensItsFiles(t *testing.T) {
	f := new(flaky)
	f.fail(errDown)
	s := &store.Spool{Path: t.TempDir(), Store: capture.StoreFunc(f.Put)}
	at, err := s.Put(t.Context(), labelled("id", "data"))
	if err != nil {
		t.Fatal(err)
	}
	wantTruth(t, s, at, "data", "data")
	if _, err := s.Open(t.Context(), "elsewhere"); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("opened of a store that cannot: %v", err)
	}
}

// TestOpenIsSureOfWhatIsNotThere: a store that fails does not say so.
func TestOpenIsSureOfWhatIsNotThere(t *testing.T) {
	full, none, mute := new(store.Mem), new(store.Mem), capture.StoreFunc(new(store.Mem).Put)
	at, err := full.Put(t.Context(), labelled("id", "data"))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []capture.Store{store.Tee{none, full}, store.Failover{mute, full}, &store.Retry{Store: full}} {
		wantTruth(t, s, at, "data", "data")
	}
	for _, s := range []capture.Store{store.Tee{none, none}, store.Failover{none}, &store.Retry{Store: none}} {
		if _, err := store.Open(t.Context(), s, at); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%T: %v", s, err)
		}
	}
	for _, s := range []capture.Store{store.Tee{mute, none}, store.Failover{none, mute}, &store.Retry{Store: mute}, mute} {
		if _, err := store.Open(t.Context(), s, at); !errors.Is(err, errors.ErrUnsupported) || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%T: %v", s, err)
		}
	}
}
