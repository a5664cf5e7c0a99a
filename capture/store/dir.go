// Package store holds ready-made stores for captured stills.
package store

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"mime"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/livestill/livestill/capture"
)

// Dir stores stills as files: Path/STREAM/DATE_TIME_ID.EXT, by the time they were shown, in UTC. The folder is made when needed.
// Whatever a stream or a still is called, the file is inside Path: letters, digits and a few marks of a name stand as they are,
// other bytes as %XX, a slash in a stream's name makes a folder, and a long name ends in a hash.
//
// A still is either there as a whole or not at all, even if the machine loses power: it is written under a temporary name that
// begins with a dot, flushed to the disk, and renamed. When Put returns, the name too is on the disk.
type Dir struct {
	Path string
}

// Put writes s and returns the path of its file. The context only prevents the write from beginning.
func (d Dir) Put(ctx context.Context, s *capture.Still) (location string, err error) {
	if err := context.Cause(ctx); err != nil {
		return "", err
	}
	if d.Path == "" {
		return "", errors.New("store.Dir has no Path")
	}
	if err := os.MkdirAll(d.Path, 0o755); err != nil {
		return "", err
	}
	root, err := os.OpenRoot(d.Path)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, root.Close()) }()

	folder := folderName(s.Stream)
	if err := root.MkdirAll(folder, 0o755); err != nil {
		return "", err
	}
	name := s.Time.UTC().Format("20060102_150405.000") + "_" + clean(s.ID) + extension(s.Type)
	temp, final := path.Join(folder, "."+rand.Text()), path.Join(folder, name)
	if err = write(root, temp, s.Data); err == nil {
		err = root.Rename(temp, final)
	}
	if err != nil {
		_ = root.Remove(temp) // if it is there at all
		return "", err
	}
	// A rename is in the folder, and a new folder in its parent: flush all that may be new.
	for dir := folder; ; dir = path.Dir(dir) {
		if err := syncFolder(root, dir); err != nil {
			return "", err
		}
		if dir == "." {
			return filepath.Join(d.Path, filepath.FromSlash(final)), nil
		}
	}
}

// write makes a file that is on the disk when it returns without error.
func write(root *os.Root, name string, data []byte) (err error) {
	f, err := root.Create(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := f.Write(data); err != nil {
		return err
	}
	return f.Sync()
}

func syncFolder(root *os.Root, name string) error {
	f, err := root.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// folderName makes a path of folders of a stream's name.
func folderName(stream string) string {
	var parts []string
	for part := range strings.SplitSeq(stream, "/") {
		if part != "" {
			parts = append(parts, clean(part))
		}
	}
	if len(parts) == 0 {
		return "."
	}
	return strings.Join(parts, "/")
}

// File systems allow 255 bytes for a name, of which the time and the extension need up to 40.
const maxName = 200

// clean makes a file name of any string. Different strings have different names; long ones end in a hash.
func clean(s string) string {
	var b strings.Builder
	for i, c := range []byte(s) {
		plain := c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c == '-' || c == '_' || c == '.' && i > 0
		if plain {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	if b.Len() <= maxName {
		return b.String()
	}
	sum := sha256.Sum256([]byte(s))
	hash := hex.EncodeToString(sum[:16])
	return b.String()[:maxName-1-len(hash)] + "%" + hash
}

// extension returns the usual file extension of a media type, with its dot.
func extension(mediaType string) string {
	if mediaType == "image/jpeg" {
		return ".jpg" // of several in the system's table, whose order varies
	}
	if known, err := mime.ExtensionsByType(mediaType); err == nil && len(known) > 0 {
		return known[0]
	}
	return ".bin"
}
