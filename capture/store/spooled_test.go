package store_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"unicode/utf8"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/capture/store"
)

// FuzzLetter reads any bytes: what is read as a whole is read in part as well. And it writes a letter of any names and image, reads it
// back, and reads none of which a bit has changed.
func FuzzLetter(f *testing.F) {
	file, err := store.SealLetter(&capture.Still{ID: "id", Data: []byte("image")}, "")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(file, "live/alice", "bob", 12)
	f.Add([]byte("lvst"), "\xff", "\xfe", -1)
	f.Add(bytes.Repeat([]byte{0xff}, 40), "", "", 0)
	f.Fuzz(func(t *testing.T, file []byte, stream, by string, bit int) {
		if _, _, _, err := store.OpenLetter(file, true); err == nil {
			bothWays(t, file)
		}
		want := &capture.Still{Stream: stream, ID: "id", Request: capture.Request{By: by}, Data: file, Type: stream}
		whole, err := store.SealLetter(want, by)
		if err != nil {
			t.Fatal(err)
		}
		got, why := bothWays(t, whole)
		if !bytes.Equal(got.Data, file) || got.Stream != stream || got.Type != stream || got.Request.By != by || got.ID != "id" {
			t.Fatalf("%+v became %+v", want, got)
		}
		if utf8.ValidString(by) && why != by {
			t.Fatalf("%q became %q", by, why)
		}
		at := int(uint(bit) % uint(8*len(whole)))
		whole[at/8] ^= 1 << (at % 8)
		if _, _, _, err := store.OpenLetter(whole, true); err == nil {
			t.Fatalf("bit %d of %d bytes is changed, and the letter is read", at, len(whole))
		}
	})
}

func bothWays(t *testing.T, file []byte) (s *capture.Still, why string) {
	t.Helper()
	s, why, image, err := store.OpenLetter(file, true)
	if err != nil || image != int64(len(s.Data)) {
		t.Fatalf("image of %d bytes, %v", image, err)
	}
	inPart, whyInPart, imageInPart, err := store.OpenLetter(file, false)
	if err != nil {
		t.Fatal(err)
	}
	a, errA := json.Marshal(s)
	b, errB := json.Marshal(inPart)
	if errA != nil || errB != nil || !bytes.Equal(a, b) || whyInPart != why || imageInPart != image {
		t.Fatalf("in part %s, as a whole %s", b, a)
	}
	return s, why
}
