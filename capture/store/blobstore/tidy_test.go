package blobstore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/store"
	"github.com/livestill/livestill/capture/store/blobstore"
)

// age makes all that is below a folder, of names that contain a text, so old.
func age(t *testing.T, dir, text string, by time.Duration) {
	t.Helper()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	err = fs.WalkDir(root.FS(), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.Contains(path, text) {
			return err
		}
		return root.Chtimes(path, time.Time{}, time.Now().Add(-by))
	})
	if err = errors.Join(err, root.Close()); err != nil {
		t.Fatal(err)
	}
}

func ids(t *testing.T, b *blobstore.Store) string {
	t.Helper()
	var ids []string
	for s, err := range b.List(t.Context(), capture.Selection{}) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, s.ID)
	}
	slices.Sort(ids)
	return strings.Join(ids, "")
}

// TestForgets what is over the bounds, the oldest first, with what was told of it, and what is told of nothing; and nothing that is none of its
// own. As S3 does it, and as a folder does, whose list comes at once.
func TestForgets(t *testing.T) {
	g := startGateway(t)
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
		s3, _ := g.newBucket(t)
		dir := filepath.Join(t.TempDir(), "bucket")
		for where, b := range map[string]*blobstore.Store{
			filepath.Join(g.folder, fmt.Sprintf("stills-%d", g.buckets.Load())): {Bucket: s3, Keep: test.keep},
			dir: {Bucket: folder(t, dir), Keep: test.keep},
		} {
			puts := &blobstore.Store{Bucket: b.Bucket}
			if err := b.Bucket.WriteAll(t.Context(), "mine.jpg", make([]byte, 100), nil); err != nil {
				t.Fatal(err)
			}
			gone := put(t, puts, labelled("gone", "gone"))
			for n := range 10 {
				put(t, puts, still(fmt.Sprint("stream", n%2), fmt.Sprint(n), make([]byte, 10)))
			}
			if err := b.Bucket.Delete(t.Context(), gone); err != nil { // as if the Put had been cut off
				t.Fatal(err)
			}
			for n := range 10 {
				age(t, where, fmt.Sprintf("123_%d.jpg", n), time.Duration(n)*time.Hour)
			}
			age(t, where, "gone", 100*time.Hour)
			age(t, where, "mine", 1000*time.Hour)
			if err := b.Tidy(t.Context()); err != nil {
				t.Errorf("%s: %v", test.about, err)
			}
			if got := ids(t, b); got != test.want {
				t.Errorf("%s: kept %s, want %s", test.about, got, test.want)
			}
			if there, err := b.Bucket.Exists(t.Context(), "mine.jpg"); !there || err != nil {
				t.Errorf("%s: what is no still has gone: %v", test.about, err)
			}
			if told := truthsIn(t, b.Bucket); len(told) != len(test.want) {
				t.Errorf("%s: %d stills are told of: %v", test.about, len(told), told)
			}
		}
	}
}

// TestForgetsAsItPuts: with each Put comes a step.
func TestForgetsAsItPuts(t *testing.T) {
	b := &blobstore.Store{Bucket: memory(t), Keep: store.Keep{Count: 2}}
	for n := range 5 {
		put(t, &blobstore.Store{Bucket: b.Bucket}, still("live/alice", fmt.Sprint(n), nil))
	}
	for n := range 2 { // the first finds what is over, of six
		put(t, b, still("live/alice", fmt.Sprint("new", n), nil))
		if err := b.Rested(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := ids(t, b); got != "4new0new1" {
		t.Errorf("kept %s", got)
	}
}

// TestPutDoesNotWait for a list that never comes, and Close ends it.
func TestPutDoesNotWait(t *testing.T) {
	g := startGateway(t)
	bucket, proxy := g.newBucket(t)
	b := &blobstore.Store{Bucket: bucket, Keep: store.Keep{Count: 1}, Logger: slog.New(slog.DiscardHandler)}
	proxy.Set(stall)
	for n := range 3 {
		put(t, b, still("live/alice", fmt.Sprint(n), nil))
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	proxy.Set(pass)
	if err := b.Tidy(t.Context()); err != nil {
		t.Error(err)
	}
	if got := ids(t, b); got != "2" {
		t.Errorf("kept %s", got)
	}
	cause := errors.New("the caller has gone")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	if err := b.Tidy(ctx); !errors.Is(err, cause) {
		t.Errorf("Tidy with an ended context: %v", err)
	}
}

// TestTellsWhatItCannotDelete to the caller of Tidy, and else to the Logger.
func TestTellsWhatItCannotDelete(t *testing.T) {
	g := startGateway(t)
	bucket, proxy := g.newBucket(t)
	var log bytes.Buffer
	b := &blobstore.Store{Bucket: bucket, Keep: store.Keep{Age: time.Minute}, Logger: slog.New(slog.NewTextHandler(&log, nil))}
	put(t, &blobstore.Store{Bucket: bucket}, still("live/alice", "old", nil))
	age(t, g.folder, "old", time.Hour)
	proxy.Set(protect)
	put(t, b, still("live/alice", "new", nil))
	if err := b.Rested(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log.String(), "_old.jpg") || !strings.Contains(log.String(), "AccessDenied") {
		t.Errorf("log has %q", log.String())
	}
	if err := b.Tidy(t.Context()); err == nil || !strings.Contains(err.Error(), "_old.jpg") {
		t.Errorf("Tidy: %v", err)
	}
	proxy.Set(fail)
	if err := b.Tidy(t.Context()); err == nil || !strings.Contains(err.Error(), "list") {
		t.Errorf("Tidy without a list: %v", err)
	}
	proxy.Set(pass)
	if err := b.Tidy(t.Context()); err != nil {
		t.Error(err)
	}
	if got := ids(t, b); got != "new" {
		t.Errorf("kept %s", got)
	}
	b.Template = "{stream}/{id}"
	_, errPut := b.Put(t.Context(), still("live/alice", "new", nil))
	if errTidy := b.Tidy(t.Context()); errPut == nil || errTidy == nil {
		t.Errorf("Keep among objects that could be anybody's: %v, %v", errPut, errTidy)
	}
}
