package ffmpeg

import (
	"math"
	"testing"

	"github.com/livestill/livestill/frame"
)

func TestEffectiveQP(t *testing.T) {
	type picture struct {
		kind rune
		qp   float64
	}
	repeat := func(p picture, n int) (all []picture) {
		for range n {
			all = append(all, p)
		}
		return all
	}
	for _, c := range []struct {
		sentence string
		pictures []picture
		want     float32
	}{
		{"a key picture is a little worse than its quantiser", []picture{{'I', 30}}, 31},
		{"pictures that copy a good one are nearly as good", []picture{{'I', 25}, {'P', 36}}, 28},
		{"and as good as they are coded in the end", append([]picture{{'I', 25}}, repeat(picture{'P', 36}, 30)...), 36},
		{"an intra picture within a GOP starts anew", []picture{{'I', 25}, {'P', 36}, {'I', 40}}, 41},
		{"B pictures are copies, too", []picture{{'I', 25}, {'B', 36}}, 28},
		{"but nothing copies them", []picture{{'I', 25}, {'B', 40}, {'B', 40}, {'P', 26}}, 26},
		{"intra refresh has no picture to begin with", []picture{{'P', 30}}, 30},
		{"what is not told stays unknown", []picture{{'I', 0}, {'P', 0}}, 0},
	} {
		var e effectiveQP
		var got float32
		for _, p := range c.pictures {
			got = e.next(p.qp, p.kind == 'I', p.kind == 'B')
		}
		if math.Abs(float64(got-c.want)) > 0.05 {
			t.Errorf("%s: effective quantiser %.2f, want %.2f", c.sentence, got, c.want)
		}
	}
}

func TestScaleQP(t *testing.T) {
	for _, c := range []struct {
		codec    frame.Codec
		qp, want float64
	}{
		{frame.H264, 30, 30},
		{frame.MPEG4, 8, 28}, // steps of 16
		{frame.MPEG4, 0, 0},
		{frame.VP9, 100, 0},
	} {
		if got := scaleQP(c.codec, c.qp); got != c.want {
			t.Errorf("%v: %v is %v, want %v", c.codec, c.qp, got, c.want)
		}
	}
}
