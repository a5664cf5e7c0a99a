package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"log/slog"
	"path"
	"path/filepath"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/store/internal/counts"
	"github.com/livestill/livestill/capture/store/internal/durable"
	"github.com/livestill/livestill/capture/store/internal/locks"
	"github.com/livestill/livestill/capture/store/internal/truth"
	"github.com/livestill/livestill/capture/store/internal/watched"
)

// ErrFull is the error of a Put for which there is no room: the disk is full, or what a store may use of it.
var ErrFull = durable.ErrFull

// ErrVolume is the error of a store whose drive is not there, or another one: see Dir.Volume.
var ErrVolume = durable.ErrVolume

// Mark gives the drive that is mounted at path a name, by which Dir.Volume knows it. It is a file in the folder .livestill. A drive that
// has another name keeps it, and Mark fails.
func Mark(path, volume string) error { return durable.Mark(path, volume) }

// Dir stores stills as files in a folder, of a local disk, an external drive or a NAS.
//
// A still is either there as a whole or not at all, even if the machine loses power: it is written under another name in the folder
// .livestill within Path, flushed to the disk, and renamed. When Put returns, the name too is on the disk.
//
// What Put was told of a still is a small file of JSON, in a folder .livestill beside the image: for Open, and for whoever looks. Like the
// image it may name who asked, and is as readable. Whoever moves images moves that folder with them; without it they still open.
//
// A system call that a drive does not answer, as of a NAS that has gone, is not ended by the context; between calls it is heeded.
type Dir struct {
	Path     string   // is made when needed, unless Volume is set
	Template Template // names of the files within Path

	// Volume is the name that Mark has written on the drive. Without it
	// there all fails with ErrVolume, and nothing is written: a NAS that is
	// not mounted does not fill the disk that its mount point is on. Empty
	// takes any folder.
	Volume string

	// MinFree is how many bytes the file system has free after a Put, or it
	// fails with ErrFull; several at a time may leave less by their sizes.
	// Zero means 64 MiB; negative means no bound. Systems other than Linux,
	// macOS and FreeBSD do not tell, and have none.
	MinFree int64

	// Keep bounds what is there; the zero Keep keeps all. What is over it
	// is deleted bit by bit as Puts come, or at once by Tidy. It takes a
	// Template with the date, by which stills are known from other files.
	Keep Keep

	// Logger hears what cannot be deleted while Puts tidy, and that they
	// are late with it; nil means slog.Default().
	Logger *slog.Logger

	names  locks.Names // of files that are being put, or removed by tidying; and tidyLock, of whoever has tidy
	tidy   tidyState
	counts counts.Counts

	watched watched.Stills
}

// Put writes s and returns the path of its file. Then it tidies a little, which delays it by less than 10 ms, even if its context ends or
// the drive does not answer; some goroutine may be at that for a moment when Put has returned. All Puts together go through all that
// is there, rest a minute at least, and begin again.
func (d *Dir) Put(ctx context.Context, s *capture.Still) (location string, err error) {
	defer d.counts.Put(s)(&err)
	if err := context.Cause(ctx); err != nil {
		return "", err
	}
	if err := d.check(); err != nil {
		return "", err
	}
	key, err := d.Template.Key(s)
	if err != nil {
		return "", err
	}
	told, err := truth.New(s)
	if err != nil {
		return "", err
	}
	f, err := durable.Open(d.Path, d.Volume)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	size := int64(len(s.Data)) + leastCost // of both files
	err = f.CheckFree(d.MinFree, size)
	if errors.Is(err, ErrFull) {
		d.tidyBeside(f, "")
		err = f.CheckFree(d.MinFree, size)
	}
	if err != nil {
		return "", err
	}
	if err := d.names.Take(ctx, key); err != nil {
		return "", err
	}
	err = d.write(ctx, f, key, s.Data, told)
	d.names.Free(key)
	if err != nil {
		return "", err
	}
	d.tidyBeside(f, key)
	return d.path(key), nil
}

// Stats returns what Puts have come to up to now. It may be called at any time.
func (d *Dir) Stats() capture.StoreStats { return d.counts.Stats() }

