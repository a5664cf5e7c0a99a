package rtmp_test

import (
	"bytes"
	"context"
	"math"
	"slices"
	"testing"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/rtmp"
)

// TestColours: what a publisher says of colours holds from the next picture on, until it says something else.
func TestColours(t *testing.T) {
	ended := make(chan error, 1)
	var got []frame.Colours
	addr, _ := start(t, &rtmp.Server{Handler: frame.HandlerFunc(func(_ context.Context, s *frame.Stream) error {
		for u, err := range s.Units {
			if err != nil {
				ended <- err
				return err
			}
			got = append(got, frame.Colours{})
			if u.Colours != nil {
				got[len(got)-1] = *u.Colours
			}
		}
		ended <- nil
		return nil
	})})
	c := dial(t, addr)
	c.publish("key")
	time := uint32(0)
	send := func(kind byte, body []byte) {
		c.write(4, rtmp.Message{Kind: kind, Stream: 1, Time: time, Body: body})
		time += 20
	}
	type object = map[string]any
	says := func(v ...any) []byte {
		return append([]byte("\xd4vp09"), values(t, append([]any{"colorInfo"}, v...)...)...)
	}
	coded := func(primaries, transfer, matrix any) object {
		return object{"bitDepth": 10.0, "colorPrimaries": primaries, "transferCharacteristics": transfer, "matrixCoefficients": matrix}
	}
	vp9 := func(kind byte, data string) []byte { return append([]byte{0x90 | kind, 'v', 'p', '0', '9'}, data...) }
	hlg, pq, none := frame.Colours{Primaries: 9, Transfer: 18, Matrix: 9}, frame.Colours{Primaries: 9, Transfer: 16, Matrix: 9}, frame.Colours{}
	hdr10 := pq
	hdr10.MaxContent, hdr10.MaxAverage, hdr10.MaxMastering = 1000, 400, 4000
	var want []frame.Colours
	for _, tt := range []struct {
		body []byte // nil for nothing
		want frame.Colours
	}{
		{nil, none},
		{vp9(0, "\x02\x0a\xa2\x09\x12\x09\x00\x00"), hlg},
		{says(object{"colorConfig": coded(9.0, 16.0, 9.0)}), pq},
		{says(object{"colorConfig": coded(9.0, 16.0, 9.0), "hdrCll": object{"maxCLL": 1000.0, "maxFall": 399.6},
			"hdrMdcv": object{"redX": 0.68, "maxLuminance": 4000.0, "minLuminance": 0.005}}), hdr10},
		{says(nil), hlg},
		{says(object{"hdrCll": object{"maxCLL": 1000.0}}), frame.Colours{Primaries: 9, Transfer: 18, Matrix: 9, MaxContent: 1000}},
		{says(object{}), hlg},
		{says(object{"colorConfig": coded(300.0, -1.0, 1e300)}), hlg},
		{says(object{"colorConfig": coded(math.NaN(), math.Inf(1), math.Inf(-1))}), hlg},
		{says(object{"colorConfig": coded(1.5, "1", true)}), hlg},
		{says(object{"colorConfig": coded(3.0, 16.0, 2.0)}), pq},
		{says(object{"colorConfig": []any{9.0, 16.0}, "hdrCll": 1000.0, "hdrMdcv": object{"maxLuminance": 1e9}}), hlg},
		{says(object{"hdrCll": object{"maxCLL": -1.0, "maxFall": math.NaN()}, "hdrMdcv": object{"maxLuminance": "1000"}}), hlg},
		{says(object{"colorConfig": coded(9.0, 16.0, 9.0)}), pq},
		{says(), pq}, {says("colorConfig"), pq}, {says(16.0), pq}, {[]byte("\xd4vp09\x02\x00\x09colorInfo\x03"), pq}, {[]byte("\xd4vp09"), pq},
		{append([]byte("\xd4vp09"), values(t, "colourInfo", nil)...), pq},
		{vp9(0, "\x02\x0a\xa2\x01\x01\x01\x00\x00"), pq},
		{says(nil), frame.Colours{Primaries: 1, Transfer: 1, Matrix: 1}},
	} {
		if tt.body != nil {
			send(video, tt.body)
		}
		for _, key := range []bool{len(want)%4 == 0, false} {
			frame := "\x86\x00"
			if key {
				frame = "\x82\x49\x83\x42\x00\x00\x00"
			}
			send(video, vp9(1, frame))
			want = append(want, tt.want)
		}
	}
	c.unpublish()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, want) {
		t.Errorf("%+v\nwant %+v", got, want)
	}
}

// FuzzColorInfo reads any values: what they tell is what can be told, and written and read again it is the same.
func FuzzColorInfo(f *testing.F) {
	type object = map[string]any
	write := func(tb testing.TB, c frame.Colours) []byte {
		tb.Helper()
		return values(tb, object{
			"colorConfig": object{"colorPrimaries": float64(c.Primaries), "transferCharacteristics": float64(c.Transfer), "matrixCoefficients": float64(c.Matrix)},
			"hdrCll":      object{"maxCLL": float64(c.MaxContent), "maxFall": float64(c.MaxAverage)},
			"hdrMdcv":     object{"maxLuminance": float64(c.MaxMastering)},
		})
	}
	f.Add(write(f, frame.Colours{Primaries: 9, Transfer: 16, Matrix: 9, MaxContent: 1000, MaxMastering: 4000, MaxAverage: 400}))
	f.Add([]byte{6})
	f.Fuzz(func(t *testing.T, amf []byte) {
		all, err := rtmp.DecodeAMF(amf)
		c, ok := rtmp.ColorInfo(all)
		if err != nil || !ok {
			if c != (frame.Colours{}) {
				t.Fatalf("%+v of nothing", c)
			}
			return
		}
		if c.MaxContent < 0 || c.MaxMastering < 0 || c.MaxAverage < 0 {
			t.Fatalf("%+v", c)
		}
		again, err := rtmp.DecodeAMF(bytes.Clone(write(t, c)))
		if err != nil {
			t.Fatal(err)
		}
		if told, ok := rtmp.ColorInfo(again); !ok || told != c {
			t.Fatalf("%+v, and again %+v", c, told)
		}
	})
}
