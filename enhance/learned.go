package enhance

import (
	"bytes"
	_ "embed"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"sync"
)

// learned is the file that enhance/train/fit.py writes: a header, and then the networks, which are nothing but float32 values in the order
// of their fields. All numbers are little-endian.
//
//	0        8        10        12         16
//	| magic  | format | version | checksum | networks ...
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
	learnedMagic  = "lvstnets"
	learnedFormat = 1 // whoever changes the fields of networks, or what their inputs mean, raises it
)

// readNetworks parses the file of networks.
func readNetworks(file []byte) (*networks, error) {
	var h learnedHeader
	n, err := binary.Decode(file, binary.LittleEndian, &h)
	if err != nil {
		return nil, fmt.Errorf("enhance: learned: %d bytes hold no header", len(file))
	}
	body := file[n:]
	j := new(networks)
	switch want := binary.Size(j); {
	case !bytes.Equal(h.Magic[:], []byte(learnedMagic)):
		return nil, fmt.Errorf("enhance: learned: begins with %q, not with %q", h.Magic, learnedMagic)
	case h.Format != learnedFormat:
		return nil, fmt.Errorf("enhance: learned: format %d, this package reads %d", h.Format, learnedFormat)
	case len(body) != want:
		return nil, fmt.Errorf("enhance: learned: %d bytes of networks, not %d", len(body), want)
	case h.Checksum != crc32.ChecksumIEEE(body):
		return nil, fmt.Errorf("enhance: learned: checksum %08x, the header says %08x", crc32.ChecksumIEEE(body), h.Checksum)
	}
	_, err = binary.Decode(body, binary.LittleEndian, j)
	return j, err
}

// trained returns the networks. The file is part of the program: it panics if that is broken.
var trained = sync.OnceValue(func() *networks {
	j, err := readNetworks(learned)
	if err != nil {
		panic(err)
	}
	return j
})
