package rclonestore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rclone/rclone/fs"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/store"
	"github.com/livestill/livestill/capture/store/rclonestore"
)

func ids(t *testing.T, s *rclonestore.Store) string {
	t.Helper()
	var ids []string
	for s, err := range s.List(t.Context(), capture.Selection{}) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, s.ID)
	}
	slices.Sort(ids)
	return strings.Join(ids, "")
}

// TestForgets what is over the bounds, the oldest first, with what was told of it; and nothing that is none of its own.
func TestForgets(t *testing.T) {
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
		dir := t.TempDir()
		s := open(t, dir)
		for n := range 10 {
			one := still(strings.Repeat("x", 10))
			one.Stream, one.ID = fmt.Sprint("stream", n%2), fmt.Sprint(n)
			at, err := s.Put(t.Context(), one)
			if err == nil {
				err = os.Chtimes(at, time.Time{}, time.Now().Add(-time.Duration(n)*time.Hour))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		mine := filepath.Join(dir, "mine.jpg")
		if err := errors.Join(os.WriteFile(mine, make([]byte, 100), 0o600), os.Chtimes(mine, time.Time{}, time.Unix(0, 0))); err != nil {
			t.Fatal(err)
		}
		s.Keep = test.keep
		if err := s.Tidy(t.Context()); err != nil {
			t.Errorf("%s: %v", test.about, err)
		}
		if got := ids(t, s); got != test.want {
			t.Errorf("%s: kept %s, want %s", test.about, got, test.want)
		}
		if _, err := os.Stat(mine); err != nil {
			t.Errorf("%s: what is no still has gone: %v", test.about, err)
		}
		if told, err := filepath.Glob(filepath.Join(dir, "stream*", ".livestill", "*.json")); len(told) != len(test.want) || err != nil {
			t.Errorf("%s: told of are %v, %v", test.about, told, err)
		}
	}
}

// TestForgetsAsItPuts: each Put has a folder looked through, and does not wait for it; what cannot be deleted is told.
func TestForgetsAsItPuts(t *testing.T) {
	hang := make(chan struct{})
	refuse := errors.New("no list today")
	var refusing, hanging bool // changed while nobody tidies
	name, _ := remote{list: func(ctx context.Context, f fs.Fs, folder string) (fs.DirEntries, error) {
		if hanging {
			<-hang
		}
		if refusing {
			return nil, refuse
		}
		return f.List(ctx, folder)
	}}.register(t, ":memory:")
	var log bytes.Buffer
	s := open(t, name)
	s.Keep, s.Logger = store.Keep{Count: 1}, slog.New(slog.NewTextHandler(&log, nil))
	putOne := func(id string) {
		t.Helper()
		one := still("data")
		one.ID = id
		if _, err := s.Put(t.Context(), one); err != nil {
			t.Fatal(err)
		}
	}
	rest := func() {
		t.Helper()
		if err := s.Rested(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	hanging = true
	putOne("0")
	putOne("1")
	close(hang)
	rest()
	hanging = false
	for n := range 9 { // three folders, in rounds
		putOne(fmt.Sprint(n + 2))
		rest()
	}
	if got := ids(t, s); strings.Contains(got, "0123") || !strings.HasSuffix(got, "9") {
		t.Errorf("kept %s", got)
	}
	if err := s.Tidy(t.Context()); err != nil {
		t.Error(err)
	}
	if got := ids(t, s); len(got) > 2 {
		t.Errorf("kept %s", got)
	}
	refusing = true
	if err := s.Tidy(t.Context()); !errors.Is(err, refuse) {
		t.Errorf("Tidy without a list: %v", err)
	}
	refusing = false
	s.Template = "{stream}/{id}"
	_, errPut := s.Put(t.Context(), still("data"))
	if errTidy := s.Tidy(t.Context()); errPut == nil || errTidy == nil {
		t.Errorf("Keep among files that could be anybody's: %v, %v", errPut, errTidy)
	}
	if log.Len() > 0 {
		t.Errorf("log has %q", log.String())
	}
}
