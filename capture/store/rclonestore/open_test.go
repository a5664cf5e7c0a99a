package rclonestore_test

import (
	"errors"
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

// labelled makes a still by carol, which has its label as data.
func labelled(id, data string) *capture.Still {
	s := still(data)
	s.ID, s.Request.By, s.Request.Labels = id, "carol", map[string]string{"is": data}
	return s
}

// wantTruth opens a still, and wants the label to tell its data; a still of which nothing was told has none.
func wantTruth(t *testing.T, s capture.Opener, location, data, label string) {
	t.Helper()
	opened, err := s.Open(t.Context(), location)
	if err != nil {
		t.Error(err)
		return
	}
	got, err := io.ReadAll(opened)
	if err = errors.Join(err, opened.Close()); err != nil || string(got) != data || opened.Still.Request.Labels["is"] != label {
		t.Errorf("%s has %q, with the truth about %q; want %q, %q: %v", location, got, opened.Still.Request.Labels["is"], data, label, err)
	}
}

// TestOpensAfterCrashes looks at what a crash leaves of a Put that replaces a still, and at stills that are older than what is told of them. On
// a disk all is where a Dir has it.
func TestOpensAfterCrashes(t *testing.T) {
	for _, test := range []struct{ about, before, after string }{
		{"of another size", "old", "newer"}, {"of the same size", "old", "new"},
	} {
		for _, older := range []bool{false, true} {
			dir := t.TempDir()
			s, label := open(t, dir), test.before
			at, err := s.Put(t.Context(), labelled("ID", test.before))
			if err != nil {
				t.Fatal(err)
			}
			if older {
				label = ""
				if err := os.RemoveAll(filepath.Join(filepath.Dir(at), ".livestill")); err != nil {
					t.Fatal(err)
				}
			}
			wantTruth(t, s, at, test.before, label)
			for range 2 {
				if _, err := s.Put(t.Context(), labelled("ID", test.after)); err != nil {
					t.Fatal(err)
				}
				wantTruth(t, s, at, test.after, test.after)
				wantTruth(t, &store.Dir{Path: dir}, at, test.after, test.after)
				if err := os.WriteFile(at, []byte(test.before), 0o600); err != nil { // as if the Put had been cut off
					t.Fatal(err)
				}
				if label != "" || len(test.before) == len(test.after) {
					wantTruth(t, s, at, test.before, label)
				}
			}
		}
	}
}

// TestDeleteForgets what was told of what it deletes, and of what is not there, when it is an hour old.
func TestDeleteForgets(t *testing.T) {
	for name, serve := range map[string]func(t *testing.T, dir string) string{
		"local": func(_ *testing.T, dir string) string { return dir },
		"SFTP":  func(t *testing.T, dir string) string { t.Helper(); return serveSFTP(t, dir, new(gate)) },
	} {
		dir := t.TempDir()
		s := open(t, serve(t, dir))
		told := make(map[string]string)
		for _, id := range []string{"ID", "stale", "fresh"} {
			at, err := s.Put(t.Context(), labelled(id, id))
			if err != nil {
				t.Fatal(err)
			}
			_, name, _ := strings.Cut(at, "live/alice/")
			at = filepath.Join(dir, "live", "alice", name)
			told[id] = filepath.Join(filepath.Dir(at), ".livestill", filepath.Base(at)+".json")
			if id != "ID" {
				if err := os.Remove(at); err != nil { // as if the Put had been cut off
					t.Fatal(err)
				}
			}
		}
		if err := os.Chtimes(told["stale"], time.Time{}, time.Now().Add(-2*time.Hour)); err != nil {
			t.Fatal(err)
		}
		if n, err := s.Delete(t.Context(), capture.Selection{By: "carol"}); n != 1 || err != nil {
			t.Errorf("%s: deleted %d, %v", name, n, err)
		}
		for id, file := range told {
			if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) != (id != "fresh") {
				t.Errorf("%s: %s: %v", name, id, err)
			}
		}
	}
}
