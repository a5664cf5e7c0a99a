package store

import (
	"bytes"
	"errors"
	"path/filepath"
	"time"

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

// A File is what a Dir that tidies sees of one.
type File struct {
	Stored time.Time
	Bytes  int64
}

// Forget deletes the files that are over the bounds of k, in the rounds of a Dir that tidies, and returns what is left after each.
func Forget(k Keep, files []File) (rounds [][]File) {
	var over surplus
	for {
		var a ages
		var left []File
		for _, f := range files {
			if !over.takes(f.Stored, f.Bytes) {
				left = append(left, f)
				a.add(f.Stored, f.Bytes)
			}
		}
		if over.any && len(left) == len(files) {
			panic("nothing is deleted of what is over")
		}
		rounds = append(rounds, left)
		if files, over = left, a.over(k); !over.any {
			return rounds
		}
	}
}

// TidyBeside does what Put does when it has put a file at a location.
func (d *Dir) TidyBeside(location string) error {
	f, err := openFolder(d.Path, d.Volume)
	if err != nil {
		return err
	}
	put, err := filepath.Rel(d.Path, location)
	if err == nil {
		d.tidyBeside(f, filepath.ToSlash(put))
	}
	return errors.Join(err, f.Close())
}
