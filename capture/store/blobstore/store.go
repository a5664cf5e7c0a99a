// Package blobstore puts stills into a bucket: S3 and all that speaks it, Google Cloud Storage, Azure, a folder, memory.
//
// The driver is the user's to import, as gocloud.dev/blob has it; so a program bears only those that it needs:
//
//	import _ "gocloud.dev/blob/s3blob" // or azureblob, gcsblob
//
//	bucket, err := blob.OpenBucket(ctx, "s3://stills?region=eu-central-1")
//	// or, of one's own server: "s3://stills?region=us-east-1&endpoint=https://minio.example.com&use_path_style=true"
//	if err != nil {
//		return err
//	}
//	defer bucket.Close()
//	camera.Store = &blobstore.Store{Bucket: bucket}
//
// For a folder store.Dir is the better one. gocloud's fileblob does not flush what it writes, keeps a second file beside each, and
// what it cannot read it does not list, instead of an error.
package blobstore

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"mime"
	"net/url"
	"strings"
	"sync"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/store"
)

// A Store puts stills into a bucket that its user opened, and closes.
type Store struct {
	Bucket   *blob.Bucket
	Template store.Template // of the keys

	// Base stands before the key in locations, such as "https://cdn.example.com/"; the key is escaped then, as URLs want it. Without it the
	// location is the key.
	Base string

	// Links, if not zero, makes each location a link that works without credentials for that long: see Link. Put and List sign one each;
	// they lead to the same place, but do not read the same.
	Links time.Duration

	// CacheControl is what the bucket tells whoever reads a still; empty is nothing. With Immutable
	// "public, max-age=31536000, immutable" is true.
	CacheControl string

	// Immutable never replaces. To put the same bytes again is fine, to put others is rejected with ErrExists. It is as safe as the
	// bucket's driver makes it: of several at a time S3, Google and Azure take one. gocloud's fileblob may take more.
	Immutable bool
}

// ErrExists is an Immutable Store's rejection of a still, since there is another under its key.
var ErrExists = errors.New("another still has its key")

const (
	maxLinks  = 7 * 24 * time.Hour // S3 and Google sign for no longer
	deletions = 16                 // at a time
	passes    = 3                  // of a Delete, if what was listed is gone when it is to be deleted, as when another is faster
	pageSize  = 1000               // of a list; S3's limit

	// fileblob sorts within a page only. Of a list with several it leaves out files, or has them twice; hence it gets one that holds all.
	folderSize = 1 << 20
)

// Put puts s in one request, so that it is there as a whole or not at all. S3 and Google get a hash to check it by. What is known about
// the still becomes the object's metadata, but for who asked for it. S3 takes stills of 16 MiB and more in parts, and shows none before it has all; it
// keeps the parts of a Put that was cut off, until the bucket's lifecycle rule for incomplete uploads deletes them.
func (b *Store) Put(ctx context.Context, s *capture.Still) (location string, err error) {
	if err := context.Cause(ctx); err != nil {
		return "", err
	}
	key, err := b.key(s)
	if err != nil {
		return "", err
	}
	if location, err = b.location(ctx, key); err != nil { // before there is a still without one
		return "", err
	}
	if b.isFolder() && strings.HasSuffix(key, ".attrs") {
		return "", wrap(ctx, "put", key, capture.Reject(errors.New("fileblob has such names for itself")))
	}
	err = b.Bucket.WriteAll(ctx, key, s.Data, b.options(s)) // with ContentMD5
	if b.Immutable && gcerrors.Code(err) == gcerrors.FailedPrecondition {
		err = b.compare(ctx, key, s.Data)
	}
	if err != nil {
		return "", wrap(ctx, "put", key, err)
	}
	return location, nil
}

// options are how s is written.
func (b *Store) options(s *capture.Still) *blob.WriterOptions {
	kind, parameters, _ := mime.ParseMediaType(s.Type)
	o := &blob.WriterOptions{
		ContentType:  mime.FormatMediaType(kind, parameters), // empty if it is no type: the bytes tell a better one
		CacheControl: b.CacheControl,
		Metadata:     metadata(s),
		IfNotExist:   b.Immutable,
		// Drivers divide what does not fit into a buffer, and make one for each request that they may send at a time. A still fits, with a byte
		// to spare, by which they see that it ends; and no buffer is larger than it needs to be.
		BufferSize:     len(s.Data) + 1,
		MaxConcurrency: 1,
	}
	return o
}

