package flv_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/flv"
)

var (
	header = []byte{0x17, 0, 0, 0, 0, 1, 66, 0, 30, 0xff, 0xe1, 0, 5, 0x67, 66, 0, 30, 0x80, 1, 0, 2, 0x68, 0x80}
	key    = []byte{0x17, 1, 0, 0, 80, 0, 0, 0, 3, 0x65, 1, 2}
	inter  = []byte{0x27, 1, 0xff, 0xff, 0xf0, 0, 0, 0, 3, 0x41, 1, 2}
)

func TestVideo(t *testing.T) {
	var v flv.Video
	for _, test := range []struct {
		about string
		body  []byte
		want  *frame.AccessUnit // nil: the body has none
	}{
		{"a picture before the sequence header", key, nil},
		{"the sequence header", header, nil},
		{"a key unit", key, &frame.AccessUnit{
			Codec: frame.H264, Key: true, DTS: time.Second, PTS: 1080 * time.Millisecond,
			Data: []byte("\x00\x00\x00\x01\x67\x42\x00\x1e\x80\x00\x00\x00\x01\x68\x80\x00\x00\x00\x01\x65\x01\x02"),
		}},
		{"a negative composition time", inter, &frame.AccessUnit{
			Codec: frame.H264, DTS: time.Second, PTS: 984 * time.Millisecond, Data: []byte("\x00\x00\x00\x01\x41\x01\x02"),
		}},
		{"a command", []byte{0x57, 0}, nil},
		{"the end of the sequence", []byte{0x17, 2, 0, 0, 0}, nil},
		{"nothing", nil, nil},
	} {
		body := bytes.Clone(test.body)
		u, ok, err := unit(&v, time.Second, body)
		clear(body)
		if err != nil || ok != (test.want != nil) {
			t.Errorf("%s: %v, %v", test.about, ok, err)
			continue
		}
		if ok && (u.Codec != test.want.Codec || u.Key != test.want.Key || u.PTS != test.want.PTS || u.DTS != test.want.DTS ||
			!bytes.Equal(u.Data, test.want.Data)) {
			t.Errorf("%s:\ngot  %+v\nwant %+v", test.about, u, *test.want)
		}
	}
}

func TestVideoSaysWhatIsWrong(t *testing.T) {
	for _, test := range []struct {
		about string
		body  []byte
		want  string
		is    error
	}{
		{"Sorenson H.263", []byte{0x12, 0}, "codec id 2", flv.ErrCodec},
		{"a tag of three bytes", []byte{0x17, 1, 0}, "3 bytes", nil},
		{"H.265 in a tag of four bytes", []byte{0x1c, 1, 0, 0}, "H.265: video tag of 4 bytes", nil},
		{"half a sequence header", header[:15], "ends inside a parameter set", nil},
		{"a unit that ends early", append(bytes.Clone(key[:5]), 0, 0, 0, 9, 1), "NAL unit of 9 bytes", nil},
	} {
		var v flv.Video
		if _, _, err := unit(&v, 0, header); err != nil {
			t.Fatal(err)
		}
		_, ok, err := unit(&v, 0, test.body)
		if ok || err == nil || !strings.Contains(err.Error(), test.want) || test.is != nil && !errors.Is(err, test.is) {
			t.Errorf("%s: %v, %v", test.about, ok, err)
		}
	}
}
