package rclonestore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/config/configmap"
	"github.com/rclone/rclone/fs/config/obscure"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/store/rclonestore"
)

func still(data string) *capture.Still {
	return &capture.Still{
		ID: "ID", Stream: "live/alice", Data: []byte(data), Type: "image/jpeg", Time: time.Date(2026, 5, 6, 7, 8, 9, 123e6, time.UTC),
	}
}

// want compares what visible files contain with what they have to.
func want(t *testing.T, files func() (map[string][]byte, error), want ...string) {
	t.Helper()
	found, err := files()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, data := range found {
		got = append(got, string(data))
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("%d files have %.50q, want %.50q: %v", len(found), got, want, slices.Collect(maps.Keys(found)))
	}
}

func put(t *testing.T, s *rclonestore.Store, data string) {
	t.Helper()
	if _, err := s.Put(t.Context(), still(data)); err != nil {
		t.Fatal(err)
	}
}

// refused is about a Put that has to fail, but not for good, with an error that says so.
func refused(t *testing.T, s *rclonestore.Store, data, says string) {
	t.Helper()
	_, err := s.Put(t.Context(), still(data))
	if err == nil || errors.Is(err, capture.ErrRejected) ||
		!strings.HasPrefix(err.Error(), "rclonestore: put live/alice/") || !strings.Contains(err.Error(), says) {
		t.Errorf("Put: %v, want one that says %q and is no ErrRejected", err, says)
	}
}

// The remotes of clouds and disks that the tests have none of: local ones, with some calls of their own.
type remote struct {
	fs.Fs
	put  func(ctx context.Context, f fs.Fs, in io.Reader, info fs.ObjectInfo, options ...fs.OpenOption) (fs.Object, error)
	move func(ctx context.Context, f fs.Fs, o fs.Object, name string) (fs.Object, error)
	list func(ctx context.Context, f fs.Fs, folder string) (fs.DirEntries, error)
}

// register returns the Remote of r in a new folder, and the folder.
func (r remote) register(t *testing.T, base string) (name, dir string) {
	t.Helper()
	dir = t.TempDir()
	name = filepath.Base(filepath.Dir(dir)) // another one each time
	fs.Register(&fs.RegInfo{Name: name, NewFs: func(ctx context.Context, _, root string, _ configmap.Mapper) (_ fs.Fs, err error) {
		r := r
		r.Fs, err = fs.NewFs(ctx, base+root)
		return r, err
	}})
	return ":" + name + ":" + dir, dir
}

func (r remote) UnWrap() fs.Fs { return r.Fs }

func (r remote) Features() *fs.Features {
	features := *r.Fs.Features()
	features.UnWrap, features.ListP = r.UnWrap, nil
	if r.move != nil {
		features.Move = func(ctx context.Context, o fs.Object, name string) (fs.Object, error) {
			return r.move(ctx, r.Fs, o, name)
		}
	}
	return &features
}

func (r remote) List(ctx context.Context, folder string) (fs.DirEntries, error) {
	if r.list != nil {
		return r.list(ctx, r.Fs, folder)
	}
	return r.Fs.List(ctx, folder)
}

func (r remote) Put(ctx context.Context, in io.Reader, info fs.ObjectInfo, options ...fs.OpenOption) (fs.Object, error) {
	if r.put != nil {
		return r.put(ctx, r.Fs, in, info, options...)
	}
	return r.Fs.Put(ctx, in, info, options...)
}

