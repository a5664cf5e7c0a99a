package rclonestore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/fspath"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/store/internal/lazy"
	"github.com/livestill/livestill/capture/store/internal/truth"
)

// errReplaced is the error of a file that is another one than it was.
var errReplaced = errors.New("still was replaced meanwhile")

// Open opens a still, by three calls, and another two when it is read, and for each leap in reading. It takes a remote that tells how large files
// are. Reading is over when the Store is closed; calls of SFTP, SMB and FTP go on for a minute at most when ctx has ended.
func (r *Store) Open(ctx context.Context, location string) (*capture.Opened, error) {
	root, err := r.root()
	if err != nil {
		return nil, err
	}
	_, read, err := r.Template.Select(capture.Selection{})
	if err != nil {
		return nil, err
	}
	key := strings.TrimPrefix(strings.TrimPrefix(location, root), "/")
	stored, ok := read(key)
	if !ok || fspath.JoinRootPath(root, key) != location {
		return nil, truth.NotThere(location)
	}
	calls := r.join()
	defer calls.leave()
	ctx = bounded(ctx)
	opened, err := await(ctx, &calls.running, func() (*capture.Opened, error) {
		f, err := calls.open(ctx)
		if err != nil {
			return nil, err
		}
		for {
			if err := context.Cause(ctx); err != nil {
				return nil, err
			}
			opened, err := openFile(ctx, f, key, stored)
			if !errors.Is(err, errReplaced) {
				return opened, err
			}
		}
	})
	switch {
	case errors.Is(err, fs.ErrorObjectNotFound), errors.Is(err, fs.ErrorIsDir):
		return nil, truth.NotThere(location)
	case err != nil:
		return nil, failed(ctx, "open "+key, err)
	}
	opened.Still.Location = location
	return opened, nil
}

// openFile opens a still, of which stored is what its name tells.
func openFile(ctx context.Context, f fs.Fs, key string, stored capture.Stored) (*capture.Opened, error) {
	o, err := f.NewObject(ctx, key)
	if err != nil {
		return nil, err
	}
	if o.Size() < 0 {
		return nil, fmt.Errorf("the remote does not tell how large a file is: %w", errors.ErrUnsupported)
	}
	told, err := recordOf(ctx, f, o)
	if err != nil {
		return nil, err
	}
	if told == nil { // the still is older than what is told of stills, or was replaced or deleted since it was found
		if err := unchanged(ctx, f, o); err != nil {
			return nil, err
		}
		told = &truth.Record{Still: truth.Named(stored)}
	}
	image := &lazy.Reader{Size: o.Size(), SHA256: told.SHA256, Open: func(offset int64) (io.ReadCloser, error) {
		if err := unchanged(ctx, f, o); err != nil {
			return nil, failed(ctx, "read "+key, err)
		}
		if offset == 0 {
			return o.Open(ctx)
		}
		return o.Open(ctx, &fs.SeekOption{Offset: offset})
	}}
	return &capture.Opened{ReadSeekCloser: image, Size: o.Size(), Modified: o.ModTime(ctx), Still: told.Still}, nil
}

// unchanged returns an error if o is not what is there under its name.
func unchanged(ctx context.Context, f fs.Fs, o fs.Object) error {
	now, err := f.NewObject(ctx, o.Remote())
	if err == nil && (now.Size() != o.Size() || !now.ModTime(ctx).Equal(o.ModTime(ctx))) {
		err = errReplaced
	}
	return err
}

// recordOf finds what was told of a still; nil if nothing was.
func recordOf(ctx context.Context, f fs.Fs, o fs.Object) (*truth.Record, error) {
	file, err := find(ctx, f, truth.FileOf(o.Remote()))
	if file == nil {
		return nil, err
	}
	text, err := readAll(ctx, file)
	var records []*truth.Record
	if err == nil {
		records, err = truth.Parse(text)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file.Remote(), err)
	}
	return truth.Find(records, o.Size(), func() (string, error) {
		in, err := o.Open(ctx)
		if err != nil {
			return "", err
		}
		sum, err := truth.Sum(in)
		return sum, errors.Join(err, in.Close())
	})
}

func readAll(ctx context.Context, file fs.Object) ([]byte, error) {
	in, err := file.Open(ctx)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(in, truth.MaxBytes+1))
	return text, errors.Join(err, in.Close())
}

// replaced returns what is to be kept of old, which is there, while it is replaced by what else is told of; nil if nothing is. Of a still that is
// older than what is told of stills, that is what its name tells, if its size does not tell it from the new one.
func (r *Store) replaced(ctx context.Context, f fs.Fs, old fs.Object, by *truth.Record) *truth.Record {
	if told, err := recordOf(ctx, f, old); err != nil || told != nil {
		return told
	}
	_, read, err := r.Template.Select(capture.Selection{})
	if err != nil || old.Size() != by.Size {
		return nil
	}
	stored, _ := read(old.Remote())
	in, err := old.Open(ctx)
	if err != nil {
		return nil
	}
	sum, err := truth.Sum(in)
	if errors.Join(err, in.Close()) != nil {
		return nil
	}
	return &truth.Record{Size: old.Size(), SHA256: sum, Still: truth.Named(stored)}
}
