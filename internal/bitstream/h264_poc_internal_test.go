package bitstream

import (
	"slices"
	"testing"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
)

func TestPictureOrders(t *testing.T) {
	const bits = 4 // of the counts in headers: modulo 16
	type picture struct {
		lsb   int
		field fields
		kind  rune // an IDR picture, one that others refer to (P), one that they do not (b)
	}
	frames := func(kinds string, counts ...int) (ps []picture) {
		for i, k := range kinds {
			ps = append(ps, picture{lsb: counts[i] % (1 << bits), kind: k})
		}
		return ps
	}
	for _, tt := range []struct {
		sentence string
		pictures []picture
		again    []int
	}{
		{"counts that go up are of new pictures", frames("IPPPPPPPPP", 0, 2, 4, 6, 8, 10, 12, 14, 16, 18), nil},
		{"and so are reordered ones", frames("IPbbbPbbb", 0, 8, 4, 2, 6, 16, 12, 10, 14), nil},
		{"one may come twice", frames("IPbbbb", 0, 8, 4, 2, 2, 6), []int{4}},
		{"or a run of them", frames("IPbPbPb", 0, 4, 2, 4, 2, 8, 6), []int{3, 4}},
		{"an IDR picture begins anew", frames("IPPIPP", 0, 2, 4, 0, 2, 4), nil},
		{"counts may be left out", frames("IPbPb", 0, 8, 2, 16, 14), nil},
		{"decoding may begin anywhere", frames("PbPb", 12, 10, 16, 14), nil},
		{"the fields of a frame are two", []picture{
			{0, topField, 'I'}, {0, bottomField, 'P'}, {2, topField, 'P'}, {2, bottomField, 'P'}, {2, bottomField, 'P'},
		}, []int{4}},
		{"an encoder that counts nothing is forgiven", frames("IPPP", 0, 0, 0, 0), nil},
	} {
		var o pictureOrders
		var again []int
		for i, p := range tt.pictures {
			h := sliceHeaderH264{kind: h264.NALUTypeNonIDR, lsb: uint64(p.lsb), field: p.field}
			if p.kind == 'I' {
				h.kind = h264.NALUTypeIDR
			}
			if p.kind != 'b' {
				h.nalRefIDC = 1
			}
			if o.repeated(&pictureH264{sliceHeaderH264: h}, 1<<bits) {
				again = append(again, i)
			}
		}
		if !slices.Equal(again, tt.again) {
			t.Errorf("%s: again are %v, want %v", tt.sentence, again, tt.again)
		}
	}
}