func (d *Dir) check() error {
	if d.Keep != (Keep{}) && d.Template.layout() == "" {
		return fmt.Errorf("store: Keep needs a Template with {date}, not %q", d.Template)
	}
	return nil
}

// Locate returns the path of the file that Put would make of s.
func (d *Dir) Locate(s *capture.Still) (string, error) {
	key, err := d.Template.Key(s)
	if err != nil {
		return "", err
	}
	return d.path(key), nil
}

func (d *Dir) path(key string) string { return filepath.Join(d.Path, filepath.FromSlash(key)) }

// List yields the stills that are there. Files whose names are none of Template's are none of its.
func (d *Dir) List(ctx context.Context, which capture.Selection) iter.Seq2[capture.Stored, error] {
	return func(yield func(capture.Stored, error) bool) {
		f, err := durable.Open(d.Path, d.Volume)
		if err != nil {
			yield(capture.Stored{}, err)
			return
		}
		err = d.each(ctx, f, which, walk{enters: d.Template.makes}, func(_ string, s capture.Stored, _ time.Time) (removed bool, err error) {
			if !yield(s, nil) {
				return false, errEnough
			}
			return false, nil
		})
		if err = errors.Join(err, f.Close()); err != nil {
			yield(capture.Stored{}, err)
		}
	}
}

// Delete deletes files, and the folders that this leaves empty. It sweeps, too: what a Put or a Delete left that was cut off is there for an
// hour at most.
func (d *Dir) Delete(ctx context.Context, which capture.Selection) (files int, err error) {
	if which.All() {
		return 0, capture.ErrSelectsAll
	}
	if err := d.watched.Tell(ctx, d.Template, which); err != nil {
		return 0, err
	}
	f, err := durable.Open(d.Path, d.Volume)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := f.Sweep(durable.Stale); err != nil {
		return 0, err
	}
	now := f.Now()
	for range passes {
		removed := 0
		err := d.each(ctx, f, which, walk{enters: d.enters, flush: true}, func(name string, _ capture.Stored, stored time.Time) (bool, error) {
			if _, told := truth.StillOf(name); told {
				return d.removeOrphan(f, name, stored, now.Sub(stored))
			}
			if err := d.names.Take(ctx, name); err != nil {
				return false, err
			}
			defer d.names.Free(name)
			err := remove(f, name)
			switch {
			case err == nil:
				removed++
			case errors.Is(err, fs.ErrNotExist):
				err = nil
			}
			return err == nil, err
		})
		files += removed
		if err != nil || removed == 0 {
			return files, err
		}
	}
	return files, nil
}

// OnDelete has selected called when Delete deletes s.
func (d *Dir) OnDelete(s *capture.Still, selected func(ctx context.Context)) (stop func()) {
	return d.watched.Add(d.Template, s, selected)
}

// enters is for walks that go into the folders of the truth, too.
func (d *Dir) enters(folder string) bool {
	return folder == durable.Private || d.Template.makes(folder)
}

// each calls do, which tells whether it removed it, with each file that which selects, and when that was stored, until do fails, or all are
// seen, or ctx ends. Where the walk enters the folders of the truth, do gets those files as well.
func (d *Dir) each(
	ctx context.Context, f *durable.Folder, which capture.Selection, w walk,
	do func(name string, s capture.Stored, stored time.Time) (removed bool, err error),
) error {
	prefix, read, err := d.Template.Select(which)
	if err != nil {
		return err
	}
	defer w.close()
	err = w.enter(f, path.Clean(prefix))
	for err == nil && len(w.levels) > 0 {
		if err = context.Cause(ctx); err != nil {
			break
		}
		err = w.step(f, func(name string, info fs.FileInfo) (removed bool, err error) {
			key, told := truth.StillOf(name)
			if !told {
				key = name
			}
			s, ok := read(key)
			if !ok {
				return false, nil
			}
			s.Location, s.Size = d.path(key), info.Size()
			return do(name, s, info.ModTime())
		})
	}
	if err == nil || errors.Is(err, errEnough) {
		return nil
	}
	return fmt.Errorf("store: %s: %w", d.Path, err)
}

// passes are how often Delete looks for what it has to delete: some file systems leave out files of a folder that others are removed from
// meanwhile.
const passes = 3

var errEnough = errors.New("enough")
