package rclonestore_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rclone/rclone/fs"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/store/rclonestore"
)

// unread is about a folder that cannot be read: nobody must be told that nothing is in it.
func unread(t *testing.T, s *rclonestore.Store) {
	t.Helper()
	which := capture.Selection{Stream: still("").Stream}
	if n, err := s.Delete(t.Context(), which); n != 0 || err == nil {
		t.Errorf("Delete: %d, %v, want an error", n, err)
	}
	var last error
	for _, err := range s.List(t.Context(), which) {
		last = err
	}
	if last == nil {
		t.Error("List ends without an error")
	}
}

// TestUnreadable has disks whose folders, or what is in them, cannot be looked at.
func TestUnreadable(t *testing.T) {
	for name, spoil := range map[string]func(folder string) error{
		"below no folder": func(folder string) error {
			live := filepath.Dir(folder)
			return errors.Join(os.Rename(live, live+"-away"), os.WriteFile(live, nil, 0o600))
		},
		"links in a circle": func(folder string) error {
			return errors.Join(os.Rename(folder, folder+"-away"), os.Symlink(folder, folder))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, dir)
			put(t, s, "one")
			folder := filepath.Join(dir, filepath.FromSlash(still("").Stream))
			if err := spoil(folder); err != nil {
				t.Fatal(err)
			}
			unread(t, s)
		})
	}
}

// TestSaysGone is about FTP servers, whose answer of a folder that must not be read rclone takes for that of one that is not there.
func TestSaysGone(t *testing.T) {
	remote, _ := remote{list: func(ctx context.Context, f fs.Fs, folder string) (fs.DirEntries, error) {
		if folder == still("").Stream {
			return nil, fs.ErrorDirNotFound
		}
		return f.List(ctx, folder)
	}}.register(t, "")
	s := open(t, remote)
	if n, err := s.Delete(t.Context(), capture.Selection{Stream: still("").Stream}); n != 0 || err != nil {
		t.Errorf("Delete of a folder that is not there: %d, %v", n, err)
	}
	put(t, s, "one")
	unread(t, s)
}

// TestSweepHangs has a remote that does not say what is backstage, and does not know contexts: neither Put nor Delete may wait for it longer
// than they have to.
func TestSweepHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer := make(chan struct{})
		remote, dir := remote{list: func(ctx context.Context, f fs.Fs, folder string) (fs.DirEntries, error) {
			if folder == ".livestill" {
				<-answer
			}
			return f.List(ctx, folder)
		}}.register(t, "")
		s := open(t, remote)
		defer close(answer)
		began := time.Now()
		put(t, s, "one")
		if took := time.Since(began); took > 0 {
			t.Errorf("Put waits for %v", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		which := capture.Selection{Stream: still("").Stream}
		if _, err := s.Delete(ctx, which); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Delete: %v, want that its time is over", err)
		}
		want(t, filesIn(dir, ""), "one")
	})
}
