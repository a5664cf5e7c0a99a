// Package rclonestore keeps stills on whatever rclone (https://rclone.org) reaches: Google Drive, Dropbox, OneDrive, a NAS by SMB, SFTP or
// WebDAV, and some seventy more. A program imports the backends it wants, and carries no others:
//
//	import _ "github.com/rclone/rclone/backend/drive"
//
// Three things of rclone are the process's, and left to the program. Its configuration, in which remotes have their names and passwords,
// is empty until configfile.Install of rclone's fs/config/configfile reads rclone.conf; the environment does as well, with
// RCLONE_CONFIG_NAS_TYPE=smb, RCLONE_CONFIG_NAS_HOST and so on. Its log goes to standard error, and elsewhere with fs.SetLogger. Its
// options are those of fs.GetConfig.
package rclonestore

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"strings"
	"sync"
	"time"

	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/fspath"
	"github.com/rclone/rclone/fs/hash"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/store"
	"github.com/livestill/livestill/capture/store/internal/counts"
	"github.com/livestill/livestill/capture/store/internal/keep"
	"github.com/livestill/livestill/capture/store/internal/truth"
	"github.com/livestill/livestill/capture/store/internal/watched"
)

// A Store keeps stills in a folder of an rclone remote.
//
// A still is there as a whole or not at all. Where an upload shows while it is under way, on disks, by SFTP, SMB, FTP and WebDAV, it goes
// into the folder .livestill of the remote, and is renamed when its size is right, and its hash, if the remote tells one. Clouds and
// buckets show whole files only, and are written to directly. A file that has the still's bytes already is left as it is, so to repeat
// a Put disturbs nobody.
//
// What Put was told of a still is a small file of JSON, in a folder .livestill beside the still, as store.Dir has it. It doubles the calls of a Put.
//
// What a Put has stored is as safe as the remote makes it. rclone has neither disks nor SFTP and SMB servers flush what they have got, so a
// power failure may take a still that Put has returned. For disks use store.Dir, which flushes.
//
// To put other bytes in place of a still takes what the remote has for it:
//
//   - disks, SMB, and SFTP servers that know posix-rename, as OpenSSH, replace at once; so do clouds and buckets;
//   - WebDAV servers may delete the old file before they rename, as their standard has it, and other SFTP servers are made to: for
//     a moment nobody finds the still;
//   - where a rename replaces nothing, as by some FTP servers, the old file makes way into .livestill for a moment, and comes back
//     if the new one fails.
//
// When a crash, or the network, cuts off at that moment, the still is to be found in .livestill for an hour, and where it was when it is
// put again.
//
// Google Drive takes two files of one name. A Store puts only one, but two processes that put the same new still at once may not.
//
// The backends of SFTP, SMB and FTP do not know contexts. When Put has returned with the context's error, a call of theirs may go on until
// its connection times out, which takes a minute, and some calls connect again. It may still store the still, but not in place of what
// this Store puts later.
type Store struct {
	// Remote is what rclone calls the folder: "drive:stills", of a remote in its configuration; or with the remote's options in it, as
	// ":sftp,host=nas,user=camera,key_file=/etc/camera/key,known_hosts_file=/etc/camera/known_hosts:stills". Passwords stand there as
	// MustObscure of rclone's fs/config/obscure writes them. Without known_hosts_file, SFTP trusts any server.
	//
	// The first Put opens it, so the remote may come up later than the program.
	Remote   string
	Template store.Template // names of the files within Remote

	// Keep bounds what is there; the zero Keep keeps all. What is over it is
	// deleted bit by bit as Puts come, or at once by Tidy. It takes a Template
	// with the date, by which stills are known from other files. A still is as
	// old as the remote says that its file is.
	//
	// The price: with a Put, one folder is listed at most, and none for an
	// hour after all have been. To delete a still takes four calls. Folders
	// stay, and so does what a Put that was cut off was told, until a Delete.
	Keep store.Keep

	// Logger hears what cannot be deleted while Puts tidy, and that they are
	// late with it; nil means slog.Default().
	Logger *slog.Logger

	tidier keep.Tidier
	counts counts.Counts

	watched watched.Stills
	round   *round // of the cycle; nil between cycles

	mu    sync.Mutex
	calls *calls                   // nil at first, and after Close
	busy  map[string]chan struct{} // the keys of the Puts under way; each is closed when its Put ends
	ended chan struct{}            // closed, and another made, when one of them ends
	swept time.Time                // when Put last looked for leftovers
}

