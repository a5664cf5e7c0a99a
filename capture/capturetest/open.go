package capturetest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"strings"
	"sync"
	"testing/iotest"
	"time"

	"github.com/livestill/livestill/capture"
)

// told makes a still of which much is known.
func told(stream, id string, size int) *capture.Still {
	s := still(stream, id, size)
	s.Variant, s.Request.By, s.Request.Tolerance = "thumb", "bob", time.Second
	s.Request.Labels = map[string]string{"tenant": "acme", "rights": "CC BY 4.0 \"ü\"", "": "", "日本": strings.Repeat("long", 100)}
	s.Wanted, s.PTS, s.Age, s.Key, s.QP, s.Scores.PSNR = shown.Add(-time.Second/3), time.Hour-1, -7, true, 31.5, 40.25
	s.Off, s.Merged, s.Refined, s.Instead = -1, 5, true, fmt.Errorf("%w: lost", capture.ErrCorrupt)
	s.Steps = []capture.Step{{Name: "decode", Hook: "*ffmpeg.Decoder", Took: 9}}
	return s
}

// opener returns the store, if it opens stills.
func (t storeTest) opener() (o capture.Opener, ok bool) {
	if o, ok = t.Store.(capture.Opener); ok {
		_, err := o.Open(t.Context(), "nowhere")
		ok = !errors.Is(err, errors.ErrUnsupported)
	}
	return o, ok
}

func (t storeTest) opens() {
	o, ok := t.opener()
	if !ok {
		return
	}
	long := strings.Repeat("long", 500)
	all := []*capture.Still{
		still("live/alice", "A", 1000), told("live/alice", "A", 300_000), told("\xff\xfe/a//b", "\xff", 3), told(long, long, 70), told("", "../x", 0),
	}
	all[0].Request.By, all[0].Time = "carol", shown.Add(time.Hour)
	at := make(map[*capture.Still]string)
	for _, s := range all {
		mine := *s
		mine.Request.Labels = maps.Clone(s.Request.Labels)
		at[s] = t.put(&mine)
		clear(mine.Request.Labels) // which is nothing to a store that does not keep them
		t.opened(s, at[s])
	}
	for _, location := range []string{"", "nowhere", "..", "../../etc/passwd", "/etc/passwd", at[all[0]] + "x", at[all[0]] + "/x", "\x00", "?"} {
		if opened, err := o.Open(t.Context(), location); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Open of %q: %v, %v, want fs.ErrNotExist", location, opened, err)
		}
	}
	t.opensListed(all, at)

	replaced := told("live/alice", "A", 300_000)
	replaced.Request.Labels = map[string]string{"version": "2"}
	if again := t.put(replaced); again != at[all[1]] {
		t.Errorf("the same key is at %q, and then at %q", at[all[1]], again)
	}
	t.opened(replaced, at[all[1]])
	t.opened(all[0], at[all[0]])

	cause := errors.New("the caller has gone")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	if _, err := o.Open(ctx, at[all[0]]); !errors.Is(err, cause) {
		t.Errorf("Open with an ended context: %v, want %v", err, cause)
	}
	if d, ok := t.Store.(capture.Deleter); ok {
		if _, err := d.Delete(t.Context(), capture.Selection{ID: "A"}); err == nil {
			for _, s := range all[:2] {
				if _, err := o.Open(t.Context(), at[s]); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("Open of what was deleted: %v, want fs.ErrNotExist", err)
				}
			}
			t.opened(all[2], at[all[2]])
		}
	}
}

// opensListed opens what List names.
func (t storeTest) opensListed(all []*capture.Still, at map[*capture.Still]string) {
	l, ok := t.Store.(capture.Lister)
	if !ok || unsupported(l.List(t.Context(), capture.Selection{})) {
		return
	}
	var listed []string
	for s, err := range l.List(t.Context(), capture.Selection{}) {
		if err != nil {
			t.Fatal(err)
		}
		listed = append(listed, s.Location)
	}
	if len(listed) != len(all) {
		t.Errorf("List has %d stills, want %d", len(listed), len(all))
	}
	for _, location := range listed {
		for s := range at {
			if at[s] == location {
				t.opened(s, location)
			}
		}
	}
}