// TestRefusesToReplace is about remotes whose rename replaces nothing, as some FTP servers'.
func TestRefusesToReplace(t *testing.T) {
	var full atomic.Bool
	refuse := errors.New("there is one already")
	remote, dir := remote{move: func(ctx context.Context, f fs.Fs, o fs.Object, name string) (fs.Object, error) {
		if _, err := f.NewObject(ctx, name); err == nil {
			return nil, refuse
		}
		data, err := os.ReadFile(filepath.Join(f.Root(), o.Remote()))
		if err != nil || full.Load() && string(data) == "third" {
			return nil, errors.Join(err, refuse)
		}
		return f.Features().Move(ctx, o, name)
	}}.register(t, "")
	s := open(t, remote)
	files := filesIn(dir, "")
	put(t, s, "first")
	put(t, s, "second")
	want(t, files, "second")

	full.Store(true)
	refused(t, s, "third", refuse.Error())
	want(t, files, "second")
	if left, err := os.ReadDir(filepath.Join(dir, ".livestill")); err != nil || len(left) != 0 {
		t.Errorf("left backstage: %v, %v", left, err)
	}
}

// TestArrivesWrong is about bytes that get lost or turned over on the way.
func TestArrivesWrong(t *testing.T) {
	for name, wrong := range map[string]string{"shorter": "bette", "other bytes": "batter"} {
		t.Run(name, func(t *testing.T) {
			remote, dir := remote{put: func(ctx context.Context, f fs.Fs, in io.Reader, info fs.ObjectInfo, options ...fs.OpenOption) (fs.Object, error) {
				data, err := io.ReadAll(in)
				if err != nil {
					return nil, err
				}
				if string(data) == "better" {
					data = []byte(wrong)
				}
				return f.Put(ctx, bytes.NewReader(data), info, options...)
			}}.register(t, "")
			s := open(t, remote)
			put(t, s, "first")
			refused(t, s, "better", "arrived")
			want(t, filesIn(dir, ""), "first")
		})
	}
}

// TestTwins is about remotes that take two files of one name, as Google Drive.
func TestTwins(t *testing.T) {
	var here atomic.Int32
	remote, _ := remote{put: func(ctx context.Context, f fs.Fs, in io.Reader, info fs.ObjectInfo, options ...fs.OpenOption) (fs.Object, error) {
		if here.Add(1) > 1 {
			t.Error("two Puts of a key are under way")
		}
		defer here.Add(-1)
		if _, err := f.NewObject(ctx, info.Remote()); err == nil {
			t.Error("a second file of the name is put")
		}
		return f.Put(ctx, in, info, options...)
	}}.register(t, ":memory:")
	s := open(t, remote)
	var wait sync.WaitGroup
	for n := range 20 {
		wait.Go(func() { put(t, s, fmt.Sprint("version ", n)) })
	}
	wait.Wait()
}

// TestReplaceDeletesFirst is about WebDAV servers whose MOVE deletes and then fails.
func TestReplaceDeletesFirst(t *testing.T) {
	dir := t.TempDir()
	var failing atomic.Int32
	s := open(t, serveWebDAV(t, dir, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == "MOVE" && !isTold(r.Header.Get("Destination")) && failing.Add(-1) >= 0 {
				r.Method = http.MethodDelete
				_, r.URL.Path, _ = strings.Cut(r.Header.Get("Destination"), r.Host)
				next.ServeHTTP(discarded{w.Header()}, r)
				http.Error(w, "no rename today", http.StatusForbidden)
				return
			}
			next.ServeHTTP(w, r)
		})
	}))
	put(t, s, "first")
	failing.Store(1)
	put(t, s, "second")
	want(t, filesIn(dir, ""), "second")
	failing.Store(10)
	refused(t, s, "third", "no rename today")
	want(t, filesIn(dir, ""))
	left, err := filesIn(filepath.Join(dir, stills, ".livestill"), "")()
	if err != nil || len(left) != 1 {
		t.Errorf("backstage are %d files, want the third: %v", len(left), err)
	}
	failing.Store(0)
	put(t, s, "third")
	want(t, filesIn(dir, ""), "third")
}

// discarded is an answer that nobody gets.
type discarded struct{ header http.Header }

func (d discarded) Header() http.Header         { return d.header }
func (d discarded) Write(b []byte) (int, error) { return len(b), nil }
func (d discarded) WriteHeader(int)             {}