// Put uploads s. Its location is the remote's name and the path there: "drive:stills/live/alice/20260506_070809.123_KXW3B4TM2J.jpg".
func (r *Store) Put(ctx context.Context, s *capture.Still) (location string, err error) {
	defer r.counts.Put(s)(&err)
	at, key, err := r.locate(s)
	if err != nil {
		return "", err
	}
	if err := r.checkKeep(); err != nil {
		return "", err
	}
	told, err := truth.New(s)
	if err != nil {
		return "", err
	}
	if told, err = told.Copy(); err != nil { // s is the caller's again when Put returns
		return "", err
	}
	kind, parameters, _ := mime.ParseMediaType(s.Type) // empty if it is no type: the name tells one then
	file := file{key: key, data: s.Data, mediaType: mime.FormatMediaType(kind, parameters)}
	calls := r.join()
	defer calls.leave()
	ctx = bounded(ctx)
	location, err = await(ctx, &calls.running, func() (string, error) { return at, r.put(ctx, calls, file, told) })
	if err != nil {
		return "", failed(ctx, "put "+key, err)
	}
	if r.Keep != (store.Keep{}) {
		log := cmp.Or(r.Logger, slog.Default())
		r.tidier.Beside(ctx, log, func(ctx context.Context) error { return r.tidyStep(ctx, key) })
	}
	return location, nil
}

// Stats returns what Puts have come to up to now. It may be called at any time.
func (r *Store) Stats() capture.StoreStats { return r.counts.Stats() }

// Locate returns the location that Put would return. It needs no remote.
func (r *Store) Locate(s *capture.Still) (string, error) {
	location, _, err := r.locate(s)
	return location, err
}

func (r *Store) locate(s *capture.Still) (location, key string, err error) {
	if key, err = r.Template.Key(s); err != nil {
		return "", "", err
	}
	root, err := r.root()
	if err != nil {
		return "", "", err
	}
	return fspath.JoinRootPath(root, key), key, nil
}

// root is Remote without its options, among which are passwords.
func (r *Store) root() (string, error) {
	remote, err := fspath.Parse(r.Remote)
	if err != nil {
		return "", fmt.Errorf("rclonestore: Remote: %w", err)
	}
	if name := strings.TrimPrefix(remote.Name, ":"); name != "" {
		return name + ":" + remote.Path, nil
	}
	return remote.Path, nil
}

// put is Put for as long as it takes. What Put was told is there before the still is, together with what was told of the file that it replaces:
// so it is known of whatever a crash leaves.
func (r *Store) put(ctx context.Context, calls *calls, file file, told *truth.Record) error {
	end, err := r.begin(ctx, file.key)
	if err != nil {
		return err
	}
	defer end()
	f, err := calls.open(ctx)
	if err != nil {
		return err
	}
	old, err := find(ctx, f, file.key)
	if err != nil {
		return err
	}
	records := []*truth.Record{told}
	there := old != nil && file.is(ctx, old)
	if old != nil && !there {
		if before := r.replaced(ctx, f, old, told); before != nil {
			records = append(records, before)
		}
	}
	text, err := truth.Marshal(records...)
	if err == nil {
		err = tell(ctx, f, file.key, text)
	}
	if err != nil || there {
		return err
	}
	if err := file.bring(ctx, f, old); err != nil || !staged(f) {
		return err
	}
	r.mu.Lock()
	due := time.Since(r.swept) > stale
	if due {
		r.swept = time.Now()
	}
	r.mu.Unlock()
	if due {
		calls.running.Go(func() { sweep(context.WithoutCancel(ctx), f) })
	}
	return nil
}

