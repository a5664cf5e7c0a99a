package rtmp

import (
	"encoding/binary"
	"math"
	"time"

	"github.com/livestill/livestill/internal/ingest"
)

const (
	maxDepth  = 16   // of AMF values in one another; commands have two
	maxValues = 1024 // in one message; a connect has about fifteen
)

// Markers of AMF0 values, AMF0 specification §2.1. Those not here are reserved, or switch to AMF3.
const (
	amfNumber      = 0x00
	amfBoolean     = 0x01
	amfString      = 0x02
	amfObject      = 0x03
	amfNull        = 0x05
	amfUndefined   = 0x06
	amfReference   = 0x07
	amfECMAArray   = 0x08
	amfObjectEnd   = 0x09
	amfStrictArray = 0x0a
	amfDate        = 0x0b
	amfLongString  = 0x0c
	amfUnsupported = 0x0d
	amfXML         = 0x0f
	amfTypedObject = 0x10
)

// decodeAMF returns the AMF0 values in b, which share no memory with it: float64, bool, string, time.Time, map[string]any for every
// kind of object, []any for strict arrays, and nil for null, undefined, unsupported and references. Counts in the data are not
// trusted, and what nests deeper or has more values than commands do is refused.
func decodeAMF(b []byte) ([]any, error) {
	d := amfDecoder{b: b, values: maxValues}
	var values []any
	for len(d.b) > 0 {
		v, err := d.value(maxDepth)
		if err != nil {
			return nil, err
		}
		values = append(values, v)
	}
	return values, nil
}

type amfDecoder struct {
	b      []byte // what is still to be decoded
	values int    // how many more are allowed
}

// value decodes one value in which others may nest up to the given depth.
func (d *amfDecoder) value(depth int) (any, error) {
	if d.values--; d.values < 0 {
		return nil, ingest.LimitError("AMF with more than %d values", maxValues)
	}
	if depth == 0 {
		return nil, ingest.LimitError("AMF nested deeper than %d", maxDepth)
	}
	head, err := d.take(1)
	if err != nil {
		return nil, err
	}
	switch marker := head[0]; marker {
	case amfTypedObject:
		if _, err := d.text(2); err != nil { // the name of its class
			return nil, err
		}
		return d.object(depth - 1)
	case amfObject:
		return d.object(depth - 1)
	case amfECMAArray:
		if _, err := d.take(4); err != nil { // how many; encoders are often wrong about it
			return nil, err
		}
		return d.object(depth - 1)
	case amfStrictArray:
		return d.array(depth - 1)
	default:
		return d.scalar(marker)
	}
}

// scalar decodes what follows the marker of a value in which no other nests.
func (d *amfDecoder) scalar(marker byte) (any, error) {
	switch marker {
	case amfNumber:
		return d.number()
	case amfBoolean:
		b, err := d.take(1)
		return err == nil && b[0] != 0, err
	case amfString:
		return d.text(2)
	case amfLongString, amfXML:
		return d.text(4)
	case amfNull, amfUndefined, amfUnsupported:
		return nil, nil
	case amfReference:
		_, err := d.take(2)
		return nil, err
	case amfDate:
		return d.date()
	default:
		return nil, protocolError("AMF0 marker %#02x", marker)
	}
}

// object decodes pairs of a name and a value up to an empty name with an end marker.
func (d *amfDecoder) object(depth int) (any, error) {
	object := make(map[string]any)
	for {
		name, err := d.text(2)
		if err != nil {
			return nil, err
		}
		if name == "" && len(d.b) > 0 && d.b[0] == amfObjectEnd {
			d.b = d.b[1:]
			return object, nil
		}
		if object[name], err = d.value(depth); err != nil {
			return nil, err
		}
	}
}

func (d *amfDecoder) array(depth int) (any, error) {
	b, err := d.take(4)
	if err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(b)
	if uint64(n) > uint64(len(d.b)) { // a value has at least one byte
		return nil, protocolError("AMF array of %d elements in %d bytes", n, len(d.b))
	}
	var array []any
	for range n {
		v, err := d.value(depth)
		if err != nil {
			return nil, err
		}
		array = append(array, v)
	}
	return array, nil
}

func (d *amfDecoder) number() (float64, error) {
	b, err := d.take(8)
	if err != nil {
		return 0, err
	}
	return math.Float64frombits(binary.BigEndian.Uint64(b)), nil
}

// date decodes milliseconds since 1970 in UTC and a time zone, which §2.13 reserves and tells to ignore.
func (d *amfDecoder) date() (any, error) {
	ms, err := d.number()
	if err != nil {
		return nil, err
	}
	_, err = d.take(2)
	return time.UnixMilli(int64(ms)).UTC(), err
}

// text decodes a string with its length in the given number of bytes before it.
func (d *amfDecoder) text(size int) (string, error) {
	b, err := d.take(size)
	if err != nil {
		return "", err
	}
	n := 0
	for _, c := range b {
		n = n<<8 | int(c)
	}
	b, err = d.take(n)
	return string(b), err
}

func (d *amfDecoder) take(n int) ([]byte, error) {
	if n > len(d.b) {
		return nil, protocolError("AMF ends %d bytes short", n-len(d.b))
	}
	b := d.b[:n]
	d.b = d.b[n:]
	return b, nil
}
