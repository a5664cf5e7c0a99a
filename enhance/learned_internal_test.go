package enhance

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"slices"
	"strings"
	"testing"
)

// writeNetworks is the inverse of readNetworks.
func writeNetworks(tb testing.TB, version uint16, j *networks) []byte {
	tb.Helper()
	body, err := binary.Append(nil, binary.LittleEndian, j)
	if err != nil {
		tb.Fatal(err)
	}
	h := learnedHeader{[8]byte([]byte(learnedMagic)), learnedFormat, version, crc32.ChecksumIEEE(body)}
	file, err := binary.Append(nil, binary.LittleEndian, h)
	if err != nil {
		tb.Fatal(err)
	}
	return append(file, body...)
}

func TestLearned(t *testing.T) {
	changed := func(at int, by byte) []byte {
		file := slices.Clone(learned)
		file[at] ^= by
		return file
	}
	for _, test := range []struct {
		name string
		file []byte
		want string // in the error
	}{
		{"the file that is part of the program", learned, ""},
		{"nothing", nil, "0 bytes hold no header"},
		{"half a header", learned[:9], "9 bytes hold no header"},
		{"another kind of file", changed(0, 1), `begins with "mvstnets"`},
		{"a format to come", changed(9, 1), "format 257, this package reads 1"},
		{"half of the networks", learned[:9000], "8984 bytes of networks, not 23424"},
		{"more than the networks", append(slices.Clone(learned), 0), "23425 bytes of networks, not 23424"},
		{"a checksum of something else", changed(12, 1), "checksum"},
		{"a bit of the first value turned", changed(16, 1), "checksum"},
		{"a bit of the last value turned", changed(len(learned)-1, 0x80), "checksum"},
	} {
		t.Run(test.name, func(t *testing.T) {
			j, err := readNetworks(test.file)
			switch {
			case test.want == "" && (err != nil || j == nil):
				t.Errorf("got the error %v", err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("got the error %v, want one with %q", err, test.want)
			}
		})
	}
}

// What is read as networks is written as the same bytes.
func FuzzReadNetworks(f *testing.F) {
	f.Add(learned)
	f.Add(learned[:100])
	f.Add(writeNetworks(f, 7, new(networks)))
	f.Fuzz(func(t *testing.T, file []byte) {
		j, err := readNetworks(file)
		if err != nil {
			return
		}
		version := binary.LittleEndian.Uint16(file[10:])
		if again := writeNetworks(t, version, j); !bytes.Equal(again, file) {
			t.Errorf("%d bytes were written as other ones", len(file))
		}
	})
}
