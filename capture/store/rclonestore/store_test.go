package rclonestore_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rclone/rclone/fs"
	"go.uber.org/goleak"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/capturetest"
	"github.com/livestill/livestill/capture/store/rclonestore"
	"github.com/livestill/livestill/internal/disktest"
)

var _ interface {
	capture.Locator
	capture.Lister
	capture.Deleter
	capture.Opener
} = (*rclonestore.Store)(nil)

func TestMain(m *testing.M) {
	fs.SetLogger(slog.DiscardHandler)
	goleak.VerifyTestMain(m)
}

// open makes a Store that is closed when the test ends.
func open(t *testing.T, remote string) *rclonestore.Store {
	t.Helper()
	s := &rclonestore.Store{Remote: remote}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestWebDAV(t *testing.T) {
	capturetest.TestStore(t, func(t *testing.T) capturetest.StoreCase {
		t.Helper()
		dir := t.TempDir()
		var broken atomic.Bool
		s := open(t, serveWebDAV(t, dir, func(next http.Handler) http.Handler {
			next = renames(dir)(next)
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if broken.Load() {
					http.Error(w, "out of order", http.StatusInternalServerError)
					return
				}
				next.ServeHTTP(w, r)
			})
		}))
		return capturetest.StoreCase{Store: s, Files: filesIn(filepath.Join(dir, stills), "webdav:"+stills), Break: func() func() {
			broken.Store(true)
			return func() { broken.Store(false) }
		}}
	})
}

// TestSFTP has a server that hangs. rclone's backend does not know contexts.
func TestSFTP(t *testing.T) {
	capturetest.TestStore(t, func(t *testing.T) capturetest.StoreCase {
		t.Helper()
		dir := filepath.Join(t.TempDir(), stills)
		var door gate
		s := open(t, serveSFTP(t, dir, &door))
		return capturetest.StoreCase{Store: s, Files: filesIn(dir, "sftp:"+dir), Break: func() func() {
			mend := door.close()
			t.Cleanup(mend)
			return mend
		}}
	})
}

func TestLocal(t *testing.T) {
	capturetest.TestStore(t, func(t *testing.T) capturetest.StoreCase {
		t.Helper()
		dir := filepath.Join(t.TempDir(), stills)
		return capturetest.StoreCase{Store: open(t, dir), Files: filesIn(dir, dir), Break: func() func() { return disktest.Away(t, dir) }}
	})
}

// TestMemory is about remotes that are written to directly.
func TestMemory(t *testing.T) {
	capturetest.TestStore(t, func(t *testing.T) capturetest.StoreCase {
		t.Helper()
		bucket := ":memory:" + filepath.Base(filepath.Dir(t.TempDir()))
		return capturetest.StoreCase{Store: open(t, bucket), Files: func() (map[string][]byte, error) {
			return objects(t.Context(), bucket)
		}}
	})
}

// isTold reports whether a file has what was told of a still.
func isTold(name string) bool {
	return strings.HasSuffix(name, ".json") && strings.Contains("/"+name, "/.livestill/")
}

// objects reads the stills that a bucket has.
func objects(ctx context.Context, bucket string) (map[string][]byte, error) {
	files := make(map[string][]byte)
	f, err := fs.NewFs(ctx, bucket)
	if err != nil {
		return nil, err
	}
	err = f.Features().ListR(ctx, "", func(entries fs.DirEntries) error {
		for _, entry := range entries {
			o, ok := entry.(fs.Object)
			if !ok || isTold(o.Remote()) {
				continue
			}
			in, err := o.Open(ctx)
			if err != nil {
				return err
			}
			if files[bucket[1:]+"/"+o.Remote()], err = io.ReadAll(in); err != nil {
				return err
			}
			if err := in.Close(); err != nil {
				return err
			}
		}
		return nil
	})
	if errors.Is(err, fs.ErrorDirNotFound) {
		err = nil
	}
	return files, err
}

// TestNoType is about types that do not fit into a request's header.
func TestNoType(t *testing.T) {
	dir := t.TempDir()
	s := open(t, serveWebDAV(t, dir, func(next http.Handler) http.Handler { return next }))
	for n, kind := range []string{"image/jpeg; \n", "image/jpeg\r\nX: y", "a picture", ""} {
		one := still("one")
		one.ID, one.Type = fmt.Sprint("ID", n), kind
		if _, err := s.Put(t.Context(), one); err != nil {
			t.Errorf("%q: %v", kind, err)
		}
	}
	want(t, filesIn(dir, ""), "one", "one", "one", "one")
}
