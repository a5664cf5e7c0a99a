package store

import (
	"io/fs"
	"path"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/store/internal/durable"
	"github.com/livestill/livestill/capture/store/internal/keep"
	"github.com/livestill/livestill/capture/store/internal/truth"
)

// A round goes once through all that is there. It deletes what is too old, too.
type round struct {
	keep.Round
	walk walk
	read func(key string) (capture.Stored, bool)
}

// beginRound begins a round that deletes what is over the bounds. Without any it goes through the whole folder only if Tidy wants it to, and else
// through what is being written.
func (d *Dir) beginRound(f *durable.Folder, over keep.Surplus) error {
	d.tidy.round = nil
	_, read, err := d.Template.Select(capture.Selection{})
	if err != nil {
		return err
	}
	r := &round{Round: keep.Round{Surplus: over}, walk: walk{enters: d.enters}, read: read}
	top := durable.Private
	if d.Keep != (Keep{}) || d.tidy.whole {
		top = "."
	}
	if err := r.walk.enter(f, top); err != nil {
		return err
	}
	d.tidy.round = r
	d.tidy.rounds++
	return nil
}

// tidyStep makes a step of the round.
func (d *Dir) tidyStep(f *durable.Folder, put string) error {
	t, r := &d.tidy, d.tidy.round
	return r.walk.step(f, func(name string, info fs.FileInfo) (removed bool, err error) {
		stored, size := info.ModTime(), info.Size()
		age := t.now.Add(time.Since(t.began)).Sub(stored)
		if key, told := truth.StillOf(name); told {
			if _, ok := r.read(key); ok {
				return d.removeOrphan(f, name, stored, age)
			}
			return false, nil
		}
		if path.Dir(name) == durable.Private {
			if durable.IsTemp(path.Base(name)) && age >= durable.Stale {
				_, err = d.forget(f, name, stored, f.Remove)
			}
			return false, err
		}
		if _, ok := r.read(name); !ok {
			return false, nil
		}
		if name != put && (d.Keep.Age > 0 && age > d.Keep.Age || r.Surplus.Takes(stored, size)) {
			if removed, err = d.forget(f, name, stored, func(key string) error { return remove(f, key) }); removed {
				r.Removed++
				return true, nil
			}
		}
		r.Kept.Add(stored, size)
		return false, err
	})
}

// forget has remove remove a file, unless it is being put again, or was.
func (d *Dir) forget(f *durable.Folder, name string, stored time.Time, remove func(name string) error) (removed bool, err error) {
	if d.names.Try(name) != nil {
		return false, nil
	}
	defer d.names.Free(name)
	return removeUnchanged(f, name, stored, remove)
}
