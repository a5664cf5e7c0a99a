// Package truth is how stores keep what Put was told of a still: as JSON in a file of its own, beside the image file.
package truth

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/store/internal/durable"
)

// A Record is the truth about one still, and says of which bytes it is.
type Record struct {
	Size   int64  // of the image file
	SHA256 string // of the image file, in hexadecimal
	Still  *capture.Still
	Exact  Exact `json:",omitempty"`
}

// MaxBytes is how large a file of Records may be. One has some 1,500 bytes.
const MaxBytes = 1 << 20

// Suffix ends the names of files of Records.
const Suffix = ".json"

// FileOf is the name of the file that has the truth about the still of a name: in a folder beside it that no List enters.
func FileOf(still string) string {
	return path.Join(path.Dir(still), durable.Private, path.Base(still)+Suffix)
}

// StillOf is the name of the still that a file has the truth about. It is not ok if the file's name is none of FileOf's.
func StillOf(file string) (still string, ok bool) {
	folder, base := path.Split(file)
	folder = path.Clean(folder)
	base, ok = strings.CutSuffix(base, Suffix)
	return path.Join(path.Dir(folder), base), ok && path.Base(folder) == durable.Private
}

// New makes the Record of a still. One whose labels are too many is a capture.ErrRejected.
func New(s *capture.Still) (*Record, error) {
	if err := CheckLabels(s); err != nil {
		return nil, err
	}
	sum, err := Sum(bytes.NewReader(s.Data))
	return &Record{Size: int64(len(s.Data)), SHA256: sum, Still: s, Exact: ExactOf(s)}, err
}

// Copy is the Record as it is read from a file: nothing of it is the still's.
func (r *Record) Copy() (*Record, error) {
	text, err := Marshal(r)
	if err != nil {
		return nil, err
	}
	records, err := Parse(text)
	if err != nil {
		return nil, err
	}
	return records[0], nil
}

// Named is the still that is known by its name alone, since it was put before stores kept the truth.
func Named(s capture.Stored) *capture.Still {
	return &capture.Still{
		Stream: s.Stream, ID: s.ID, Variant: s.Variant, Type: s.Type, Time: s.Time, Request: capture.Request{Stream: s.Stream, ID: s.ID},
	}
}

// CheckLabels rejects a still whose labels no store takes.
func CheckLabels(s *capture.Still) error {
	size := 0
	for name, value := range s.Request.Labels {
		if !utf8.ValidString(name) || !utf8.ValidString(value) {
			return capture.Reject(fmt.Errorf("store: label %q is %q, which is no UTF-8", name, value))
		}
		size += len(name) + len(value)
	}
	if size > capture.MaxLabels {
		return capture.Reject(fmt.Errorf("store: still with %d bytes of labels, %d at most", size, capture.MaxLabels))
	}
	return nil
}

// NotThere is the error of a location at which there is no still.
func NotThere(location string) error {
	return &fs.PathError{Op: "open", Path: location, Err: fs.ErrNotExist}
}

// Sum is what tells the bytes of an image file from others.
func Sum(file io.Reader) (string, error) {
	sum := sha256.New()
	_, err := io.Copy(sum, file)
	return hex.EncodeToString(sum.Sum(nil)), err
}

// Marshal writes Records. Too much is a capture.ErrRejected.
func Marshal(records ...*Record) ([]byte, error) {
	text, err := json.Marshal(records)
	if err == nil && len(text) > MaxBytes {
		err = fmt.Errorf("still with %d bytes of text about it", len(text))
	}
	if err != nil {
		return nil, capture.Reject(fmt.Errorf("store: %w", err))
	}
	return text, nil
}

// Parse reads what Marshal writes.
func Parse(text []byte) ([]*Record, error) {
	var records []*Record
	if err := json.Unmarshal(text, &records); err != nil {
		return nil, err
	}
	for _, r := range records {
		if r == nil || r.Still == nil {
			return nil, errors.New("no still")
		}
		r.Exact.Restore(r.Still)
	}
	return records, nil
}

// Find returns which of Records is of an image file of size bytes, nil if none is. It asks for the file's Sum only if the size leaves a choice.
func Find(records []*Record, size int64, sum func() (string, error)) (*Record, error) {
	var fit []*Record
	for _, r := range records {
		if r.Size == size {
			fit = append(fit, r)
		}
	}
	if len(fit) <= 1 {
		return append(fit, nil)[0], nil
	}
	is, err := sum()
	if err != nil {
		return nil, err
	}
	for _, r := range fit {
		if r.SHA256 == is {
			return r, nil
		}
	}
	return nil, nil
}