// compare returns nil if the bytes at key are data.
func (b *Store) compare(ctx context.Context, key string, data []byte) (err error) {
	r, err := b.Bucket.NewReader(ctx, key, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	if r.Size() != int64(len(data)) {
		return capture.Reject(ErrExists)
	}
	there := make([]byte, len(data))
	if _, err := io.ReadFull(r, there); err != nil {
		return err
	}
	if !bytes.Equal(there, data) {
		return capture.Reject(ErrExists)
	}
	return nil
}

// Locate returns where Put would put s. With Links nobody knows: an errors.ErrUnsupported.
func (b *Store) Locate(s *capture.Still) (string, error) {
	key, err := b.key(s)
	if err != nil {
		return "", err
	}
	if b.Links != 0 {
		return "", fmt.Errorf("blobstore: a link is not known before it is signed: %w", errors.ErrUnsupported)
	}
	return b.location(context.Background(), key)
}

// Link returns a link to a still that works without credentials for as long as it is valid: a second to seven days, unless
// the credentials that sign it end before. location is what Put returns without Links. A bucket that signs no links, such as memory, has errors.ErrUnsupported.
func (b *Store) Link(ctx context.Context, location string, valid time.Duration) (string, error) {
	if err := b.check(); err != nil {
		return "", err
	}
	key := location
	if b.Base != "" {
		path, ok := strings.CutPrefix(location, b.Base)
		var err error
		if key, err = url.PathUnescape(path); !ok || err != nil {
			return "", fmt.Errorf("blobstore: %s is no location below %s", location, b.Base)
		}
	}
	return b.link(ctx, key, valid)
}

func (b *Store) link(ctx context.Context, key string, valid time.Duration) (string, error) {
	if valid < time.Second || valid > maxLinks {
		return "", fmt.Errorf("blobstore: a link is valid for a second to seven days, not for %v", valid)
	}
	link, err := b.Bucket.SignedURL(ctx, key, &blob.SignedURLOptions{Expiry: valid})
	if gcerrors.Code(err) == gcerrors.Unimplemented {
		err = fmt.Errorf("the bucket signs no links: %w: %w", errors.ErrUnsupported, err)
	}
	if err != nil {
		return "", wrap(ctx, "link", key, err)
	}
	return link, nil
}

// List yields the stills that are there. What has another name than one of Template's is none of its.
func (b *Store) List(ctx context.Context, which capture.Selection) iter.Seq2[capture.Stored, error] {
	return func(yield func(capture.Stored, error) bool) {
		var failed error
		err := b.pages(ctx, which, func(page []object) bool {
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

// Delete deletes what a list has.
func (b *Store) Delete(ctx context.Context, which capture.Selection) (files int, err error) {
	if which.All() {
		return 0, capture.ErrSelectsAll
	}
	// Google says of what may not be deleted that it is not there: the next list shows whether that is so.
	var gone error
	for range passes {
		var deleted int
		deleted, gone, err = b.pass(ctx, which)
		files += deleted
		if err != nil || gone == nil {
			return files, err
		}
	}
	return files, fmt.Errorf("blobstore: delete: listed, but not there to be deleted: %w", gone)
}

// pass deletes what a list has, and says how much, and of one that was gone by then what the bucket said.
func (b *Store) pass(ctx context.Context, which capture.Selection) (deleted int, gone, err error) {
	var (
		wait    sync.WaitGroup
		permits = make(chan struct{}, deletions)
		mu      sync.Mutex
		failed  error // under mu, as are deleted and gone
	)
	running, stop := context.WithCancel(ctx)
	defer stop()
	err = b.pages(ctx, which, func(page []object) bool {
		for _, o := range page {
			permits <- struct{}{}
			if running.Err() != nil {
				break
			}
			wait.Go(func() {
				defer func() { <-permits }()
				err := b.Bucket.Delete(running, o.key)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					deleted++
				case gcerrors.Code(err) == gcerrors.NotFound:
					gone = err
				case failed == nil:
					failed = wrap(ctx, "delete", o.key, err)
					stop()
				}
			})
		}
		wait.Wait() // fileblob's list fails if a file goes meanwhile
		return failed == nil
	})
	return deleted, gone, cmp.Or(err, failed, context.Cause(ctx))
}

// An object is a still in the bucket.
type object struct {
	capture.Stored
	key string
}

// pages calls do with the stills of each page of the bucket's list that which selects, until it returns false.
func (b *Store) pages(ctx context.Context, which capture.Selection, do func(page []object) bool) error {
	if err := b.check(); err != nil {
		return err
	}
	prefix, read, err := b.Template.Select(which)
	if err != nil {
		return err
	}
	size := pageSize
	if b.isFolder() {
		size = folderSize
	}
	options := &blob.ListOptions{Prefix: prefix}
	for token := blob.FirstPageToken; len(token) > 0; {
		var list []*blob.ListObject
		if list, token, err = b.Bucket.ListPage(ctx, token, size, options); err != nil {
			return wrap(ctx, "list", prefix, err)
		}
		if err := context.Cause(ctx); err != nil {
			return err
		}
		var page []object
		for _, o := range list {
			if s, ok := read(o.Key); ok {
				s.Size = o.Size
				page = append(page, object{s, o.Key})
			}
		}
		if !do(page) {
			return nil
		}
	}
	return nil
}

// isFolder reports whether the bucket is gocloud's fileblob.
func (b *Store) isFolder() bool {
	var info fs.FileInfo
	return b.Bucket.As(&info)
}

func (b *Store) check() error {
	if b.Bucket == nil {
		return errors.New("blobstore: no Bucket")
	}
	return nil
}

// key is the name of s in the bucket.
func (b *Store) key(s *capture.Still) (string, error) {
	if err := b.check(); err != nil {
		return "", err
	}
	return b.Template.Key(s)
}

// location is what Put returns of key.
func (b *Store) location(ctx context.Context, key string) (string, error) {
	switch {
	case b.Links != 0:
		return b.link(ctx, key, b.Links)
	case b.Base != "":
		return b.Base + (&url.URL{Path: key}).EscapedPath(), nil
	default:
		return key, nil
	}
}

// wrap says what failed, and why, if ctx has ended: gocloud tells of that only Canceled.
func wrap(ctx context.Context, step, key string, err error) error {
	if cause := context.Cause(ctx); cause != nil && !errors.Is(err, cause) {
		err = fmt.Errorf("%w: %w", cause, err)
	}
	return fmt.Errorf("blobstore: %s %q: %w", step, key, err)
}
