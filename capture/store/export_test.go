package store

import (
	"errors"
	"path/filepath"
	"time"

	"github.com/livestill/livestill/capture/store/internal/durable"
)

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
	f, err := durable.Open(d.Path, d.Volume)
	if err != nil {
		return err
	}
	put, err := filepath.Rel(d.Path, location)
	if err == nil {
		d.tidyBeside(f, filepath.ToSlash(put))
	}
	return errors.Join(err, f.Close())
}
