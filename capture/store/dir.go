package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"path"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/livestill/livestill/capture"
)

// Dir stores stills as files in a folder, of a local disk, an external drive or a NAS.
//
// A still is either there as a whole or not at all, even if the machine loses power: it is written under another name in the folder
// .livestill within Path, flushed to the disk, and renamed. When Put returns, the name too is on the disk.
//
// A system call that a drive does not answer, as of a NAS that has gone, is not ended by the context; between calls it is heeded.
type Dir struct {
	Path     string   // is made when needed, unless Volume is set
	Template Template // names of the files within Path

	// Volume is the name that Mark has written on the drive. Without it there all fails with ErrVolume, and nothing is written: a NAS
	// that is not mounted does not fill the disk that its mount point is on. Empty takes any folder.
	Volume string

	// MinFree is how many bytes the file system has free after a Put, or it fails with ErrFull; several at a time may leave less by their
	// sizes. Zero means 64 MiB; negative means no floor. Systems other than Linux, macOS and FreeBSD do not tell, and have none.
	MinFree int64

	// Keep bounds what is there: Tidy deletes what is over it. The zero Keep keeps all. It takes a Template with the date, by which
	// stills are known from other files.
	Keep Keep

	tidying sync.Mutex
	next    time.Time // to tidy; under tidying

	// Put has it for reading while it gives a file its name. Tidy has it for each file that it removes, so as to remove none that has been
	// put again meanwhile.
	naming sync.RWMutex
}

// Keep bounds what a store keeps. Zero fields do not.
type Keep struct {
	Age   time.Duration // since a still was stored, by the clock of the drive
	Count int           // files; the oldest go first
	Bytes int64         // of files; the oldest go first
}

const (
	defaultMinFree = 64 << 20

	// Between two times that Put tidies is at least this, and so many times as long as it took.
	betweenTidying = time.Minute
	tidyingShare   = 100
)

// Put writes s and returns the path of its file. At most once a minute it tidies then, as far as ctx lets it; Tidy tells what goes wrong there.
func (d *Dir) Put(ctx context.Context, s *capture.Still) (location string, err error) {
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
	f, err := openFolder(d.Path, d.Volume)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	err = f.floor(d.MinFree, int64(len(s.Data)))
	if errors.Is(err, ErrFull) {
		d.tidyIfDue(ctx, f, "")
		err = f.floor(d.MinFree, int64(len(s.Data)))
	}
	if err != nil {
		return "", err
	}
	f.renaming = d.naming.RLocker()
	if err := f.write(ctx, key, s.Data); err != nil {
		return "", err
	}
	d.tidyIfDue(ctx, f, key)
	return d.path(key), nil
}

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
		f, err := openFolder(d.Path, d.Volume)
		if err != nil {
			yield(capture.Stored{}, err)
			return
		}
		err = d.each(ctx, f, which, func(file file) bool { return yield(file.Stored, nil) })
		if err = errors.Join(err, f.Close()); err != nil {
			yield(capture.Stored{}, err)
		}
	}
}

// Delete deletes files, and the folders that this leaves empty. It sweeps, too: what a write left that was cut off is there for an hour at most.
func (d *Dir) Delete(ctx context.Context, which capture.Selection) (files int, err error) {
	if which.All() {
		return 0, capture.ErrSelectsAll
	}
	f, err := openFolder(d.Path, d.Volume)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := f.sweep(stale); err != nil {
		return 0, err
	}
	var keys []string
	if err := d.each(ctx, f, which, func(file file) bool { keys = append(keys, file.key); return true }); err != nil {
		return 0, err
	}
	return f.remove(ctx, keys)
}

// Tidy deletes what is over Keep, and what writes left behind that were cut off more than an hour ago. Put does so at most once a
// minute; whoever puts rarely but has much to forget may call it.
func (d *Dir) Tidy(ctx context.Context) (err error) {
	if err := d.check(); err != nil {
		return err
	}
	f, err := openFolder(d.Path, d.Volume)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	d.tidying.Lock()
	defer d.tidying.Unlock()
	return d.tidy(ctx, f, "")
}

// tidyIfDue tidies unless somebody does, or has lately. What was put just now stays.
func (d *Dir) tidyIfDue(ctx context.Context, f *folder, put string) {
	if !d.tidying.TryLock() {
		return
	}
	defer d.tidying.Unlock()
	if began := time.Now(); began.After(d.next) {
		_ = d.tidy(ctx, f, put) // no reason to lose the still; Tidy tells what is wrong
		d.next = time.Now().Add(max(betweenTidying, tidyingShare*time.Since(began)))
	}
}

func (d *Dir) tidy(ctx context.Context, f *folder, put string) error {
	if err := f.sweep(stale); err != nil {
		return err
	}
	if d.Keep == (Keep{}) {
		return nil
	}
	var files []file
	if err := d.each(ctx, f, capture.Selection{}, func(file file) bool { files = append(files, file); return true }); err != nil {
		return err
	}
	now := f.now()
	slices.SortFunc(files, func(a, b file) int { return b.stored.Compare(a.stored) }) // from the newest on
	if i := slices.IndexFunc(files, func(f file) bool { return f.key == put }); i >= 0 {
		newest := files[i] // whatever the clock said
		copy(files[1:i+1], files[:i])
		files[0] = newest
	}
	keep, size, k := 0, int64(0), d.Keep
	for ; keep < len(files); keep++ {
		f := files[keep]
		size += f.Size
		if k.Age > 0 && f.key != put && now.Sub(f.stored) > k.Age || keep > 0 && (k.Count > 0 && keep >= k.Count || k.Bytes > 0 && size > k.Bytes) {
			break
		}
	}
	over := files[keep:]
	slices.Reverse(over) // from the oldest on, in case that ctx ends
	folders := make(map[string]bool)
	for _, file := range over {
		if err := context.Cause(ctx); err != nil {
			return errors.Join(err, f.prune(folders))
		}
		if err := d.forget(f, file); err != nil {
			return err
		}
		folders[path.Dir(file.key)] = true
	}
	return f.prune(folders)
}

// forget removes a file, unless it was put again.
func (d *Dir) forget(f *folder, file file) error {
	d.naming.Lock()
	defer d.naming.Unlock()
	info, err := f.Lstat(file.key)
	if err == nil && info.ModTime().Equal(file.stored) {
		err = f.Remove(file.key)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// A file is a still in a Dir.
type file struct {
	capture.Stored
	key    string
	stored time.Time
}

// each calls do with each file that which selects, until it returns false.
func (d *Dir) each(ctx context.Context, f *folder, which capture.Selection, do func(file) bool) error {
	prefix, read, err := d.Template.Select(which)
	if err != nil {
		return err
	}
	err = fs.WalkDir(f.FS(), path.Clean(prefix), func(key string, entry fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist): // deleted meanwhile
			return nil
		case err != nil:
			return err
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case entry.IsDir() && key != "." && !d.Template.makes(entry.Name()):
			return fs.SkipDir // before it is read: lost+found is root's alone
		case !entry.Type().IsRegular():
			return nil
		}
		s, ok := read(key)
		if !ok {
			return nil
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		} else if err != nil {
			return err
		}
		s.Location, s.Size = d.path(key), info.Size()
		if !do(file{Stored: s, key: key, stored: info.ModTime()}) {
			return errEnough
		}
		return nil
	})
	if err == nil || errors.Is(err, errEnough) {
		return nil
	}
	return fmt.Errorf("store: %s: %w", d.Path, err)
}

var errEnough = errors.New("enough")
