package ffmpeg

import (
	"strings"
	"testing"

	"github.com/asticode/go-astiav"
)

// TestRaw finds the AVCodecContext of the go-astiav that is built with, and nothing in one that keeps it elsewhere.
func TestRaw(t *testing.T) {
	type AVCodecContext struct{}
	type another struct{}
	codec := astiav.AllocCodecContext(astiav.FindDecoder(astiav.CodecIDH264))
	defer codec.Free()
	for _, test := range []struct {
		about string
		in    any
		found bool
	}{
		{"this go-astiav", codec, true},
		{"the same by another name", &struct{ c *AVCodecContext }{new(AVCodecContext)}, true},
		{"another field", &struct{ context *AVCodecContext }{new(AVCodecContext)}, false},
		{"no pointer", &struct{ c AVCodecContext }{}, false},
		{"a pointer to something else", &struct{ c *another }{new(another)}, false},
		{"no fields", &struct{}{}, false},
	} {
		if got := raw(test.in); (got != nil) != test.found {
			t.Errorf("%s: found %v, want %v", test.about, got, test.found)
		}
	}
	if text := errAstiav.Error(); !strings.Contains(text, "go-astiav") || !strings.Contains(text, "v0.16.0") {
		t.Errorf("%q names no versions", text)
	}
}
