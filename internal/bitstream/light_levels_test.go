package bitstream_test

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/livestill/livestill/internal/bitstream"
	"github.com/livestill/livestill/internal/bitstream/bitio"
)

// lightSEI returns a NAL unit with both messages of light levels behind another one, as payloads have them.
func lightSEI(content, average uint16, mastering uint32) []byte {
	display := binary.BigEndian.AppendUint32(make([]byte, 16), mastering)
	display = binary.BigEndian.AppendUint32(display, 1)
	light := binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, content), average)
	var w bitio.Writer
	for _, b := range slices.Concat([]byte{6, 5, 2, 0, 0, 137, 24}, display, []byte{144, 4}, light) {
		w.Put(uint64(b), 8)
	}
	w.Stop()
	return w.NAL()
}

func TestLightLevels(t *testing.T) {
	all := lightSEI(1000, 400, 4000_0000)
	for _, tt := range []struct {
		name string
		nals [][]byte
		want bitstream.LightLevels
	}{
		{"none", [][]byte{{0x65, 0x88}, {6}, {}, nil}, bitstream.LightLevels{}},
		{"all", [][]byte{sps0, pps0, all, {0x65, 0x88}}, bitstream.LightLevels{MaxContent: 1000, MaxAverage: 400, MaxMastering: 4000}},
		{"zeros", [][]byte{lightSEI(0, 0, 0)}, bitstream.LightLevels{}},
		{"the most that fits", [][]byte{lightSEI(65535, 65535, 0xffffffff)},
			bitstream.LightLevels{MaxContent: 65535, MaxAverage: 65535, MaxMastering: 429497}},
		{"rounded", [][]byte{lightSEI(1, 2, 9999_9999)}, bitstream.LightLevels{MaxContent: 1, MaxAverage: 2, MaxMastering: 10000}},
		{"cut off in the second message", [][]byte{all[:len(all)-4]}, bitstream.LightLevels{MaxMastering: 4000}},
		{"messages that are too short", [][]byte{{6, 137, 4, 1, 2, 3, 4, 144, 2, 1, 2, 0x80}}, bitstream.LightLevels{}},
		{"forbidden_zero_bit", [][]byte{append([]byte{0x86}, all[1:]...)}, bitstream.LightLevels{}},
		{"the last of two", [][]byte{all, lightSEI(600, 100, 1000_0000)}, bitstream.LightLevels{MaxContent: 600, MaxAverage: 100, MaxMastering: 1000}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := bitstream.ReadLightLevels(tt.nals); got != tt.want {
				t.Errorf("%+v, want %+v", got, tt.want)
			}
		})
	}
}

// Of any bytes no more is read than messages can say, and messages of what was read say the same.
func FuzzLightLevels(f *testing.F) {
	f.Add(lightSEI(1000, 400, 4000_0000))
	f.Fuzz(func(t *testing.T, nal []byte) {
		l := bitstream.ReadLightLevels([][]byte{nal})
		if min(l.MaxContent, l.MaxAverage, l.MaxMastering) < 0 || max(l.MaxContent, l.MaxAverage) > 65535 || l.MaxMastering > 429497 {
			t.Fatalf("% x: %+v", nal, l)
		}
		again := bitstream.ReadLightLevels([][]byte{lightSEI(uint16(l.MaxContent), uint16(l.MaxAverage), uint32(min(l.MaxMastering*10000, 1<<32-1)))})
		if again != l {
			t.Fatalf("% x: %+v, then %+v", nal, l, again)
		}
	})
}