// TestAnswerLost has a server that renames, and says nothing any more.
func TestAnswerLost(t *testing.T) {
	dir := t.TempDir()
	var losing, dead atomic.Bool
	s := open(t, serveWebDAV(t, dir, func(next http.Handler) http.Handler {
		next = renames(dir)(next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !dead.Load() && (r.Method != "MOVE" || isTold(r.Header.Get("Destination")) || !losing.Load()) {
				next.ServeHTTP(w, r)
				return
			}
			if !dead.Swap(true) {
				next.ServeHTTP(discarded{w.Header()}, r)
			}
			panic(http.ErrAbortHandler)
		})
	}))
	losing.Store(true)
	refused(t, s, "one", "EOF")
	losing.Store(false)
	dead.Store(false)
	put(t, s, "one")
	want(t, filesIn(dir, ""), "one")
}

// TestLeftovers is about what was uploaded and not renamed.
func TestLeftovers(t *testing.T) {
	dir := t.TempDir()
	var broken atomic.Bool
	remote := serveWebDAV(t, dir, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			told := isTold(r.Header.Get("Destination"))
			if broken.Load() && (r.Method == "MOVE" && !told || r.Method == http.MethodDelete) {
				http.Error(w, "out of order", http.StatusForbidden)
				return
			}
			next.ServeHTTP(w, r)
		})
	})
	backstage := filepath.Join(dir, stills, ".livestill")
	broken.Store(true)
	refused(t, open(t, remote), "cut off", "out of order")
	want(t, filesIn(dir, ""))
	left, err := os.ReadDir(backstage)
	if err != nil || len(left) != 1 {
		t.Fatalf("backstage are %v, %v, want the upload", left, err)
	}
	broken.Store(false)

	_, random, _ := strings.Cut(left[0].Name(), "-")
	old := time.Now().UTC().Add(-2*time.Hour).Format("20060102T150405") + "-" + random
	for _, name := range []string{old, "name"} { // which is Dir's
		if err := os.WriteFile(filepath.Join(backstage, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := open(t, remote)
	put(t, s, "new")
	if err := s.Close(); err != nil { // which waits for the sweep
		t.Error(err)
	}
	want(t, filesIn(backstage, ""), "", "cut off")
	want(t, filesIn(dir, ""), "new")
}

// TestFolderGoes deletes the last file of a folder again and again, and on a disk the folder with it, while others put into it. By SFTP the
// folder stays: some servers would remove it with what is put into it meanwhile.
func TestFolderGoes(t *testing.T) {
	for name, stays := range map[string]bool{"local": false, "SFTP": true} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			remote := dir
			if name == "SFTP" {
				remote = serveSFTP(t, dir, new(gate))
			}
			s := open(t, remote)
			var wait sync.WaitGroup
			for n := range 3 {
				one := still("one")
				one.ID = fmt.Sprint("ID", n)
				wait.Go(func() {
					for range 30 {
						if _, err := s.Put(t.Context(), one); err != nil {
							t.Error(err)
						}
						if n, err := s.Delete(t.Context(), capture.Selection{ID: one.ID}); n != 1 || err != nil {
							t.Errorf("Delete: %d, %v", n, err)
						}
					}
				})
			}
			wait.Wait()
			if _, err := os.Stat(filepath.Join(dir, "live")); (err == nil) != stays {
				t.Errorf("the folder is there: %t: %v", err == nil, err)
			}
		})
	}
}

func TestWrongPassword(t *testing.T) {
	dir := t.TempDir()
	webdav := serveWebDAV(t, dir, renames(dir))
	sftp := serveSFTP(t, dir, new(gate))
	for remote, says := range map[string]string{webdav: "401", sftp: "unable to authenticate"} {
		before, rest, _ := strings.Cut(remote, ",pass=")
		_, after, _ := strings.Cut(rest, ",")
		s := open(t, before+",pass="+obscure.MustObscure("wrong")+","+after)
		refused(t, s, "one", says)
		put(t, open(t, remote), "one")
	}
}

