package rtmp_test

import (
	"bytes"
	"errors"
	"math"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/livestill/livestill/rtmp"
	"github.com/yutopp/go-amf0"
)

// What go-amf0 encodes, as encoders built on it do, comes back.
func TestAMFValues(t *testing.T) {
	values := []any{"connect", 1.0, true, nil, time.UnixMilli(1_700_000_000_123).UTC(),
		map[string]any{"app": "live", "inner": map[string]any{"": 2.0}, "none": map[string]any{}}, []any{"a", nil, 3.0}}
	var b bytes.Buffer
	for _, v := range slices.Concat(values, []any{amf0.ECMAArray{"width": 320.0}}) {
		if err := amf0.NewEncoder(&b).Encode(v); err != nil {
			t.Fatal(err)
		}
	}
	got, err := rtmp.DecodeAMF(b.Bytes())
	if want := slices.Concat(values, []any{map[string]any{"width": 320.0}}); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v\nwant %v", got, err, want)
	}
}

func TestAMFBytes(t *testing.T) {
	nest := func(depth int) []byte {
		return slices.Concat(bytes.Repeat([]byte{3, 0, 1, 'a'}, depth), []byte{5}, bytes.Repeat([]byte{0, 0, 9}, depth))
	}
	for _, c := range []struct {
		what  string
		bytes []byte
		want  []any
		err   error
	}{
		{"nothing", nil, nil, nil},
		{"undefined, unsupported and a reference", []byte{6, 13, 7, 0, 1}, []any{nil, nil, nil}, nil},
		{"a long string and XML", []byte{12, 0, 0, 0, 1, 'x', 15, 0, 0, 0, 0}, []any{"x", ""}, nil},
		{"a typed object", []byte{16, 0, 1, 'T', 0, 1, 'k', 1, 1, 0, 0, 9}, []any{map[string]any{"k": true}}, nil},
		{"an array that claims 2^31-1 elements", []byte{10, 0x7f, 0xff, 0xff, 0xff, 5, 5}, nil, rtmp.ErrProtocol},
		{"an array that claims 2^32-1 elements", []byte{10, 0xff, 0xff, 0xff, 0xff}, nil, rtmp.ErrProtocol},
		{"an ECMA array that claims 2^32-1", []byte{8, 0xff, 0xff, 0xff, 0xff, 0, 0, 9}, []any{map[string]any{}}, nil},
		{"a string that claims 4 GiB", []byte{12, 0xff, 0xff, 0xff, 0xff}, nil, rtmp.ErrProtocol},
		{"objects as deep as may be", nest(15), nil, nil},
		{"objects too deep", nest(16), nil, rtmp.ErrLimit},
		{"a thousand thousand objects deep", nest(1_000_000), nil, rtmp.ErrLimit},
		{"arrays too deep", bytes.Repeat([]byte{10, 0, 0, 0, 1}, 100), nil, rtmp.ErrLimit},
		{"as many values as may be", bytes.Repeat([]byte{5}, 1024), make([]any, 1024), nil},
		{"too many values", bytes.Repeat([]byte{5}, 1025), nil, rtmp.ErrLimit},
		{"an object without an end", []byte{3, 0, 1, 'a', 5}, nil, rtmp.ErrProtocol},
		{"half a number", []byte{0, 1, 2}, nil, rtmp.ErrProtocol},
		{"half a date", []byte{11, 1, 2, 3, 4, 5, 6, 7, 8, 0}, nil, rtmp.ErrProtocol},
		{"half an array", []byte{10, 0, 0}, nil, rtmp.ErrProtocol},
		{"a switch to AMF3", []byte{17, 1}, nil, rtmp.ErrProtocol},
	} {
		got, err := rtmp.DecodeAMF(c.bytes)
		if !errors.Is(err, c.err) || c.want != nil && !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %v, %v; want %v, %v", c.what, got, err, c.want, c.err)
		}
	}
}

// FuzzAMF decodes anything without a panic, and what it decodes reads the same after go-amf0 has encoded it.
func FuzzAMF(f *testing.F) {
	f.Add([]byte("\x02\x00\x07connect\x00\x3f\xf0\x00\x00\x00\x00\x00\x00\x03\x00\x03app\x02\x00\x04live\x00\x00\x09"))
	f.Add([]byte("\x08\x00\x00\x00\x02\x00\x01a\x06\x00\x01b\x0a\x00\x00\x00\x02\x01\x01\x0c\x00\x00\x00\x01z\x00\x00\x09"))
	f.Add([]byte("\x10\x00\x01T\x00\x01d\x0b\x40\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x09\x07\x00\x01\x0d\x0f\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, input []byte) {
		values, err := rtmp.DecodeAMF(input)
		if err != nil || !encodable(values) {
			return
		}
		var b bytes.Buffer
		for _, v := range values {
			if err := amf0.NewEncoder(&b).Encode(v); err != nil {
				t.Fatalf("%v: %v", v, err)
			}
		}
		again, err := rtmp.DecodeAMF(b.Bytes())
		if err != nil || !reflect.DeepEqual(again, values) {
			t.Errorf("%v reads %v, %v", values, again, err)
		}
	})
}

// encodable tells whether go-amf0 can encode v and reflect can compare it: no strings of 64 KiB, no times that wrap, no NaN.
func encodable(v any) bool {
	switch v := v.(type) {
	case string:
		return len(v) < 1<<16
	case float64:
		return !math.IsNaN(v)
	case time.Time:
		return v.Year() > 1700 && v.Year() < 2200
	case []any:
		return v != nil && !slices.ContainsFunc(v, func(e any) bool { return !encodable(e) })
	case map[string]any:
		for _, e := range v {
			if !encodable(e) {
				return false
			}
		}
	}
	return true
}
