package store_test

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/store"
)

func TestTemplateNames(t *testing.T) {
	for _, test := range []struct {
		template store.Template
		stream   string
		by       string
		variant  string
		want     string
	}{
		{"", "live/alice", "", "", "live/alice/20260506_070809.123_ID.jpg"},
		{"", "live/alice", "bob", "", "live/alice/20260506_070809.123_ID~81b637d8fcd2c6da.jpg"},
		{"", "live/alice", "bob", "thumb", "live/alice/20260506_070809.123_ID~81b637d8fcd2c6da~thumb.jpg"},
		{"", "", "", "thumb", "20260506_070809.123_ID~~thumb.jpg"},
		{"{id}/{stream}", "a/b", "", "", "ID/a/b.jpg"},
		{"{id}/{stream}", "", "", "", "ID.jpg"},
		{"stills/{year}/{month}/{day}/{stream}/{hour} {id}", "a", "", "", "stills/2026/05/06/a/07 ID.jpg"},
		{"", "a_b__0x2f__", "", "", "a_b_%5F0x2f_%5F/20260506_070809.123_ID.jpg"},
		{"", strings.Repeat("d/", 100), "", "", strings.Repeat("d/", 15) + "d%-f0d639834f565b4b1ffa05ebf7df2c6b/20260506_070809.123_ID.jpg"},
		{"{date}/{stream}/x{id}-{time}", "a//b", "", "", "20260506/a/%/b/xID-070809.123.jpg"},
	} {
		s := still(test.stream, "ID", nil)
		s.Request.By, s.Variant = test.by, test.variant
		if got, err := test.template.Key(s); got != test.want || err != nil {
			t.Errorf("%q of %q: %q, %v; want %q", test.template, test.stream, got, err, test.want)
		}
	}
}

func TestTemplateIsChecked(t *testing.T) {
	for _, test := range []struct {
		template store.Template
		want     string
	}{
		{"{stream}/{time}", "lacks {stream} or {id}"},
		{"{id}", "lacks {stream} or {id}"},
		{"{stream}/{id}/{id}", "{id} twice"},
		{"{stream}/{id}_{user}", "unknown placeholder {user}"},
		{"{stream}_{id}", "{stream} beside other text"},
		{"../{stream}/{id}", "no path"},
		{"/{stream}/{id}", "no path"},
		{"{stream}//{id}", "no path"},
		{"{stream}/{id}/", "no path"},
		{".hidden/{stream}/{id}", "no path"},
		{"{stream}/.{id}", "no path"},
		{"a~b/{stream}/{id}", "text other than letters"},
		{"ü/{stream}/{id}", "text other than letters"},
		{"a__b/{stream}/{id}", "text other than letters"},
		{"{/{stream}/{id}", "text other than letters"},
		{store.Template(strings.Repeat("x", 200) + "{id}/{stream}"), "names of"},
		{store.Template(strings.Repeat("x/", 600) + "{id}/{stream}"), "keys of"},
	} {
		if key, err := test.template.Key(still("stream", strings.Repeat("i", 90), nil)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: %q, %v; want an error that says %q", test.template, key, err, test.want)
		}
	}
	if _, _, err := store.Template("{user}").Select(capture.Selection{}); err == nil {
		t.Error("Select takes a bad template")
	}
	if _, _, err := store.Template("{stream}/{time}_{id}").Select(capture.Selection{Since: time.Now()}); err == nil {
		t.Error("Select by date of a template without one")
	}
	year := still("s", "id", nil)
	year.Time = time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC)
	if key, err := store.Template("").Key(year); !errors.Is(err, capture.ErrRejected) {
		t.Errorf("a year of five digits: %q, %v", key, err)
	}
}

// TestTemplateSelectsByPrefix: a bucket is not read as a whole for one stream.
func TestTemplateSelectsByPrefix(t *testing.T) {
	for _, test := range []struct {
		template store.Template
		stream   string
		want     string
	}{
		{"", "live/alice", "live/alice/"},
		{"a/{stream}/{id}", "b c", "a/b%20c/"},
		{"{date}/{stream}/{id}", "b", ""},
		{"{id}/{stream}", "b", ""},
		{"", "", ""},
	} {
		if got, _, err := test.template.Select(capture.Selection{Stream: test.stream}); got != test.want || err != nil {
			t.Errorf("%q, stream %q: %q, %v; want %q", test.template, test.stream, got, err, test.want)
		}
	}
}

// TestTemplateKnowsItsOwn names, and takes no others for stills.
func TestTemplateKnowsItsOwn(t *testing.T) {
	for _, test := range []struct {
		template store.Template
		names    string
	}{
		{"{stream}/{id}", "a b.jpg|Straße.jpg|.bashrc.jpg|a/.profile.jpg|notes (1).txt|a|a.|a..jpg|a/b_c.jpg|a/%2.jpg|a/%41.jpg|a//b.jpg|/a.jpg|a__b/c.jpg"},
		{"{stream}/{id}", "a%-0123.jpg|a/b~BY.jpg|a/b~~~x.jpg|a/con.jpg|a/b.image%2Fpng"},
		{"", "20260506_070809.123_Mein Bild.jpg|20260532_070809.123_A.jpg|20260506_070809_A.jpg|a/20260506_070809.123_A_B.jpg"},
	} {
		_, read, err := test.template.Select(capture.Selection{})
		if err != nil {
			t.Fatal(err)
		}
		for name := range strings.SplitSeq(test.names, "|") {
			if s, ok := read(name); ok {
				t.Errorf("%q takes %q for %+v", test.template, name, s)
			}
		}
	}
}