// TestHangs ends the contexts of Puts that wait for a remote.
func TestHangs(t *testing.T) {
	for kind, serve := range map[string]func(t *testing.T, dir string, door *gate) string{
		"SFTP": serveSFTP,
		"WebDAV": func(t *testing.T, dir string, door *gate) string {
			t.Helper()
			return serveWebDAV(t, dir, func(next http.Handler) http.Handler {
				next = renames(dir)(next)
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { door.pass(); next.ServeHTTP(w, r) })
			})
		},
	} {
		for _, connected := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s connected=%t", kind, connected), func(t *testing.T) {
				dir := t.TempDir()
				var door gate
				s := open(t, serve(t, dir, &door))
				if connected {
					put(t, s, "before")
				}
				mend := door.close()
				defer mend()
				cause := errors.New("the caller has gone")
				ctx, cancel := context.WithCancelCause(t.Context())
				result := make(chan error)
				go func() {
					_, err := s.Put(ctx, still("during"))
					result <- err
				}()
				<-door.reached
				cancel(cause)
				if err := <-result; !errors.Is(err, cause) {
					t.Errorf("Put: %v, want %v", err, cause)
				}
				mend()
				put(t, s, "after") // the other one may go on meanwhile
				want(t, filesIn(dir, ""), "after")
			})
		}
	}
}

// TestDeleteWaits for a Put that was left behind, and may yet store its still.
func TestDeleteWaits(t *testing.T) {
	dir := t.TempDir()
	var door gate
	s := open(t, serveSFTP(t, dir, &door))
	put(t, s, "before")
	mend := door.close()
	defer mend()
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error)
	go func() {
		_, err := s.Put(ctx, still("during"))
		result <- err
	}()
	<-door.reached
	cancel()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("Put: %v", err)
	}
	go func() {
		_, err := s.Delete(t.Context(), capture.Selection{Stream: still("during").Stream})
		result <- err
	}()
	mend()
	if err := <-result; err != nil {
		t.Error(err)
	}
	want(t, filesIn(dir, ""))
}

// TestTimeout has a server that hangs, and a Put without a deadline.
func TestTimeout(t *testing.T) {
	var door gate
	s := open(t, strings.Replace(serveSFTP(t, t.TempDir(), &door), ",", ",override.timeout=5s,", 1))
	put(t, s, "sweeps beside")
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	put(t, s, "before")
	defer door.close()()
	refused(t, s, "during", "")
}

// TestMakesWayUnheard has a remote whose rename replaces nothing, and whose answers get lost when the old file makes way, and when it comes
// back.
func TestMakesWayUnheard(t *testing.T) {
	var fails, lost atomic.Int32 // renames to the still's name, and answers
	refuse := errors.New("there is one already")
	remote, dir := remote{move: func(ctx context.Context, f fs.Fs, o fs.Object, name string) (fs.Object, error) {
		if isTold(name) {
			return f.Features().Move(ctx, o, name)
		}
		if _, err := f.NewObject(ctx, name); err == nil {
			return nil, refuse
		}
		away := strings.HasPrefix(name, ".livestill/")
		if !away && fails.Add(-1) >= 0 {
			return nil, errors.New("no rename today")
		}
		o, err := f.Features().Move(ctx, o, name)
		if away && err == nil && lost.Add(-1) >= 0 {
			return nil, io.ErrUnexpectedEOF
		}
		return o, err
	}}.register(t, "")
	s := open(t, remote)
	files := filesIn(dir, "")
	put(t, s, "first")
	lost.Store(1)
	put(t, s, "second")
	want(t, files, "second")

	lost.Store(1)
	fails.Store(2) // of the new file, and of the old one that comes back
	put(t, s, "third")
	want(t, files, "third")

	lost.Store(1)
	fails.Store(10)
	refused(t, s, "fourth", "no rename today")
	want(t, files)
	want(t, filesIn(filepath.Join(dir, ".livestill"), ""), "fourth", "second", "third") // the second had its place taken while it was away
}
