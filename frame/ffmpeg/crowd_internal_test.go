package ffmpeg

import (
	"testing"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/bitstream"
)

// A unit has so many pictures and parameter sets as encoders write, and no more pixels than FFmpeg decodes in a moment.
func TestCrowded(t *testing.T) {
	size := func(w, h int) bitstream.Size {
		return bitstream.Size{Width: w, Height: h, ChromaFormat: 1, BitDepth: 8}
	}
	hd, uhd := size(1920, 1088), size(3840, 2160)
	for _, tt := range []struct {
		about   string
		headers bitstream.Headers
		size    bitstream.Size
		want    bool
	}{
		{"AV1, seven pictures that are hidden and one that is shown", bitstream.Headers{Codec: frame.AV1, Pictures: 8}, uhd, false},
		{"AV1, one more", bitstream.Headers{Codec: frame.AV1, Pictures: 9}, uhd, true},
		{"AV1, of 1080p", bitstream.Headers{Codec: frame.AV1, Pictures: 9}, hd, true},
		{"AV1, small ones in many layers", bitstream.Headers{Codec: frame.AV1, Pictures: 32}, size(640, 360), false},
		{"AV1, larger ones from this unit on", bitstream.Headers{Codec: frame.AV1, Pictures: 9, Size: uhd}, size(640, 360), true},
		{"AV1, of a size that is not known", bitstream.Headers{Codec: frame.AV1, Pictures: 9}, bitstream.Size{}, true},
		{"H.264, two fields", bitstream.Headers{Codec: frame.H264, Pictures: 2}, uhd, false},
		{"H.264, three pictures of 4K", bitstream.Headers{Codec: frame.H264, Pictures: 3}, uhd, true},
		{"H.264, eight pictures of 1080p", bitstream.Headers{Codec: frame.H264, Pictures: 8}, hd, false},
		{"H.264, three of 8K by a set that readers differ in", bitstream.Headers{Codec: frame.H264, Pictures: 3, Macroblocks: 512 * 270}, bitstream.Size{}, true},
		{"H.265, three pictures of 4K", bitstream.Headers{Codec: frame.H265, Pictures: 3}, uhd, true},
		{"H.265, as many sets as may be", bitstream.Headers{Codec: frame.H265, Pictures: 1, Sets: bitstream.MaxSets}, hd, false},
		{"H.265, one more", bitstream.Headers{Codec: frame.H265, Pictures: 1, Sets: bitstream.MaxSets + 1}, hd, true},
	} {
		if got := crowded(&tt.headers, tt.size); got != tt.want {
			t.Errorf("%s: %t", tt.about, got)
		}
	}
}
