package enhance

import (
	"bytes"
	_ "embed"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"sync"
)

// learned is the file that enhance/train/fit.py writes: a header, and then the judges, which are nothing but float32 values in the order
// of their fields. All numbers are little-endian.
//
//	0        8        10        12         16
//	| magic  | format | version | checksum | judges ...
//
//go:embed learned
var learned []byte

// A learnedHeader begins the file.
type learnedHeader struct {
	Magic    [8]byte // learnedMagic
	Format   uint16  // learnedFormat
	Version  uint16  // of the values: each training raises it
	Checksum uint32  // CRC-32, as IEEE 802.3 has it, of what follows
}

const (
	learnedMagic  = "lvstjudg"
	learnedFormat = 1 // whoever changes the fields of judges, or what their inputs mean, raises it
)

// readJudges parses the file of judges.
func readJudges(file []byte) (*judges, error) {
	var h learnedHeader
	n, err := binary.Decode(file, binary.LittleEndian, &h)
	if err != nil {
		return nil, fmt.Errorf("enhance: learned: %d bytes hold no header", len(file))
	}
	body := file[n:]
	j := new(judges)
	switch want := binary.Size(j); {
	case !bytes.Equal(h.Magic[:], []byte(learnedMagic)):
		return nil, fmt.Errorf("enhance: learned: begins with %q, not with %q", h.Magic, learnedMagic)
	case h.Format != learnedFormat:
		return nil, fmt.Errorf("enhance: learned: format %d, this package reads %d", h.Format, learnedFormat)
	case len(body) != want:
		return nil, fmt.Errorf("enhance: learned: %d bytes of judges, not %d", len(body), want)
	case h.Checksum != crc32.ChecksumIEEE(body):
		return nil, fmt.Errorf("enhance: learned: checksum %08x, the header says %08x", crc32.ChecksumIEEE(body), h.Checksum)
	}
	_, err = binary.Decode(body, binary.LittleEndian, j)
	return j, err
}

// judge returns the judges. The file is part of the program: it panics if that is broken.
var judge = sync.OnceValue(func() *judges {
	j, err := readJudges(learned)
	if err != nil {
		panic(err)
	}
	return j
})
