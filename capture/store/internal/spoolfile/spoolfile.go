// Package spoolfile is the format of the files of a Spool: the image file, which viewers show as it is, since they do not look behind its
// end, followed by a trailer:
//
//	JSON of a Record  length of the JSON (4 bytes, big endian)  SHA-256 of all before it (32 bytes)  "lvst"
package spoolfile

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/store/internal/truth"
)

// A Record is what a file contains.
type Record struct {
	Still    *capture.Still
	Error    string `json:",omitempty"` // of the last attempt to deliver it; empty in a file that is pending
	Attempts int    `json:",omitempty"` // that failed; zero in a file that is pending

	Exact truth.Exact `json:",omitempty"` // for Trailer to set; Parse puts it back into Still

	Image int64 `json:"-"` // bytes of the image file; for Parse and ParseTrailer to set
}

const (
	magic   = "lvst"
	footer  = 4 + sha256.Size + len(magic) // bytes of the trailer behind the JSON
	maxJSON = 1 << 20                      // bytes; a Still has some 1,000
)

// ErrDamaged is the error of a file that no Spool has written as it is.
var ErrDamaged = errors.New("no file of a Spool's, or damaged")

// Trailer returns what follows the image file. A Record that is too large, or whose labels are, is a capture.ErrRejected.
func (r *Record) Trailer() ([]byte, error) {
	if err := truth.CheckLabels(r.Still); err != nil {
		return nil, err
	}
	r.Exact = truth.ExactOf(r.Still)
	text, err := json.Marshal(r)
	if err != nil {
		return nil, capture.Reject(fmt.Errorf("store: %w", err))
	}
	if len(text) > maxJSON {
		return nil, capture.Reject(fmt.Errorf("store: still with %d bytes of text about it", len(text)))
	}
	text = binary.BigEndian.AppendUint32(text, uint32(len(text)))
	sum := sha256.New()
	sum.Write(r.Still.Data)
	sum.Write(text)
	return append(sum.Sum(text), magic...), nil
}

// Parse reads a whole file, and fails with ErrDamaged if it is not as it was written. Still.Data is part of file.
func Parse(file []byte) (*Record, error) {
	text, err := recordText(file, int64(len(file)))
	if err != nil {
		return nil, err
	}
	signed := len(file) - sha256.Size - len(magic)
	if sum := sha256.Sum256(file[:signed]); string(sum[:]) != string(file[signed:signed+sha256.Size]) {
		return nil, fmt.Errorf("%w: checksum does not match", ErrDamaged)
	}
	r, err := parseRecord(text, int64(len(file)))
	if err != nil {
		return nil, err
	}
	r.Still.Data = file[:r.Image:r.Image]
	return r, nil
}

// ParseTrailer reads all but the image from a file of size bytes: Still.Data is nil, and the checksum is not verified.
func ParseTrailer(file io.ReaderAt, size int64) (*Record, error) {
	tail := make([]byte, min(size, int64(footer)))
	if _, err := file.ReadAt(tail, size-int64(len(tail))); err != nil {
		return nil, err
	}
	if len(tail) == footer {
		trailer := min(size, int64(footer)+int64(textSize(tail)))
		tail = make([]byte, min(trailer, maxJSON+int64(footer)))
		if _, err := file.ReadAt(tail, size-int64(len(tail))); err != nil {
			return nil, err
		}
	}
	text, err := recordText(tail, size)
	if err != nil {
		return nil, err
	}
	return parseRecord(text, size)
}

// textSize is the length of the JSON, as the footer at the end of tail says.
func textSize(tail []byte) uint32 { return binary.BigEndian.Uint32(tail[len(tail)-footer:]) }

// recordText returns the JSON of a file of size bytes, of which tail is the end.
func recordText(tail []byte, size int64) ([]byte, error) {
	if len(tail) < footer || string(tail[len(tail)-len(magic):]) != magic {
		return nil, fmt.Errorf("%w: %d bytes that do not end as they have to", ErrDamaged, size)
	}
	text := tail[:len(tail)-footer]
	n := textSize(tail)
	if n > maxJSON || int64(n) > int64(len(text)) {
		return nil, fmt.Errorf("%w: %d bytes of text in %d bytes", ErrDamaged, n, size)
	}
	return text[len(text)-int(n):], nil
}

func parseRecord(text []byte, size int64) (*Record, error) {
	r := Record{Image: size - int64(len(text)) - int64(footer)}
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if r.Still == nil {
		return nil, fmt.Errorf("%w: no still", ErrDamaged)
	}
	r.Exact.Restore(r.Still)
	return &r, nil
}
