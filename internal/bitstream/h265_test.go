package bitstream_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/livestill/livestill/internal/bitstream"
)

// Units of the smallest kind. Profile and level are as encoders write them, with emulation prevention: three times 03.
var (
	hevcProfile = []byte{0x01, 0x60, 0, 0, 3, 0, 0x90, 0, 0, 3, 0, 0, 3, 0, 93}
	hevcVPS     = []byte{0x40, 1, 0x0c, 1}
	hevcVPS1    = []byte{0x40, 1, 0x1c, 1}
	hevcSPS0    = slices.Concat([]byte{0x42, 1, 0x01}, hevcProfile, []byte{0xa0, 7, 7})
	hevcSPS0b   = slices.Concat([]byte{0x42, 1, 0x01}, hevcProfile, []byte{0xa0, 8, 8})
	hevcSPS1    = slices.Concat([]byte{0x42, 1, 0x01}, hevcProfile, []byte{0x50, 7, 7})
	// Two temporal layers below the highest: the first with a profile and level of its own, the second with a level. Its id is 2.
	hevcSPSLayers = slices.Concat([]byte{0x42, 1, 0x05}, hevcProfile, []byte{0xd0, 0}, hevcProfile, []byte{90, 0x6f, 7})
	hevcPPS0      = []byte{0x44, 1, 0xc1, 9}
	hevcPPS1      = []byte{0x44, 1, 0x41, 9}
	hevcIDR       = []byte{0x26, 1, 0xaf, 2}
	hevcCRA       = []byte{0x2a, 1, 0xaf, 2}
	hevcBLA       = []byte{0x20, 1, 0xaf, 2}
	hevcEnd       = []byte{0x48, 1}
	hevcSlice     = []byte{0x02, 1, 0xd0, 4}
	hevcRADL      = []byte{0x0c, 1, 0xd0, 5}
	hevcRASL      = []byte{0x12, 1, 0xd0, 6}
	hevcSEI       = []byte{0x4e, 1, 5}
	hevcAUD       = []byte{0x46, 1, 0x50}
	hevcFiller    = []byte{0x4c, 1, 0xff}
	hevcLayer1    = []byte{0x26, 9, 0xaf, 2} // an IDR picture of the layer above the base
)

// hevcRecord returns a record with an array for each NAL unit.
func hevcRecord(nals ...[]byte) []byte {
	b := make([]byte, 23)
	b[0], b[21], b[22] = 1, 0x0f, byte(len(nals))
	for _, n := range nals {
		b = append(append(b, 0x80|n[0]>>1, 0, 1, 0, byte(len(n))), n...)
	}
	return b
}

func TestH265Unit(t *testing.T) {
	for _, test := range []unitTest{
		{"an IDR picture gets the sets of the record", nil, [][]byte{hevcIDR}, annexB(hevcVPS, hevcSPS0, hevcPPS0, hevcIDR), true},
		{"so does a CRA picture", nil, [][]byte{hevcCRA}, annexB(hevcVPS, hevcSPS0, hevcPPS0, hevcCRA), true},
		{"other units do not", nil, [][]byte{hevcSlice}, annexB(hevcSlice), false},
		{"sets come before all else, and once", nil, [][]byte{hevcSEI, hevcPPS0, hevcSPS0, hevcIDR},
			annexB(hevcVPS, hevcSPS0, hevcPPS0, hevcSEI, hevcIDR), true},
		{"a set in band replaces the record's", [][][]byte{{hevcSPS0b}}, [][]byte{hevcIDR},
			annexB(hevcVPS, hevcSPS0b, hevcPPS0, hevcIDR), true},
		{"ids are found behind emulation prevention", [][][]byte{{hevcPPS1, hevcSPS1, hevcVPS1}}, [][]byte{hevcIDR},
			annexB(hevcVPS, hevcVPS1, hevcSPS0, hevcSPS1, hevcPPS0, hevcPPS1, hevcIDR), true},
		{"and behind the profiles of temporal layers", [][][]byte{{hevcSPSLayers}}, [][]byte{hevcIDR},
			annexB(hevcVPS, hevcSPS0, hevcSPSLayers, hevcPPS0, hevcIDR), true},
		{"delimiters, filler and broken units are left out", nil, [][]byte{hevcAUD, hevcSEI, hevcSlice, hevcFiller, {}, {0x26}},
			annexB(hevcSEI, hevcSlice), false},
		{"a leading picture that the key unit suffices for", nil, [][]byte{hevcRADL}, annexB(hevcRADL), false},
		{"a leading picture that needs what came before the key unit", nil, [][]byte{hevcSEI, hevcRASL}, nil, false},
		{"which is there if something did", [][][]byte{{hevcIDR}, {hevcCRA}}, [][]byte{hevcRASL}, annexB(hevcRASL), false},
		{"but not if the sequence ended in between", [][][]byte{{hevcIDR}, {hevcSlice, hevcEnd}, {hevcCRA}}, [][]byte{hevcRASL}, nil, false},
		{"or is another's", [][][]byte{{hevcIDR}, {hevcBLA}}, [][]byte{hevcRASL}, nil, false},
		{"another layer neither makes a key unit", nil, [][]byte{hevcSlice, hevcLayer1}, annexB(hevcSlice, hevcLayer1), false},
		{"nor a picture", nil, [][]byte{hevcLayer1}, nil, false},
	} {
		test.run(t, new(bitstream.H265), hevcRecord(hevcVPS, hevcSEI, hevcSPS0, hevcPPS0))
	}
}

func TestBadSPSOfH265(t *testing.T) {
	for _, test := range []struct {
		about string
		sps   []byte
	}{
		{"ends inside its profile", hevcSPS0[:12]},
		{"ends before its id", hevcSPS0[:18]},
		{"has eight temporal layers", slices.Concat([]byte{0x42, 1, 0x0f}, make([]byte, 100))},
		{"ends inside the profiles of its layers", hevcSPSLayers[:30]},
	} {
		var h bitstream.H265
		got, _, err := h.Unit([][]byte{hevcSEI, test.sps, hevcIDR})
		if want := annexB(hevcSEI, test.sps, hevcIDR); !bytes.Equal(got, want) || err != nil {
			t.Errorf("a sequence parameter set that %s is left as it is:\ngot  %x, %v\nwant %x", test.about, got, err, want)
		}
	}
}
