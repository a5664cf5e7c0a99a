package blobstore_test

import (
	"encoding/json"
	"log"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"
	"gocloud.dev/blob/memblob"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/capturetest"
	"github.com/livestill/livestill/capture/store/blobstore"
	"github.com/livestill/livestill/internal/disktest"
)

var _ interface {
	capture.Locator
	capture.Lister
	capture.Deleter
	capture.Opener
} = (*blobstore.Store)(nil)

func TestMain(m *testing.M) {
	if text := os.Getenv(chaosEnv); text != "" {
		var p program
		if err := json.Unmarshal([]byte(text), &p); err != nil {
			log.Fatal(err)
		}
		if err := p.main(); err != nil {
			log.Fatal(err)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

func TestMemory(t *testing.T) {
	capturetest.TestStore(t, func(t *testing.T) capturetest.StoreCase {
		t.Helper()
		bucket := memory(t)
		return capturetest.StoreCase{Store: &blobstore.Store{Bucket: bucket}, Files: filesIn(t, bucket)}
	})
}

func TestFolder(t *testing.T) {
	capturetest.TestStore(t, func(t *testing.T) capturetest.StoreCase {
		t.Helper()
		dir := filepath.Join(t.TempDir(), "bucket")
		return capturetest.StoreCase{
			Store: &blobstore.Store{Bucket: folder(t, dir)},
			Files: func() (map[string][]byte, error) { return filesBelow(dir) },
			Break: func() func() { return disktest.Away(t, dir) },
		}
	})
}

func TestS3(t *testing.T) {
	g := startGateway(t)
	capturetest.TestStore(t, func(t *testing.T) capturetest.StoreCase {
		t.Helper()
		bucket, proxy := g.newBucket(t)
		return capturetest.StoreCase{
			Store: &blobstore.Store{Bucket: bucket},
			Files: filesIn(t, bucket),
			Break: func() func() { proxy.Set(hang); return func() { proxy.Set(pass) } },
		}
	})
}

func memory(tb testing.TB) *blob.Bucket {
	tb.Helper()
	bucket := memblob.OpenBucket(nil)
	tb.Cleanup(func() { _ = bucket.Close() })
	return bucket
}

func folder(tb testing.TB, dir string) *blob.Bucket {
	tb.Helper()
	bucket, err := fileblob.OpenBucket(dir, &fileblob.Options{CreateDir: true})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = bucket.Close() })
	return bucket
}

// filesIn reads the stills that are in a bucket.
func filesIn(tb testing.TB, bucket *blob.Bucket) func() (map[string][]byte, error) {
	tb.Helper()
	return func() (map[string][]byte, error) {
		files := make(map[string][]byte)
		objects, end := bucket.List(nil).All(tb.Context())
		for object := range objects {
			if strings.HasPrefix(object.Key, ".livestill/") {
				continue
			}
			data, err := bucket.ReadAll(tb.Context(), object.Key)
			if err != nil {
				return nil, err
			}
			files[object.Key] = data
		}
		return files, end()
	}
}

// truthsIn are the names of what a bucket has of what Puts were told.
func truthsIn(tb testing.TB, bucket *blob.Bucket) (names []string) {
	tb.Helper()
	objects, end := bucket.List(&blob.ListOptions{Prefix: ".livestill/"}).All(tb.Context())
	for object := range objects {
		names = append(names, object.Key)
	}
	if err := end(); err != nil {
		tb.Fatal(err)
	}
	return names
}

// filesBelow reads the stills that are in a fileblob's folder, without what fileblob keeps beside.
func filesBelow(dir string) (map[string][]byte, error) {
	files, err := disktest.Files(dir, "")
	maps.DeleteFunc(files, func(name string, _ []byte) bool { return strings.HasSuffix(name, ".attrs") })
	return files, err
}
