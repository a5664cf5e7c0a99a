package unpack

import (
	"bytes"
	"errors"

	"github.com/livestill/livestill/frame"
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
	errSize   = errors.New("JPEG pictures of more than 2040 pixels a side, which RFC 2435 has no room for")
	errType   = errors.New("JPEG pictures of a type that RFC 2435 does not define")
	errTables = errors.New("JPEG quantisation tables that RFC 2435 does not define")
)

// An MJPEG is the format of JPEG pictures, RFC 2435. Each access unit is a JPEG file, and a key unit.
type MJPEG struct {
	pieces
	picture jpegHead                            // that is being collected
	headed  jpegHead                            // of the picture that header is of
	header  []byte                              // what comes before the scan in its file
	known   [newTables - ownTables]jpegQuantize // that came with a picture and hold for later ones, by quantiser number
	err     error                               // why no file can be made of the stream
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
	return offset == len(j.data) && len(b) > 0 && j.append(b)
}

// begin takes in the headers of a picture, and returns what follows its quantisation tables.
func (j *MJPEG) begin(head jpegHead, q byte, b []byte) (rest []byte, ok bool) {
	switch {
	case head.kind > 1:
		j.err = errType
	case head.width == 0 || head.height == 0:
		j.err = errSize
	case q == 0 || q > maxScaled && q < ownTables:
		j.err = errTables
	case q < ownTables:
		head.scale = q
	default:
		if b, ok = j.readTables(&head, q, b); !ok {
			return nil, false
		}
	}
	j.picture = head
	return b, j.err == nil
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
	scan := j.data
	j.reset()
	if j.err != nil || len(scan) == 0 {
		return made{}, j.err
	}
	if len(j.header) == 0 || j.picture != j.headed { // once a picture, which may be begun again by each of its packets
		j.headed = j.picture
		if j.header, j.err = j.picture.header(); j.err != nil {
			return made{}, j.err
		}
	}
	file := make([]byte, 0, len(j.header)+len(scan)+2)
	file = append(append(file, j.header...), scan...)
	if !bytes.HasSuffix(scan, []byte{0xff, markerEnd}) {
		file = append(file, 0xff, markerEnd)
	}
	return made{codec: frame.MJPEG, data: file, key: true, opens: true, certain: true}, nil
}
