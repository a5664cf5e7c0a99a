package bitstream_test

import (
	"strings"
	"testing"

	"github.com/livestill/livestill/internal/bitstream"
)

func TestVPKeys(t *testing.T) {
	for _, test := range []struct {
		about string
		read  func([]byte) (bool, error)
		frame []byte
		key   bool
		err   string
	}{
		{"a VP8 key frame", bitstream.VP8Key, []byte{0x10, 2, 0, 0x9d, 1, 0x2a, 64, 0, 64, 0}, true, ""},
		{"another VP8 frame", bitstream.VP8Key, []byte{0x11, 2, 0}, false, ""},
		{"a VP8 frame that ends in its header", bitstream.VP8Key, []byte{0x11, 2}, false, "2 bytes"},
		{"a VP8 key frame that ends in its header", bitstream.VP8Key, []byte{0x10, 2, 0, 0x9d, 1, 0x2a}, false, "6 bytes"},
		{"a VP8 key frame with another start code", bitstream.VP8Key, []byte{0x10, 2, 0, 0x9d, 1, 0x2b, 64, 0, 64, 0}, false, "9d012b"},
		{"a VP9 key frame", bitstream.VP9Key, []byte{0x82, 0x49, 0x83, 0x42}, true, ""},
		{"another VP9 frame", bitstream.VP9Key, []byte{0x86, 0}, false, ""},
		{"a VP9 frame shown again", bitstream.VP9Key, []byte{0x88}, false, ""},
		{"a VP9 key frame of profile 2", bitstream.VP9Key, []byte{0x92, 0x49, 0x83, 0x42}, true, ""},
		{"a VP9 key frame of profile 3", bitstream.VP9Key, []byte{0xb1, 0x24, 0xc1, 0xa1}, true, ""},
		{"another VP9 frame of profile 3", bitstream.VP9Key, []byte{0xb3, 0}, false, ""},
		{"a VP9 frame shown again in profile 3", bitstream.VP9Key, []byte{0xb4}, false, ""},
		{"a VP9 frame without its marker", bitstream.VP9Key, []byte{0x42}, false, "0x42"},
		{"no VP9 frame", bitstream.VP9Key, nil, false, "no bytes"},
	} {
		key, err := test.read(test.frame)
		if key != test.key || (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
			t.Errorf("%s: %v, %v", test.about, key, err)
		}
	}
}
