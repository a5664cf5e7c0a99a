package rclonestore

import (
	"context"
	"errors"
	"fmt"
	iofs "io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/lib/encoder"
)

// list sends what is in a folder. It returns fs.ErrorDirNotFound only if there is none.
func list(ctx context.Context, f fs.Fs, folder string, send fs.ListRCallback) error {
	err := trust(ctx, f, folder, send)
	if err == nil || errors.Is(err, fs.ErrorDirNotFound) {
		if err := readable(f, folder); err != nil {
			return err
		}
	}
	if errors.Is(err, fs.ErrorDirNotFound) && staged(f) && folder != "" {
		if err := isGone(ctx, f, folder); err != nil {
			return err
		}
	}
	return err
}

// trust lists as the backend does.
func trust(ctx context.Context, f fs.Fs, folder string, send fs.ListRCallback) error {
	if inPages := f.Features().ListP; inPages != nil {
		return inPages(ctx, folder, send)
	}
	page, err := f.List(ctx, folder)
	if err != nil {
		return err
	}
	return send(page)
}

// readable returns what keeps a disk from telling what is in a folder. rclone's backend says of one that it cannot look at that it is not
// there, of one that it must not read that it is empty, and leaves out what it cannot look at in it.
func readable(f fs.Fs, folder string) error {
	f = fs.UnWrapFs(f)
	if fs.Type(f) != "local" {
		return nil
	}
	d, err := os.Open(filepath.Join(f.Root(), filepath.FromSlash(encoder.OS.FromStandardPath(folder))))
	if err == nil {
		_, err = d.Readdir(-1) // which looks at all, and passes over what goes meanwhile
		err = errors.Join(err, d.Close())
	}
	if errors.Is(err, iofs.ErrNotExist) {
		return nil
	}
	return err
}

// isGone fails if a folder that is said not to be there is in its parent's list. Of FTP's answers 550 and 450, which also are those about a
// folder that must not be read, rclone's backend makes one that is not there.
func isGone(ctx context.Context, f fs.Fs, folder string) error {
	parent := path.Dir(folder)
	if parent == "." {
		parent = ""
	}
	there := false
	err := list(ctx, f, parent, func(page fs.DirEntries) error {
		for _, entry := range page {
			there = there || entry.Remote() == folder
		}
		return nil
	})
	if there {
		err = trust(ctx, f, folder, func(fs.DirEntries) error { return nil }) // it may have been made meanwhile
		if errors.Is(err, fs.ErrorDirNotFound) {
			return fmt.Errorf("%s is there, and cannot be read", folder)
		}
	}
	if errors.Is(err, fs.ErrorDirNotFound) {
		return nil
	}
	return err
}