// find returns a file, nil if it is not there.
func find(ctx context.Context, f fs.Fs, name string) (fs.Object, error) {
	o, err := f.NewObject(ctx, name)
	if errors.Is(err, fs.ErrorObjectNotFound) {
		return nil, nil
	}
	return o, err
}

// tell puts what was told of the still at key, unless it is there.
func tell(ctx context.Context, f fs.Fs, key string, text []byte) error {
	file := file{key: truth.FileOf(key), data: text, mediaType: "application/json"}
	old, err := find(ctx, f, file.key)
	if err != nil || old != nil && file.is(ctx, old) {
		return err
	}
	return file.bring(ctx, f, old)
}

// bring puts a file where it belongs, in place of old if that is not nil.
func (f file) bring(ctx context.Context, to fs.Fs, old fs.Object) error {
	if staged(to) {
		return f.replace(ctx, to, old)
	}
	_, err := f.upload(ctx, to, f.key, old)
	return err
}

// Close ends the tidying that Puts have begun, waits for the calls that are under way, also those that were left behind, and closes their
// connections. The next Put, also one beside Close, opens others.
func (r *Store) Close() error {
	if err := r.tidier.Close(); err != nil {
		return err
	}
	r.mu.Lock()
	calls := r.calls
	r.calls = nil
	r.mu.Unlock()
	if calls == nil {
		return nil
	}
	calls.running.Wait()
	if o := calls.opening; o != nil && o.f != nil && o.f.Features().Shutdown != nil {
		return o.f.Features().Shutdown(context.Background())
	}
	return nil
}

// A file is a still that is being put, or what is told of it.
type file struct {
	key       string
	data      []byte
	mediaType string
}

// is reports whether o has the file's bytes. Remotes without hashes are asked for the bytes: a Put is repeated seldom.
func (f file) is(ctx context.Context, o fs.Object) bool {
	if o.Size() != int64(len(f.data)) {
		return false
	}
	if known, err := f.check(ctx, o); known || err != nil {
		return err == nil
	}
	in, err := o.Open(ctx)
	if err != nil {
		return false
	}
	data, err := io.ReadAll(io.LimitReader(in, o.Size()+1))
	return errors.Join(err, in.Close()) == nil && bytes.Equal(data, f.data)
}

// check fails if o's size or hash is not the file's, and tells whether there is a hash. One that cannot be had is none: an SFTP server
// that has md5sum may have it see other paths.
func (f file) check(ctx context.Context, o fs.Object) (known bool, err error) {
	if o.Size() >= 0 && o.Size() != int64(len(f.data)) {
		return false, fmt.Errorf("%d bytes arrived of %d", o.Size(), len(f.data))
	}
	kind := o.Fs().Hashes().GetOne()
	if kind == hash.None {
		return false, nil
	}
	got, none := o.Hash(ctx, kind)
	if known = none == nil && got != ""; known {
		want, err := hash.StreamTypes(bytes.NewReader(f.data), hash.NewHashSet(kind))
		if err != nil || !hash.Equals(want[kind], got) {
			return true, errors.Join(err, fmt.Errorf("other bytes arrived, whose %v is %s, not %s", kind, got, want[kind]))
		}
	}
	return known, nil
}

// failed says what failed, and that the context had ended if it had.
func failed(ctx context.Context, what string, err error) error {
	if cause := context.Cause(ctx); cause != nil && !errors.Is(err, cause) {
		err = fmt.Errorf("%w: %w", cause, err)
	}
	return fmt.Errorf("rclonestore: %s: %w", what, err)
}
