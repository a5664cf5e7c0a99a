package store

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"

	"github.com/livestill/livestill/capture"
)

// A letter is a still in a Spool's folder. Its file is the image file, which viewers show as it is, since they do not look behind its end,
// followed by
//
//	JSON  length of the JSON (4 bytes, big endian)  SHA-256 of all before it (32 bytes)  "lvst"
type letter struct {
	Still    *capture.Still
	Error    string `json:",omitempty"` // of the last attempt, in a dead letter
	Attempts int    `json:",omitempty"`

	// Exact is what makes the key, if JSON would not keep it as it is: Stream, ID, Variant, Type, Request.By.
	Exact [][]byte `json:",omitempty"`

	image int64 // bytes of the image file
}

const (
	letterMagic  = "lvst"
	letterFooter = 4 + sha256.Size + len(letterMagic)
	maxLetter    = 1 << 20 // bytes of JSON; a Still has some 1,000
)

var errLetter = errors.New("no file of a Spool's, or damaged")

// seal returns what follows the image file.
func (l *letter) seal() ([]byte, error) {
	l.Exact = nil
	names := names(l.Still)
	if slices.ContainsFunc(names, func(name *string) bool { return !utf8.ValidString(*name) }) {
		for _, name := range names {
			l.Exact = append(l.Exact, []byte(*name))
		}
	}
	text, err := json.Marshal(l)
	if err != nil {
		return nil, capture.Reject(fmt.Errorf("store: %w", err))
	}
	if len(text) > maxLetter {
		return nil, capture.Reject(fmt.Errorf("store: still with %d bytes of text about it", len(text)))
	}
	text = binary.BigEndian.AppendUint32(text, uint32(len(text)))
	sum := sha256.New()
	sum.Write(l.Still.Data)
	sum.Write(text)
	return append(sum.Sum(text), letterMagic...), nil
}

func names(s *capture.Still) []*string {
	return []*string{&s.Stream, &s.ID, &s.Variant, &s.Type, &s.Request.By}
}

// openLetter reads a whole letter, and looks whether it is as it was written. It keeps file, which holds the image.
func openLetter(file []byte) (*letter, error) {
	text, err := letterText(file, int64(len(file)))
	if err != nil {
		return nil, err
	}
	signed := len(file) - sha256.Size - len(letterMagic)
	if sum := sha256.Sum256(file[:signed]); string(sum[:]) != string(file[signed:signed+sha256.Size]) {
		return nil, fmt.Errorf("%w: checksum does not match", errLetter)
	}
	l, err := readLetter(text, int64(len(file)))
	if err != nil {
		return nil, err
	}
	l.Still.Data = file[:l.image:l.image]
	return l, nil
}

// peekLetter reads who a letter is for, and no image.
func peekLetter(file io.ReaderAt, size int64) (*letter, error) {
	tail := make([]byte, min(size, int64(letterFooter)))
	if _, err := file.ReadAt(tail, size-int64(len(tail))); err != nil {
		return nil, err
	}
	if len(tail) == letterFooter {
		text := min(size, int64(letterFooter)+int64(textSize(tail)))
		tail = make([]byte, min(text, maxLetter+int64(letterFooter)))
		if _, err := file.ReadAt(tail, size-int64(len(tail))); err != nil {
			return nil, err
		}
	}
	text, err := letterText(tail, size)
	if err != nil {
		return nil, err
	}
	return readLetter(text, size)
}

func textSize(tail []byte) uint32 { return binary.BigEndian.Uint32(tail[len(tail)-letterFooter:]) }

// letterText returns the JSON of a letter of so many bytes, of which tail is the end.
func letterText(tail []byte, size int64) ([]byte, error) {
	if len(tail) < letterFooter || string(tail[len(tail)-len(letterMagic):]) != letterMagic {
		return nil, fmt.Errorf("%w: %d bytes that do not end as they have to", errLetter, size)
	}
	text := tail[:len(tail)-letterFooter]
	n := textSize(tail)
	if n > maxLetter || int64(n) > int64(len(text)) {
		return nil, fmt.Errorf("%w: %d bytes of text in %d bytes", errLetter, n, size)
	}
	return text[len(text)-int(n):], nil
}

func readLetter(text []byte, size int64) (*letter, error) {
	l := letter{image: size - int64(len(text)) - int64(letterFooter)}
	if err := json.Unmarshal(text, &l); err != nil {
		return nil, fmt.Errorf("%w: %w", errLetter, err)
	}
	if l.Still == nil {
		return nil, fmt.Errorf("%w: no still", errLetter)
	}
	if names := names(l.Still); len(l.Exact) == len(names) {
		for i, name := range names {
			*name = string(l.Exact[i])
		}
	}
	return &l, nil
}
