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
	"log/slog"
	"mime"
	"net/url"
	"strings"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/store"
	"github.com/livestill/livestill/capture/store/internal/counts"
	"github.com/livestill/livestill/capture/store/internal/keep"
	"github.com/livestill/livestill/capture/store/internal/locks"
	"github.com/livestill/livestill/capture/store/internal/truth"
	"github.com/livestill/livestill/capture/store/internal/watched"
)

// A Store puts stills into a bucket that its user opened, and closes.
type Store struct {
	Bucket   *blob.Bucket
	Template store.Template // of the keys

	// Base stands before the key in locations, such as "https://cdn.example.com/"; the key is escaped then, as URLs want it. Without it the
	// location is the key.
	Base string

	// Private is the bucket for what Put was told of the stills, who asked and
	// the Labels, which is not for whoever may see a still. Nil is Bucket
	// itself: if strangers may read that, keep .livestill/ from them. A rule
	// by which stills expire has to include what begins so.
	Private *blob.Bucket

	// Links, if not zero, makes each location a link that works without credentials for that long: see Link. Put and List sign one each;
	// they lead to the same place, but do not read the same.
	Links time.Duration

	// CacheControl is what the bucket tells whoever reads a still; empty is nothing. With Immutable
	// "public, max-age=31536000, immutable" is true.
	CacheControl string

	// Immutable never replaces. To put the same bytes again is fine, to put others is rejected with ErrExists. It is as safe as the
	// bucket's driver makes it: of several at a time S3, Google and Azure take one. gocloud's fileblob may take more.
	Immutable bool

	// Keep bounds what is there; the zero Keep keeps all. What is over it is
	// deleted bit by bit as Puts come, or at once by Tidy. It takes a Template
	// with the date, by which stills are known from other objects.
	//
	// The price: with a Put comes one request for a page of the list of the
	// bucket at most, and none for an hour after all pages have been looked
	// at. A page has 1000 objects; a still is two of them, if Private is nil.
	// To delete a still takes three requests.
	Keep store.Keep

	// Logger hears what cannot be deleted while Puts tidy, and that they are
	// late with it; nil means slog.Default().
	Logger *slog.Logger

	names  locks.Names // of stills that are being put, or removed
	counts counts.Counts

	watched watched.Stills
	tidier  keep.Tidier
	round   *round // of the cycle; nil between cycles
}

// ErrExists is an Immutable Store's rejection of a still, since there is another under its key.
var ErrExists = errors.New("another still has its key")

const maxLinks = 7 * 24 * time.Hour // S3 and Google sign for no longer

// Put puts s in one request, so that it is there as a whole or not at all. S3 and Google get a hash to check it by. What is known about
// the still becomes the object's metadata, except for who asked for it. S3 takes stills of 16 MiB and more in parts, and shows none before it
// has all; it keeps the parts of a Put that was cut off, until the bucket's lifecycle rule for incomplete uploads deletes them.
//
// One request before, Put puts what it was told, all of it, under .livestill/ into Private: what Open gives back. With Keep it begins a step of
// tidying, which goes on for five minutes at most when it has returned, or until Close.
func (b *Store) Put(ctx context.Context, s *capture.Still) (location string, err error) {
	defer b.counts.Put(s)(&err)
	if err := context.Cause(ctx); err != nil {
		return "", err
	}
	key, err := b.key(s)
	if err != nil {
		return "", err
	}
	if err := b.checkKeep(); err != nil {
		return "", err
	}
	told, err := truth.New(s)
	if err != nil {
		return "", err
	}
	if location, err = b.location(ctx, key); err != nil { // before there is a still without one
		return "", err
	}
	if isFolder(b.Bucket) && strings.HasSuffix(key, ".attrs") {
		return "", wrap(ctx, "put", key, capture.Reject(errors.New("fileblob has such names for itself")))
	}
	if err = b.names.Take(ctx, key); err != nil {
		return "", err
	}
	if err = b.tell(ctx, key, told); err == nil {
		err = b.Bucket.WriteAll(ctx, key, s.Data, b.options(s, told.SHA256)) // with ContentMD5
	}
	b.names.Free(key)
	if b.Immutable && gcerrors.Code(err) == gcerrors.FailedPrecondition {
		if err = b.compare(ctx, key, s.Data); errors.Is(err, ErrExists) {
			_ = b.bucket(truths).Delete(ctx, truthName(key, told.SHA256)) // if not now, then by a Delete
		}
	}
	if err != nil {
		return "", wrap(ctx, "put", key, err)
	}
	if b.Keep != (store.Keep{}) {
		log := cmp.Or(b.Logger, slog.Default())
		b.tidier.Beside(ctx, log, func(ctx context.Context) error { return b.tidyStep(ctx, key) })
	}
	return location, nil
}

// Stats returns what Puts have come to up to now. It may be called at any time.
func (b *Store) Stats() capture.StoreStats { return b.counts.Stats() }

// options are how s is written.
func (b *Store) options(s *capture.Still, sum string) *blob.WriterOptions {
	kind, parameters, _ := mime.ParseMediaType(s.Type)
	return &blob.WriterOptions{
		ContentType:  mime.FormatMediaType(kind, parameters), // empty if it is no type: the bytes tell a better one
		CacheControl: b.CacheControl,
		Metadata:     metadata(s, sum),
		IfNotExist:   b.Immutable,
		// Drivers divide what does not fit into a buffer, and make one for each request that they may send at a time. A still fits, with a byte
		// to spare, by which they see that it ends; and no buffer is larger than it needs to be.
		BufferSize:     len(s.Data) + 1,
		MaxConcurrency: 1,
	}
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
// the credentials that sign it end before. location is what Put returns without Links. A bucket that signs no links, such as memory, has
// errors.ErrUnsupported.
func (b *Store) Link(ctx context.Context, location string, valid time.Duration) (string, error) {
	if err := b.check(); err != nil {
		return "", err
	}
	key := location
	if b.Base != "" {
		var ok bool
		if key, ok = b.based(location); !ok {
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

// isFolder reports whether a bucket is gocloud's fileblob.
func isFolder(b *blob.Bucket) bool {
	var info fs.FileInfo
	return b.As(&info)
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