func TestTemplateSelectsByWhatItKeeps(t *testing.T) {
	hour, day := time.Date(2026, 5, 6, 7, 0, 0, 0, time.UTC), time.Date(2026, 5, 6, 0, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		template store.Template
		at       time.Time
		ok       bool
	}{
		{"", hour.Add(time.Microsecond), true},
		{"{stream}/{date}/{id}", day, true},
		{"{stream}/{date}/{id}", hour, false},
		{"{stream}/{year}{month}{day}-{hour}/{id}", hour, true},
		{"{stream}/{year}{month}{day}-{hour}/{id}", hour.Add(time.Minute), false},
		{"{stream}/{hour}/{id}", hour, false},
	} {
		for _, w := range []capture.Selection{{Since: test.at}, {Before: test.at}} {
			if _, _, err := test.template.Select(w); (err == nil) != test.ok {
				t.Errorf("%q by %v: %v", test.template, test.at, err)
			}
		}
	}
}

// FuzzTemplate makes names of two stills: each is a path that stays within, is read as what it was made of, and is the other's only if
// the stills are the same.
func FuzzTemplate(f *testing.F) {
	f.Add(uint8(0), "live/alice", "A", "bob", "", "image/jpeg", "live/alice", "A", "", "thumb", "image/png")
	f.Add(uint8(1), "../..", "..", "~", "~", "", "%2E%2E/%2E%2E", "%2E%2E", "", "%7E", ".bin")
	f.Add(uint8(2), "", "a.b", "", "", "image/b", "/", "a", "", "", "image/b.b")
	f.Add(uint8(3), strings.Repeat("a", 600), strings.Repeat("/", 600), "", strings.Repeat("%", 600), "video", strings.Repeat("a/", 600), "", "", "", "image/video")
	templates := []store.Template{"", "{id}/{stream}", "{stream}/{id}", "{year}-{month}/{stream}/{day}/{time}{id}x"}
	f.Fuzz(func(t *testing.T, which uint8, stream1, id1, by1, variant1, type1, stream2, id2, by2, variant2, type2 string) {
		template := templates[int(which)%len(templates)]
		_, read, err := template.Select(capture.Selection{})
		if err != nil {
			t.Fatal(err)
		}
		name := func(stream, id, by, variant, mediaType string) string {
			s := still(stream, id, nil)
			s.Request.By, s.Variant, s.Type = by, variant, mediaType
			key, err := template.Key(s)
			if err != nil {
				if id != "" {
					t.Fatal(err)
				}
				return ""
			}
			if !fs.ValidPath(key) || len(key) > 1024 || strings.Contains("/"+key, "/.") || strings.Contains(key, "__") {
				t.Fatalf("%q is no safe path", key)
			}
			for part := range strings.SplitSeq(key, "/") {
				if len(part) > 255 || strings.HasSuffix(part, ".") || strings.HasSuffix(part, " ") {
					t.Fatalf("%q has a part that file systems do not take", key)
				}
			}
			got, ok := read(key)
			if !ok {
				t.Fatalf("%q is not read", key)
			}
			hashed := strings.Contains(key, "%-")
			if want := (capture.Stored{Stream: stream, ID: id, Variant: variant, By: got.By, Time: got.Time, Type: mediaType}); got != want && !hashed {
				t.Fatalf("%q is read as %+v, was %+v", key, got, want)
			}
			for _, w := range []capture.Selection{{Stream: stream}, {ID: id}, {By: by}, {Stream: stream, ID: id, By: by}} {
				prefix, read, err := template.Select(w)
				if _, ok := read(key); !ok || err != nil || !strings.HasPrefix(key, prefix) {
					t.Fatalf("%q is not selected by %+v, prefix %q: %v", key, w, prefix, err)
				}
			}
			for _, w := range []capture.Selection{{Stream: stream + "x"}, {ID: id + "x"}, {By: by + "x"}} {
				if _, read, _ := template.Select(w); read != nil {
					if _, ok := read(key); ok {
						t.Fatalf("%q is selected by %+v", key, w)
					}
				}
			}
			return key
		}
		key1, key2 := name(stream1, id1, by1, variant1, type1), name(stream2, id2, by2, variant2, type2)
		same := stream1 == stream2 && id1 == id2 && by1 == by2 && variant1 == variant2 && type1 == type2
		if key1 != "" && key2 != "" && (key1 == key2) != same {
			t.Fatalf("%q and %q of stills that are the same: %v", key1, key2, same)
		}
	})
}
