package store

import (
	"io/fs"
	"path"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/store/internal/durable"
	"github.com/livestill/livestill/capture/store/internal/truth"
)

// A round goes once through all that is there. It deletes what is too old, and what the round before has found to be over the bounds, and
// finds that for the next round. So nothing has to be remembered of single files.
type round struct {
	walk    walk
	read    func(key string) (capture.Stored, bool)
	surplus surplus // to be deleted
	kept    histogram
	removed int
}

// beginRound begins a round that deletes what is over the bounds. Without any it goes through the whole folder only if Tidy wants it to, and else
// through what is being written.
func (d *Dir) beginRound(f *durable.Folder, over surplus) error {
	d.tidy.round = nil
	_, read, err := d.Template.Select(capture.Selection{})
	if err != nil {
		return err
	}
	r := &round{walk: walk{enters: d.enters}, read: read, surplus: over}
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

// next returns what is left for another round of the cycle to delete. What was found over the bounds is deleted by one more round, or by a
// few if it is much. What is put meanwhile waits for the next cycle.
func (r *round) next(k Keep) surplus {
	if r.surplus.any && (r.removed == 0 || !r.surplus.more()) {
		return surplus{}
	}
	return r.kept.over(k)
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
		if name != put && (d.Keep.Age > 0 && age > d.Keep.Age || r.surplus.takes(stored, size)) {
			if removed, err = d.forget(f, name, stored, func(key string) error { return remove(f, key) }); removed {
				r.removed++
				return true, nil
			}
		}
		r.kept.add(stored, size)
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
