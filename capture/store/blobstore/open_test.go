package blobstore_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gocloud.dev/blob"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/store/blobstore"
)

// labelled makes a still by carol, which has its label as data.
func labelled(id, data string) *capture.Still {
	s := still("live/alice", id, []byte(data))
	s.Request.By, s.Request.Labels = "carol", map[string]string{"is": data}
	return s
}

// wantTruth opens a still, and wants the label to tell its data; a still of which nothing was told has none.
func wantTruth(t *testing.T, b *blobstore.Store, location, data, label string) {
	t.Helper()
	opened, err := b.Open(t.Context(), location)
	if err != nil {
		t.Error(err)
		return
	}
	got, err := io.ReadAll(opened)
	if err = errors.Join(err, opened.Close()); err != nil || string(got) != data || opened.Still.Request.Labels["is"] != label {
		t.Errorf("%s has %q, with the truth about %q; want %q, %q: %v", location, got, opened.Still.Request.Labels["is"], data, label, err)
	}
	if o := opened.Still; o.Stream != "live/alice" || o.Type != "image/jpeg" || o.Location != location {
		t.Errorf("%+v", o)
	}
}

func put(t *testing.T, b *blobstore.Store, s *capture.Still) (location string) {
	t.Helper()
	location, err := b.Put(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return location
}

// TestOpensByAnyLocation: a key, an address below Base, and a link, whatever they are called and wherever the bucket is.
func TestOpensByAnyLocation(t *testing.T) {
	g := startGateway(t)
	bucket, _ := g.newBucket(t)
	another, _ := g.newBucket(t)
	for _, b := range []*blobstore.Store{
		{Bucket: bucket}, {Bucket: bucket, Base: "https://cdn.example.com/stills/"}, {Bucket: bucket, Links: time.Hour},
		{Bucket: another, Links: time.Minute, Template: "a/{stream}/{date}_{id}"},
	} {
		for i, stream := range hostile {
			s := labelled("ID%/ü", strings.Repeat("x", i+1))
			s.Stream = stream
			at := put(t, b, s)
			opened, err := b.Open(t.Context(), at)
			if err != nil {
				t.Errorf("%q, at %s: %v", stream, at, err)
				continue
			}
			data, err := io.ReadAll(opened)
			if err = errors.Join(err, opened.Close()); err != nil || string(data) != string(s.Data) || opened.Still.Stream != stream {
				t.Errorf("%q, at %s: %q of %q, %v", stream, at, data, opened.Still.Stream, err)
			}
			if _, err := b.Open(t.Context(), strings.Replace(at, "_ID", "_DI", 1)); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%q, beside %s: %v", stream, at, err)
			}
		}
	}
}

// TestOpensWhatIsOlder than what is told of stills.
func TestOpensWhatIsOlder(t *testing.T) {
	b := &blobstore.Store{Bucket: memory(t)}
	key, err := b.Locate(labelled("ID", ""))
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Bucket.WriteAll(t.Context(), key, []byte("old"), nil); err != nil {
		t.Fatal(err)
	}
	wantTruth(t, b, key, "old", "")
	put(t, b, labelled("ID", "new"))
	wantTruth(t, b, key, "new", "new")
	told := truthsIn(t, b.Bucket)
	if len(told) != 1 {
		t.Fatal(told)
	}
	if err := b.Bucket.WriteAll(t.Context(), told[0], []byte("[]"), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Open(t.Context(), key); err == nil || errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), told[0]) {
		t.Errorf("opened with a damaged truth: %v", err)
	}
	if err := b.Bucket.Delete(t.Context(), told[0]); err != nil {
		t.Fatal(err)
	}
	wantTruth(t, b, key, "new", "")
}

