package blobstore_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"gocloud.dev/blob"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/store/blobstore"
)

// TestDeletesThousands deletes more than what drivers list at a time, of names in another order as files than as keys.
func TestDeletesThousands(t *testing.T) {
	g := startGateway(t)
	s3, _ := g.newBucket(t)
	for name, bucket := range map[string]*blob.Bucket{"S3": s3, "memory": memory(t), "folder": folder(t, filepath.Join(t.TempDir(), "bucket"))} {
		b := &blobstore.Store{Bucket: bucket}
		var wait sync.WaitGroup
		const each = 340
		for _, stream := range []string{"a", "a-b", "a.b"} {
			wait.Go(func() {
				for i := range each {
					s := still(stream, fmt.Sprint("ID", i), []byte{1})
					s.Request.By = "carol"
					if _, err := b.Put(t.Context(), s); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wait.Wait()
		kept := still("a", "kept", []byte{2})
		if _, err := b.Put(t.Context(), kept); err != nil {
			t.Fatal(err)
		}
		listed := 0
		for _, err := range b.List(t.Context(), capture.Selection{By: "carol"}) {
			if err != nil {
				t.Fatal(err)
			}
			listed++
		}
		if listed != 3*each {
			t.Errorf("%s: %d are listed, not %d", name, listed, 3*each)
		}
		if files, err := b.Delete(t.Context(), capture.Selection{By: "carol"}); files != 3*each || err != nil {
			t.Errorf("%s: deleted %d, not %d: %v", name, files, 3*each, err)
		}
		found(t, bucket, kept.Data)
		if left := truthsIn(t, bucket); len(left) != 1 {
			t.Errorf("%s: %d stills are told of", name, len(left))
		}
	}
}

// TestDeletesTogether has several delete the same.
func TestDeletesTogether(t *testing.T) {
	g := startGateway(t)
	bucket, _ := g.newBucket(t)
	b := &blobstore.Store{Bucket: bucket}
	for i := range 50 {
		if _, err := b.Put(t.Context(), still("live/alice", fmt.Sprint("ID", i), []byte{1})); err != nil {
			t.Fatal(err)
		}
	}
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			if _, err := b.Delete(t.Context(), capture.Selection{Stream: "live/alice"}); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	found(t, bucket)
	if left := truthsIn(t, bucket); len(left) != 0 {
		t.Errorf("%d stills are told of", len(left))
	}
}

func TestDeleteFails(t *testing.T) {
	g := startGateway(t)
	bucket, proxy := g.newBucket(t)
	b := &blobstore.Store{Bucket: bucket}
	s := still("live/alice", "ID", noise(8))
	if _, err := b.Put(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	for _, m := range []mode{refuse, fail, deny} {
		proxy.Set(m)
		if files, err := b.Delete(t.Context(), capture.Selection{ID: "ID"}); files != 0 || err == nil {
			t.Errorf("%v: deleted %d, %v", m, files, err)
		}
		for s, err := range b.List(t.Context(), capture.Selection{}) {
			if err == nil {
				t.Errorf("%v: listed %v", m, s)
			}
		}
		proxy.Set(pass)
		found(t, bucket, s.Data)
	}
}

// TestDeleteDoubts deletes from a bucket that denies what it lists, as Google's does if to delete is not allowed.
func TestDeleteDoubts(t *testing.T) {
	g := startGateway(t)
	bucket, proxy := g.newBucket(t)
	b := &blobstore.Store{Bucket: bucket}
	s := still("live/alice", "ID", noise(8))
	if _, err := b.Put(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	proxy.Set(hide)
	files, err := b.Delete(t.Context(), capture.Selection{ID: "ID"})
	if files != 0 || err == nil || !strings.Contains(err.Error(), "not there to be deleted") {
		t.Errorf("deleted %d, %v", files, err)
	}
	found(t, bucket, s.Data)
}

// TestDeleteEnds while what it selects is put again and again: what comes later is none of its.
func TestDeleteEnds(t *testing.T) {
	b := &blobstore.Store{Bucket: memory(t)}
	stop := make(chan struct{})
	var putting sync.WaitGroup
	begun := make(chan struct{})
	putting.Go(func() {
		for n := 0; ; n++ {
			if _, err := b.Put(t.Context(), still("live/alice", fmt.Sprint(n), nil)); err != nil {
				t.Error(err)
			}
			if n == 10 {
				close(begun)
			}
			select {
			case <-stop:
				return
			default:
			}
		}
	})
	<-begun
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	if n, err := b.Delete(ctx, capture.Selection{Stream: "live/alice"}); n < 10 || err != nil {
		t.Errorf("deleted %d, %v", n, err)
	}
	close(stop)
	putting.Wait()
}

// TestFolderKeepsNames that fileblob has for itself.
func TestFolderKeepsNames(t *testing.T) {
	s := still("live/alice", "ID", nil)
	s.Type = "image/attrs"
	b := &blobstore.Store{Bucket: folder(t, filepath.Join(t.TempDir(), "bucket"))}
	if _, err := b.Put(t.Context(), s); !errors.Is(err, capture.ErrRejected) {
		t.Error(err)
	}
}
