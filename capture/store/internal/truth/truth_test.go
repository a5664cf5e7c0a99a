package truth_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/store/internal/truth"
)

// FuzzParse reads any bytes: what is read is the same when it is written and read again. And it writes the truth about a still of any names and
// labels, and reads it back.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`[{"Size":1,"SHA256":"ab","Still":{"ID":"a"},"Exact":["YQ==",null]},{"Still":{}}]`), "live/alice", "bob", "label")
	f.Add([]byte(`[null]`), "\xff", "\xfe", "\xfd")
	f.Add([]byte(`[{}]`), "", "", "")
	f.Fuzz(func(t *testing.T, text []byte, stream, by, label string) {
		if records, err := truth.Parse(text); err == nil {
			again := write(t, records...)
			if once := write(t, read(t, again)...); !bytes.Equal(once, again) {
				t.Fatalf("%s became %s", again, once)
			}
		}
		want := &capture.Still{Stream: stream, ID: by + stream, Variant: by, Type: stream, Data: text}
		want.Request = capture.Request{Stream: stream, ID: by, By: by, Labels: map[string]string{label: label}}
		r, err := truth.New(want)
		if !utf8.ValidString(label) || 2*len(label) > capture.MaxLabels {
			if !errors.Is(err, capture.ErrRejected) {
				t.Fatalf("%d bytes of a label: %v", len(label), err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		written, err := truth.Marshal(r)
		if errors.Is(err, capture.ErrRejected) && len(stream)+len(by) > truth.MaxBytes/100 {
			return
		} else if err != nil {
			t.Fatal(err)
		}
		got := read(t, written)[0]
		if s := got.Still; got.Size != int64(len(text)) || got.SHA256 != r.SHA256 || s.Stream != stream || s.ID != by+stream || s.Variant != by ||
			s.Type != stream || s.Request.Stream != stream || s.Request.ID != by || s.Request.By != by || !maps.Equal(s.Request.Labels, want.Request.Labels) {
			t.Fatalf("%+v became %+v", want, s)
		}
	})
}

func write(t *testing.T, records ...*truth.Record) []byte {
	t.Helper()
	text, err := json.Marshal(records)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func read(t *testing.T, text []byte) []*truth.Record {
	t.Helper()
	records, err := truth.Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return records
}

func TestFind(t *testing.T) {
	record := func(data string) *truth.Record {
		r, err := truth.New(&capture.Still{ID: data, Data: []byte(data)})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	for _, test := range []struct {
		about   string
		records []*truth.Record
		file    string
		want    string // ID; empty for none
		asks    bool   // for the sum
	}{
		{"the only one", []*truth.Record{record("new")}, "new", "new", false},
		{"the new one, by its size", []*truth.Record{record("newer"), record("old")}, "newer", "newer", false},
		{"the old one, by its size", []*truth.Record{record("newer"), record("old")}, "old", "old", false},
		{"the new one of two of one size", []*truth.Record{record("new"), record("old")}, "new", "new", true},
		{"the old one of two of one size", []*truth.Record{record("new"), record("old")}, "old", "old", true},
		{"none of two of that size", []*truth.Record{record("new"), record("old")}, "any", "", true},
		{"none of that size", []*truth.Record{record("new"), record("old")}, "other", "", false},
		{"none at all", nil, "new", "", false},
	} {
		asked := false
		r, err := truth.Find(test.records, int64(len(test.file)), func() (string, error) {
			asked = true
			return truth.Sum(strings.NewReader(test.file))
		})
		got := ""
		if r != nil {
			got = r.Still.ID
		}
		if err != nil || got != test.want || asked != test.asks {
			t.Errorf("%s: found %q, want %q; asked for the sum: %v, %v", test.about, got, test.want, asked, err)
		}
	}
}

// TestNames: a file's name tells of which still it is, and nothing else is taken for such a file.
func TestNames(t *testing.T) {
	for still, file := range map[string]string{
		"live/alice/x.jpg": "live/alice/.livestill/x.jpg.json", "x.jpg": ".livestill/x.jpg.json", "a/x.json": "a/.livestill/x.json.json",
	} {
		if got := truth.FileOf(still); got != file {
			t.Errorf("%s has its truth in %s, want %s", still, got, file)
		}
		if got, ok := truth.StillOf(file); !ok || got != still {
			t.Errorf("%s is about %s, %v, want %s", file, got, ok, still)
		}
	}
	for _, file := range []string{"live/alice/x.jpg", "live/alice/x.json", ".livestill/name", "a/.livestill/b/x.json", "x.json", ""} {
		if got, ok := truth.StillOf(file); ok {
			t.Errorf("%s is about %s", file, got)
		}
	}
}
