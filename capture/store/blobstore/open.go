package blobstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"strings"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/store/internal/lazy"
	"github.com/livestill/livestill/capture/store/internal/truth"
)

// tell puts what Put was told. It has a name of its own for other bytes under the key, and so disturbs none that are there.
func (b *Store) tell(ctx context.Context, key string, told *truth.Record) error {
	text, err := truth.Marshal(told)
	if err != nil {
		return err
	}
	return b.bucket(truths).WriteAll(ctx, truthName(key, told.SHA256), text, &blob.WriterOptions{
		ContentType: "application/json", BufferSize: len(text) + 1, MaxConcurrency: 1,
	})
}

// Open opens a still, by two requests, and a third one when it is read; and another one for each leap in reading. Links of S3, Google and Azure open
// as well, also when they are valid no more.
func (b *Store) Open(ctx context.Context, location string) (*capture.Opened, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	if err := b.check(); err != nil {
		return nil, err
	}
	_, read, err := b.Template.Select(capture.Selection{})
	if err != nil {
		return nil, err
	}
	key := b.located(ctx, location)
	stored, ok := read(key)
	if !ok {
		return nil, truth.NotThere(location)
	}
	a, err := b.Bucket.Attributes(ctx, key)
	if gcerrors.Code(err) == gcerrors.NotFound {
		return nil, truth.NotThere(location)
	} else if err != nil {
		return nil, wrap(ctx, "open", key, err)
	}
	sum := a.Metadata[sumName]
	s, err := b.told(ctx, key, sum)
	if err != nil {
		return nil, wrap(ctx, "open", key, err)
	}
	if s == nil {
		s = truth.Named(stored)
	}
	s.Location = location
	image := &lazy.Reader{Size: a.Size, SHA256: sum, Open: func(offset int64) (io.ReadCloser, error) {
		r, err := b.read(ctx, key, offset, a)
		if err != nil {
			return nil, wrap(ctx, "read", key, err)
		}
		return r, nil
	}}
	return &capture.Opened{ReadSeekCloser: image, Size: a.Size, Modified: a.ModTime, Still: s}, nil
}

// told returns what Put was told of a still of these bytes; nil if nothing is known.
func (b *Store) told(ctx context.Context, key, sum string) (*capture.Still, error) {
	if sum == "" {
		return nil, nil
	}
	text, err := b.bucket(truths).ReadAll(ctx, truthName(key, sum))
	if gcerrors.Code(err) == gcerrors.NotFound {
		if there, err := b.Bucket.Exists(ctx, key); err != nil || there {
			return nil, err
		}
		return nil, fs.ErrNotExist // it has been deleted just now
	} else if err != nil {
		return nil, err
	}
	records, err := truth.Parse(text)
	if err == nil && len(records) != 1 {
		err = fmt.Errorf("%d stills", len(records))
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", truthName(key, sum), err)
	}
	return records[0].Still, nil
}

// read reads a still from an offset on, if it is the one with these attributes; times of HTTP are whole seconds.
func (b *Store) read(ctx context.Context, key string, offset int64, a *blob.Attributes) (io.ReadCloser, error) {
	r, err := b.Bucket.NewRangeReader(ctx, key, offset, -1, nil)
	if err != nil {
		return nil, err
	}
	if at := r.ModTime(); r.Size() != a.Size || !at.IsZero() && !at.Truncate(time.Second).Equal(a.ModTime.Truncate(time.Second)) {
		return nil, errors.Join(lazy.ErrReplaced, r.Close())
	}
	return r, nil
}

// located is the key at a location, or anything else if there can be none.
func (b *Store) located(ctx context.Context, location string) string {
	switch {
	case b.Links != 0:
		return b.linked(ctx, location)
	case b.Base != "":
		key, _ := b.based(location)
		return key
	default:
		return location
	}
}

// based is the key at a location below Base.
func (b *Store) based(location string) (key string, ok bool) {
	path, ok := strings.CutPrefix(location, b.Base)
	key, err := url.PathUnescape(path)
	return key, ok && err == nil
}

// linked is the key of a link: that end of its path of which a link leads to the same place.
func (b *Store) linked(ctx context.Context, link string) string {
	to, err := url.Parse(link)
	if err != nil {
		return ""
	}
	for key, more := strings.TrimPrefix(to.Path, "/"), true; more; _, key, more = strings.Cut(key, "/") {
		own, err := b.link(ctx, key, time.Second)
		if err != nil {
			return ""
		}
		if u, err := url.Parse(own); err == nil && u.Host == to.Host && u.Path == to.Path {
			return key
		}
	}
	return ""
}
