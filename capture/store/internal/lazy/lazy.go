// Package lazy makes a file that can be read from anywhere of one that can be opened at an offset, as those of buckets and of rclone's remotes.
package lazy

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
)

// ErrReplaced is the error of a file that is another one than it was when it was opened.
var ErrReplaced = errors.New("still was replaced while it was read")

// A Reader reads a file, which it opens when it is read and not before.
type Reader struct {
	Size   int64
	SHA256 string // of the file, in hexadecimal: one that is read from its beginning to its end is checked against that; empty if unknown
	Open   func(offset int64) (io.ReadCloser, error)

	rest  io.ReadCloser // of the file, from at on; nil while it is not open
	at    int64
	begun hash.Hash // of what was read from the beginning up to at; nil if reading began elsewhere
}

// Read reads on.
func (r *Reader) Read(p []byte) (n int, err error) {
	if r.at >= r.Size {
		return 0, r.end()
	}
	if r.rest == nil {
		if r.rest, err = r.Open(r.at); err != nil {
			r.rest = nil
			return 0, err
		}
		if r.at == 0 && r.SHA256 != "" {
			r.begun = sha256.New()
		}
	}
	n, err = r.rest.Read(p[:min(int64(len(p)), r.Size-r.at)])
	r.at += int64(n)
	if r.begun != nil {
		r.begun.Write(p[:n])
	}
	if errors.Is(err, io.EOF) {
		if err = nil; r.at < r.Size && n == 0 {
			err = io.ErrUnexpectedEOF
		}
	}
	return n, err
}

// end is what there is to read at the end.
func (r *Reader) end() error {
	if r.begun != nil && hex.EncodeToString(r.begun.Sum(nil)) != r.SHA256 {
		return ErrReplaced
	}
	return io.EOF
}

// Seek says from where on to read. The file is opened anew there.
func (r *Reader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekStart:
	case io.SeekCurrent:
		offset += r.at
	case io.SeekEnd:
		offset += r.Size
	default:
		return 0, errors.New("seek from nowhere")
	}
	if offset < 0 {
		return 0, errors.New("seek to before the beginning")
	}
	if offset == r.at {
		return offset, nil
	}
	err := r.Close()
	r.at = offset
	return offset, err
}

// Close closes the file, if it is open.
func (r *Reader) Close() error {
	rest := r.rest
	r.rest, r.begun = nil, nil
	if rest == nil {
		return nil
	}
	return rest.Close()
}
