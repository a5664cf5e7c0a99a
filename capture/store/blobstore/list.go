package blobstore

import (
	"context"
	"errors"
	"iter"
	"path"
	"strings"
	"time"

	"gocloud.dev/blob"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/store/internal/truth"
)

const (
	pageSize = 1000 // of a list; S3's limit

	// fileblob sorts within a page only. Of a list with several it leaves out files, or has them twice; so it gets one that has all.
	folderSize = 1 << 20
)

// List yields the stills that are there. What has another name than one of Template's is none of its. It takes one request for each 1000 objects
// of a stream, or else of the bucket, where a still is two of them if Private is nil.
func (b *Store) List(ctx context.Context, which capture.Selection) iter.Seq2[capture.Stored, error] {
	return func(yield func(capture.Stored, error) bool) {
		var failed error
		err := b.pages(ctx, stills, which, func(page []object) bool {
			for _, o := range page {
				if o.Location, failed = b.location(ctx, o.key); failed != nil || !yield(o.Stored, nil) {
					return false
				}
			}
			return true
		})
		if err = errors.Join(err, failed); err != nil {
			yield(capture.Stored{}, err)
		}
	}
}

// A kind is what objects of a Store are: stills, or what Put was told of them.
type kind string

const (
	stills kind = ""
	truths kind = ".livestill/" // all names begin so
)

// An object is one in the bucket.
type object struct {
	capture.Stored           // of the still
	key            string    // of the still
	name           string    // of the object
	put            time.Time // when it was, by the bucket's clock
}

// truthName is the name of the object with what Put was told of a still of these bytes.
func truthName(key, sum string) string { return string(truths) + key + "/" + sum + truth.Suffix }

// keyOf is the key of the still that an object is of.
func (k kind) keyOf(name string) string {
	if k == truths {
		name = path.Dir(strings.TrimPrefix(name, string(truths)))
	}
	return name
}

// bucket is where objects of a kind are.
func (b *Store) bucket(k kind) *blob.Bucket {
	if k == truths && b.Private != nil {
		return b.Private
	}
	return b.Bucket
}

// pages calls do with the objects of each page of a bucket's list whose stills are selected, until it returns false.
func (b *Store) pages(ctx context.Context, k kind, which capture.Selection, do func(page []object) bool) error {
	for token := blob.FirstPageToken; len(token) > 0; {
		page, next, err := b.page(ctx, k, which, token)
		if err != nil {
			return err
		}
		if !do(page) {
			return nil
		}
		token = next
	}
	return nil
}

// page returns the page of a bucket's list that a token is for, and the token for the next one.
func (b *Store) page(ctx context.Context, k kind, which capture.Selection, token []byte) (page []object, next []byte, err error) {
	if err := b.check(); err != nil {
		return nil, nil, err
	}
	prefix, read, err := b.Template.Select(which)
	if err != nil {
		return nil, nil, err
	}
	bucket, size := b.bucket(k), pageSize
	if isFolder(bucket) {
		size = folderSize
	}
	prefix = string(k) + prefix
	list, next, err := bucket.ListPage(ctx, token, size, &blob.ListOptions{Prefix: prefix})
	if err != nil {
		return nil, nil, wrap(ctx, "list", prefix, err)
	}
	if err := context.Cause(ctx); err != nil {
		return nil, nil, err
	}
	for _, o := range list {
		key := k.keyOf(o.Key)
		if s, ok := read(key); ok {
			s.Size = o.Size
			page = append(page, object{s, key, o.Key, o.ModTime})
		}
	}
	return page, next, nil
}
