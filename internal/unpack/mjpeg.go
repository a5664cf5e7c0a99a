package unpack

import (
	"bytes"
	"encoding/binary"
	"errors"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/bitstream"
)

// Types and quantiser numbers of RFC 2435.
const (
	typeRestarts = 64  // from here to 127 there is a header for restart intervals, section 3.1.3
	maxScaled    = 99  // up to here, quantisation tables are those of JPEG, scaled, section 4.2
	ownTables    = 128 // from here on, they come with the picture, section 3.1.8
	newTables    = 255 // and with each picture anew
)

// What an MJPEG stream can have that no file can be made of.
var (
	errSize   = errors.New("JPEG pictures of more than 2040 pixels a side, and neither packets nor the description tell of how many")
	errType   = errors.New("JPEG pictures of a type that RFC 2435 does not define")
	errTables = errors.New("JPEG quantisation tables that RFC 2435 does not define")
	errFrame  = errors.New("a header of JPEG pictures that is malformed")
)

// An MJPEG is the format of JPEG pictures, RFC 2435, with the header extension of the ONVIF Streaming Specification, section 5.1.4, in which
// parts of the file come that the RFC has no room for. Each access unit is a JPEG file, and a key unit.
type MJPEG struct {
	pieces
	width, height int // as the description has them; zero if it does not tell

	picture jpegHead                            // that is being collected
	headed  jpegHead                            // of the picture that header is of
	header  []byte                              // what comes before the scan in its file
	known   [newTables - ownTables]jpegQuantize // that came with a picture and are for later ones too, by quantiser number
	err     error                               // why no file can be made of the stream

	offset int          // bytes of the scan of this picture that came as payloads
	told   []byte       // what came of its header in extensions
	last   jpegSegments // tables and frame of the picture before
}

const (
	maxSide   = 0xffff   // pixels of a JPEG picture, ITU-T T.81 section B.2.2
	maxHeader = 64 << 10 // bytes of a picture's header that are taken; tables have 600, and a thumbnail may come with them
)

// Learn remembers the size of pictures in pixels, as the description has it. Packets have no room for more than 2040 a side, and tell it in
// multiples of eight alone.
func (j *MJPEG) Learn(width, height int) {
	if width > 0 && height > 0 && width <= maxSide && height <= maxSide {
		j.width, j.height = width, height
	}
}

// Profiles of the extension: of the first packet of a picture, and of others.
const (
	firstExtension = 0xffd8
	otherExtension = 0xffff
)

// extend implements extended. In a recording that is played, the extension follows that of the recording. What comes before the scan belongs
// to the header, what comes later to the scan.
func (j *MJPEG) extend(profile uint16, extension []byte) {
	if profile == replayProfile && len(extension) >= replaySize+4 {
		profile, extension = binary.BigEndian.Uint16(extension[replaySize:]), extension[replaySize+4:]
	}
	switch padding := len(bytes.TrimLeft(extension, "\xff")) == 0; {
	case profile != firstExtension && profile != otherExtension || padding:
	case len(j.data) > 0:
		j.append(extension)
	case len(j.told)+len(extension) <= maxHeader:
		j.told = append(j.told, extension...)
	}
}

// cut drops a picture of which a part is missing.
func (j *MJPEG) cut() {
	j.pieces.cut()
	j.offset, j.told = 0, nil
}

// add takes in the payload of a packet, RFC 2435 section 3.1:
//
//	specific (8)  offset (24)  type (8)  q (8)  width / 8 (8)  height / 8 (8)
//	type 64 to 127:             restart interval (16)  f l count (16)
//	offset 0 and q 128 to 255:  0 (8)  precision (8)  length (16)  tables
//
// The offset tells whether a part is missing.
func (j *MJPEG) add(b []byte) bool {
	if len(b) < 8 {
		return false
	}
	offset := int(b[1])<<16 | int(b[2])<<8 | int(b[3])
	fits := offset == j.offset
	kind, q := b[4], b[5]
	head := jpegHead{kind: kind &^ typeRestarts, width: 8 * int(b[6]), height: 8 * int(b[7])}
	if b = b[8:]; kind >= typeRestarts {
		if len(b) < 4 {
			return false
		}
		head.interval, b = int(b[0])<<8|int(b[1]), b[4:]
	}
	if offset == 0 {
		var ok bool
		if b, ok = j.begin(head, q, b); !ok {
			return false
		}
	}
	j.offset += len(b)
	return fits && (len(b) > 0 || len(j.told) > 0) && j.append(b)
}

// begin takes in the headers of a picture, and returns what follows its quantisation tables.
func (j *MJPEG) begin(head jpegHead, q byte, b []byte) (rest []byte, ok bool) {
	head.width, head.height = described(head.width, j.width), described(head.height, j.height)
	switch {
	case q <= maxScaled:
		head.scale = q
	case q >= ownTables:
		if b, ok = j.readTables(&head, q, b); !ok {
			return nil, false
		}
	}
	j.picture = head
	return b, true
}

// described returns how many pixels a side of a picture has: what the description says, if a packet can mean that, which tells of multiples of
// eight, rounded up or down, modulo 2048. Zero means that nothing tells.
func described(packet, description int) int {
	const wraps = 8 << 8 // eight bits for multiples of eight
	up, down := (description+7)&^7, description&^7
	if description > 0 && (packet == 0 || packet == up%wraps || packet == down%wraps) {
		return description
	}
	return packet
}

// readTables reads the quantisation tables that came with a picture, or takes those that came with an earlier one.
func (j *MJPEG) readTables(head *jpegHead, q byte, b []byte) (rest []byte, ok bool) {
	if len(b) < 4 {
		return nil, false
	}
	precision, size := b[1], int(b[2])<<8|int(b[3])
	if b = b[4:]; size > len(b) {
		return nil, false
	}
	switch {
	case size == 0 && q < newTables:
		head.quantize = j.known[q-ownTables]
		return b, head.quantize.count > 0
	case precision != 0 || size != tableSize && size != 2*tableSize:
		j.err = errTables
		return nil, false
	}
	head.quantize.count = size / tableSize
	copy(head.quantize.tables[:], b[:size])
	if q < newTables {
		j.known[q-ownTables] = head.quantize
	}
	return b[size:], true
}

// finish makes a file. A scan need not be sent with the marker that a file ends with.
func (j *MJPEG) finish(bool) (m made, err error) {
	scan, told := j.data, j.told
	j.reset()
	j.offset, j.told = 0, nil
	if j.err != nil || len(scan) == 0 {
		return made{}, j.err
	}
	if len(told) > 0 || len(j.header) == 0 || j.picture != j.headed { // once a picture, which may be begun again by each of its packets
		j.headed = j.picture
		if j.header, j.err = j.picture.header(parseJPEGSegments(told), &j.last); j.err != nil {
			return made{}, j.err
		}
	}
	file := make([]byte, 0, len(j.header)+len(scan)+2)
	file = append(append(file, j.header...), scan...)
	if !bytes.HasSuffix(scan, []byte{0xff, bitstream.MarkerEOI}) {
		file = append(file, 0xff, bitstream.MarkerEOI)
	}
	if len(told) > 0 {
		j.header = nil // it is of this picture alone
	}
	return made{codec: frame.MJPEG, data: file, key: true, opens: true, certain: true}, nil
}

func (j *MJPEG) buffered() int { return j.pieces.buffered() + cap(j.told) }