// TestPrivate: what strangers may see has nothing in it of who asked.
func TestPrivate(t *testing.T) {
	public, private := memory(t), memory(t)
	b := &blobstore.Store{Bucket: public, Private: private}
	at := put(t, b, labelled("ID", "data"))
	wantTruth(t, b, at, "data", "data")
	if told := truthsIn(t, public); len(told) != 0 {
		t.Errorf("in public: %v", told)
	}
	if told := truthsIn(t, private); len(told) != 1 {
		t.Errorf("in private: %v", told)
	}
	if n, err := b.Delete(t.Context(), capture.Selection{By: "carol"}); n != 1 || err != nil {
		t.Errorf("deleted %d, %v", n, err)
	}
	if told := truthsIn(t, private); len(told) != 0 {
		t.Errorf("in private: %v", told)
	}
}

// TestReadsOneVersion: who leaps in a still that is replaced meanwhile gets an error, and no mixture.
func TestReadsOneVersion(t *testing.T) {
	g := startGateway(t)
	s3, _ := g.newBucket(t)
	for name, bucket := range map[string]*blob.Bucket{"S3": s3, "memory": memory(t)} {
		b := &blobstore.Store{Bucket: bucket}
		at := put(t, b, labelled("ID", "old"))
		opened, err := b.Open(t.Context(), at)
		if err != nil {
			t.Fatal(err)
		}
		first := make([]byte, 1)
		if _, err := io.ReadFull(opened, first); err != nil {
			t.Error(err)
		}
		put(t, b, labelled("ID", "newer"))
		if _, err := opened.Seek(1, io.SeekEnd); err != nil {
			t.Error(err)
		}
		if _, err := opened.Seek(-1, io.SeekEnd); err != nil {
			t.Error(err)
		}
		if rest, err := io.ReadAll(opened); err == nil {
			t.Errorf("%s: %q, and then %q", name, first, rest)
		}
		if err := opened.Close(); err != nil {
			t.Error(err)
		}
		wantTruth(t, b, at, "newer", "newer")
	}
}

// TestOpenFails while the bucket does not answer, and does not say that there is no still.
func TestOpenFails(t *testing.T) {
	g := startGateway(t)
	bucket, proxy := g.newBucket(t)
	b := &blobstore.Store{Bucket: bucket}
	at := put(t, b, labelled("ID", "data"))
	for _, m := range []mode{refuse, fail, deny} {
		proxy.Set(m)
		if _, err := b.Open(t.Context(), at); err == nil || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%v: %v", m, err)
		}
		proxy.Set(pass)
		wantTruth(t, b, at, "data", "data")
	}
	if _, err := new(blobstore.Store).Open(t.Context(), at); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("opened without a Bucket: %v", err)
	}
}

// TestDeleteForgets what was told of earlier versions, at once; and of what is not there, when it is an hour old.
func TestDeleteForgets(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "bucket")
	b := &blobstore.Store{Bucket: folder(t, dir)}
	put(t, b, labelled("ID", "old"))
	put(t, b, labelled("ID", "new"))
	for _, id := range []string{"stale", "fresh"} {
		if err := b.Bucket.Delete(t.Context(), put(t, b, labelled(id, id))); err != nil { // as if the Put had been cut off
			t.Fatal(err)
		}
	}
	kept := still("live/bob", "kept", []byte("kept"))
	put(t, b, kept)
	for _, name := range truthsIn(t, b.Bucket) {
		if !strings.Contains(name, "fresh") && !strings.Contains(name, "ID") {
			if err := os.Chtimes(filepath.Join(dir, filepath.FromSlash(name)), time.Time{}, time.Now().Add(-2*time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n, err := b.Delete(t.Context(), capture.Selection{By: "carol"}); n != 1 || err != nil {
		t.Errorf("deleted %d, %v", n, err)
	}
	left := truthsIn(t, b.Bucket)
	if len(left) != 2 || !strings.Contains(left[0], "fresh") || !strings.Contains(left[1], "kept") {
		t.Errorf("left %v", left)
	}
	found(t, b.Bucket, kept.Data)
}
