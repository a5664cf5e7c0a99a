package spoolfile_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"unicode/utf8"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/store/internal/spoolfile"
)

// FuzzParse reads any bytes: what is read as a whole is read in part as well. And it writes a file of any names and image, reads it
// back, and reads none of which a bit has changed.
func FuzzParse(f *testing.F) {
	f.Add(write(f, &spoolfile.Record{Still: &capture.Still{ID: "id", Data: []byte("image")}}), "live/alice", "bob", 12)
	f.Add([]byte("lvst"), "\xff", "\xfe", -1)
	f.Add(bytes.Repeat([]byte{0xff}, 40), "", "", 0)
	f.Fuzz(func(t *testing.T, file []byte, stream, by string, bit int) {
		if _, err := spoolfile.Parse(file); err == nil {
			bothWays(t, file)
		}
		want := &capture.Still{Stream: stream, ID: "id", Request: capture.Request{By: by}, Data: file, Type: stream}
		whole := write(t, &spoolfile.Record{Still: want, Error: by})
		r := bothWays(t, whole)
		if got := r.Still; !bytes.Equal(got.Data, file) || got.Stream != stream || got.Type != stream || got.Request.By != by || got.ID != "id" {
			t.Fatalf("%+v became %+v", want, got)
		}
		if utf8.ValidString(by) && r.Error != by {
			t.Fatalf("%q became %q", by, r.Error)
		}
		at := int(uint(bit) % uint(8*len(whole)))
		whole[at/8] ^= 1 << (at % 8)
		if _, err := spoolfile.Parse(whole); err == nil {
			t.Fatalf("bit %d of %d bytes is changed, and the file is read", at, len(whole))
		}
	})
}

// write returns the file of a record.
func write(tb testing.TB, r *spoolfile.Record) []byte {
	tb.Helper()
	trailer, err := r.Trailer()
	if err != nil {
		tb.Fatal(err)
	}
	return append(bytes.Clone(r.Still.Data), trailer...)
}

// bothWays reads a file as a whole and in part.
func bothWays(t *testing.T, file []byte) *spoolfile.Record {
	t.Helper()
	whole, err := spoolfile.Parse(file)
	if err != nil || whole.Image != int64(len(whole.Still.Data)) {
		t.Fatalf("%+v, %v", whole, err)
	}
	part, err := spoolfile.ParseTrailer(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	a, errA := json.Marshal(whole)
	b, errB := json.Marshal(part)
	if errA != nil || errB != nil || !bytes.Equal(a, b) || part.Image != whole.Image {
		t.Fatalf("in part %s, as a whole %s", b, a)
	}
	return whole
}
