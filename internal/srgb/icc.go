// Package srgb says that the colours of an image file are those of sRGB (IEC 61966-2-1), in the ways that files have for it.
package srgb

import (
	"encoding/binary"
	"sync"
)

// What PNG has in its chunks gAMA and cHRM: 100,000 times the exponent of the encoder, and x and y of white, red, green and blue.
var (
	Gamma          = uint32(45455)
	Chromaticities = [8]uint32{31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000}
)

// The primaries of sRGB and the matrix to the white of profiles, which is D50, by Bradford's method (ICC.1:2022 annex E), as s15Fixed16
// numbers. A test derives them.
var (
	d50        = []uint32{0x0000f6d6, 0x00010000, 0x0000d32d}
	red        = []uint32{0x00006fa2, 0x000038f5, 0x00000390}
	green      = []uint32{0x00006299, 0x0000b785, 0x000018da}
	blue       = []uint32{0x000024a0, 0x00000f84, 0x0000b6cf}
	adaptation = []uint32{0x00010c42, 0x000005de, 0xfffff325, 0x00000793, 0x0000fd90, 0xfffffba1, 0xfffffda2, 0x000003dc, 0x0000c06e}
	// g, a, b, c and d of IEC 61966-2-1: (a x + b)^g from d on, c x below.
	curve = []uint32{0x00026666, 0x0000f2a7, 0x00000d59, 0x000013d0, 0x00000a5b}
)

// ICC returns a profile of 480 bytes, of version 4. Nobody may write to it.
var ICC = sync.OnceValue(func() []byte {
	tags := []struct {
		names []string // of one value
		value []byte
	}{
		{[]string{"desc"}, text("sRGB")},
		{[]string{"cprt"}, text("CC0")},
		{[]string{"wtpt"}, numbers("XYZ ", nil, d50)},
		{[]string{"chad"}, numbers("sf32", nil, adaptation)},
		{[]string{"rXYZ"}, numbers("XYZ ", nil, red)},
		{[]string{"gXYZ"}, numbers("XYZ ", nil, green)},
		{[]string{"bXYZ"}, numbers("XYZ ", nil, blue)},
		{[]string{"rTRC", "gTRC", "bTRC"}, numbers("para", []byte{0, 3, 0, 0}, curve)},
	}
	const header, tag, count = 128, 12, 10
	at := uint32(header + 4 + count*tag)
	table, values := be(nil, count), []byte(nil)
	for _, t := range tags {
		for _, name := range t.names {
			table = be(append(table, name...), at, uint32(len(t.value)))
		}
		values = append(values, t.value...)
		for len(values)%4 != 0 {
			values = append(values, 0)
		}
		at = header + 4 + count*tag + uint32(len(values))
	}
	p := be(make([]byte, 0, at), at, 0, 0x04200000) // size, no CMM, version 4.2
	p = append(p, "mntrRGB XYZ "...)
	p = append(p, 7, 234, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0) // 1 January 2026
	p = append(p, "acsp"...)
	p = append(p, make([]byte, 28)...) // no platform, flags, device; perceptual
	p = be(p, d50...)
	p = append(p, make([]byte, header-len(p))...)
	return append(append(p, table...), values...)
})

// numbers returns a value of a type: what is before the numbers, and these.
func numbers(kind string, before []byte, numbers []uint32) []byte {
	return be(append(append([]byte(kind), 0, 0, 0, 0), before...), numbers...)
}

// text returns a value of type multiLocalizedUnicodeType in English.
func text(s string) []byte {
	b := be([]byte("mluc\x00\x00\x00\x00"), 1, 12)
	b = be(append(b, "enUS"...), uint32(2*len(s)), uint32(len(b)+12))
	for _, c := range []byte(s) {
		b = append(b, 0, c)
	}
	return b
}

func be(b []byte, numbers ...uint32) []byte {
	for _, n := range numbers {
		b = binary.BigEndian.AppendUint32(b, n)
	}
	return b
}