// opened opens a still, and compares it with what was put.
func (t storeTest) opened(want *capture.Still, location string) {
	t.Helper()
	o, err := t.Store.(capture.Opener).Open(t.Context(), location)
	if err != nil {
		t.Errorf("Open of %.100q: %v", location, err)
		return
	}
	if o.Size != int64(len(want.Data)) || o.Modified.IsZero() {
		t.Errorf("%.100q has %d bytes, and was put at %v; want %d", location, o.Size, o.Modified, len(want.Data))
	}
	if err := iotest.TestReader(o, want.Data); err != nil {
		t.Errorf("%.100q: %v", location, err)
	}
	if err := o.Close(); err != nil {
		t.Errorf("%.100q: %v", location, err)
	}
	truth := *want
	truth.Location = location
	a, errA := json.Marshal(&truth)
	b, errB := json.Marshal(o.Still)
	if errA != nil || errB != nil || !bytes.Equal(a, b) {
		t.Errorf("opened %s, %v\nput %s, %v", b, errB, a, errA)
	}
	got := o.Still
	if got.Stream != want.Stream || got.ID != want.ID || got.Variant != want.Variant || got.Type != want.Type || got.Request.By != want.Request.By ||
		!maps.Equal(got.Request.Labels, want.Request.Labels) {
		t.Errorf("opened %+v\nput %+v", got, want)
	}
}

// opensWhole opens and reads while one key's still is replaced again and again: each time the truth is that of the bytes. What was replaced
// meanwhile may not be read to its end.
func (t storeTest) opensWhole() {
	o, ok := t.opener()
	if !ok {
		return
	}
	const size = 100_000
	versions := make([]*capture.Still, 4)
	for i := range versions {
		versions[i] = still("live/alice", "ID", 0)
		versions[i].Data = bytes.Repeat([]byte{byte(i)}, size+i/2) // some are of one size
		versions[i].Request.Labels = map[string]string{"version": fmt.Sprint(i)}
	}
	at := t.put(versions[0])
	var putting sync.WaitGroup
	done := make(chan struct{})
	for n := range 2 {
		putting.Go(func() {
			for i := range 20 {
				if _, err := t.Store.Put(t.Context(), versions[(i+n)%len(versions)]); err != nil {
					t.Error(err)
				}
			}
		})
	}
	go func() { defer close(done); putting.Wait() }()
	for read, last := 0, false; read == 0 || !last; {
		select {
		case <-done:
			last = true
		default:
		}
		opened, err := o.Open(t.Context(), at)
		if errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
			break
		} else if err != nil {
			continue // it is worth trying again
		}
		data, err := io.ReadAll(opened)
		if err = errors.Join(err, opened.Close()); err != nil {
			continue
		}
		read++
		t.isWhole(opened, data, versions)
	}
	<-done
}

// isWhole compares what was read with the version that is told of.
func (t storeTest) isWhole(opened *capture.Opened, data []byte, versions []*capture.Still) {
	t.Helper()
	told := opened.Still.Request.Labels["version"]
	for i, s := range versions {
		if told == fmt.Sprint(i) && bytes.Equal(data, s.Data) && opened.Size == int64(len(data)) {
			return
		}
	}
	t.Errorf("read %d bytes of %d, with the truth about version %q", len(data), opened.Size, told)
}

// labels puts as many as a store takes, and more.
func (t storeTest) labels() {
	if _, ok := t.opener(); !ok {
		return
	}
	most := still("live/alice", "most", 8)
	most.Request.Labels = make(map[string]string)
	for i := range 64 {
		name := fmt.Sprintf("%02d\n", i)
		most.Request.Labels[name] = strings.Repeat("\x01", capture.MaxLabels/64-len(name))
	}
	at := t.put(most)
	t.opened(most, at)
	for about, labels := range map[string]map[string]string{
		"too many": {"name": strings.Repeat("a", capture.MaxLabels-3)}, "a name that is no UTF-8": {"\xff": ""}, "a value that is none": {"a": "\xff"},
	} {
		s := still("live/alice", "rejected", 8)
		s.Request.Labels = labels
		if _, err := t.Store.Put(t.Context(), s); !errors.Is(err, capture.ErrRejected) {
			t.Errorf("Put of a still with labels, %s: %v, want ErrRejected", about, err)
		}
	}
	t.want(map[string][]byte{at: most.Data})
}
