package imagefile

import (
	"encoding/binary"
	"image"
	"strings"

	"github.com/livestill/livestill/internal/bitstream"
)

// AVIF returns the parts of an AVIF file (AV1 Image File Format 1.1, of HEIF, ISO/IEC 23008-12) of a temporal unit of AV1 that is one picture: a
// header of boxes, and the picture.
func AVIF(unit []byte, size image.Point) ([][]byte, error) {
	record, err := bitstream.AV1Record(unit)
	if err != nil {
		return nil, err
	}
	data, _, err := new(bitstream.AV1).Unit(unit) // without temporal delimiters, which such a file has not
	if err != nil {
		return nil, err
	}
	const item = "\x00\x01" // the number of the only one
	properties := strings.Join([]string{
		box("ispe", "\x00\x00\x00\x00", be32(size.X), be32(size.Y)),
		box("pixi", "\x00\x00\x00\x00", "\x03\x08\x08\x08"), // three channels of 8 bits
		box("av1C", string(record)),
		box("colr", "nclx", "\x00\x01", "\x00\x0d", "\x00\x06", "\x80"), // BT.709, sRGB, BT.601, full range (H.273)
	}, "")
	meta := func(at int) string {
		return box("meta", "\x00\x00\x00\x00",
			box("hdlr", "\x00\x00\x00\x00", "\x00\x00\x00\x00", "pict", "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", "\x00"),
			box("pitm", "\x00\x00\x00\x00", item),
			box("iloc", "\x00\x00\x00\x00", "\x44\x00", "\x00\x01", // offsets and lengths of four bytes; one item
				item, "\x00\x00", "\x00\x01", be32(at), be32(len(data))), // in this file; one piece
			box("iinf", "\x00\x00\x00\x00", "\x00\x01", box("infe", "\x02\x00\x00\x00", item, "\x00\x00", "av01", "\x00")),
			box("iprp", box("ipco", properties),
				box("ipma", "\x00\x00\x00\x00", be32(1), item, "\x04", "\x01\x02\x83\x04")), // 0x80: readers have to know av1C
		)
	}
	const boxHeader = 8
	head := box("ftyp", "avif", "\x00\x00\x00\x00", "avif", "mif1", "miaf")
	at := len(head) + len(meta(0)) + boxHeader
	head += meta(at) + be32(boxHeader+len(data)) + "mdat"
	return [][]byte{[]byte(head), data}, nil
}

// box returns a box (ISO/IEC 14496-12 section 4.2): its size, its type, and what is in it.
func box(kind string, parts ...string) string {
	contents := strings.Join(parts, "")
	return be32(8+len(contents)) + kind + contents
}

func be32(v int) string { return string(binary.BigEndian.AppendUint32(nil, uint32(v))) }
