package store

import (
	"bytes"

	"github.com/livestill/livestill/capture"
)

// SealLetter returns the file of a Spool's letter.
func SealLetter(s *capture.Still, why string) ([]byte, error) {
	tail, err := (&letter{Still: s, Error: why}).seal()
	return append(bytes.Clone(s.Data), tail...), err
}

// OpenLetter reads a letter, as a whole or all but its image. image is how many bytes that has.
func OpenLetter(file []byte, whole bool) (s *capture.Still, why string, image int64, err error) {
	read := func() (*letter, error) { return peekLetter(bytes.NewReader(file), int64(len(file))) }
	if whole {
		read = func() (*letter, error) { return openLetter(file) }
	}
	l, err := read()
	if err != nil {
		return nil, "", 0, err
	}
	return l.Still, l.Error, l.image, nil
}
