package frame_test

import (
	"testing"

	"github.com/livestill/livestill/frame"
)

// What is told first counts, and what is out of range is as if it were not told.
func TestColoursOr(t *testing.T) {
	all := frame.Colours{Primaries: 9, Transfer: 16, Matrix: 9, MaxContent: 1000, MaxMastering: 4000, MaxAverage: 400}
	sdr := frame.Colours{Primaries: 1, Transfer: 1, Matrix: 1, MaxContent: 1, MaxMastering: 10000, MaxAverage: 1}
	odd := frame.Colours{Primaries: 3, Transfer: 2, Matrix: 15, MaxContent: -1, MaxMastering: 65535, MaxAverage: 1 << 30}
	for _, tt := range []struct{ first, second, want frame.Colours }{
		{all, sdr, all}, {sdr, all, sdr}, {odd, all, all}, {all, odd, all}, {frame.Colours{}, all, all}, {all, frame.Colours{}, all}, {odd, odd, frame.Colours{}},
		{frame.Colours{Transfer: 18}, sdr, frame.Colours{Primaries: 1, Transfer: 18, Matrix: 1, MaxContent: 1, MaxMastering: 10000, MaxAverage: 1}},
		{frame.Colours{FullRange: true}, frame.Colours{}, frame.Colours{FullRange: true}}, {frame.Colours{}, frame.Colours{FullRange: true}, frame.Colours{FullRange: true}},
		{frame.Colours{Primaries: 23, Transfer: 19, Matrix: 0}, frame.Colours{Primaries: 22, Transfer: 4, Matrix: 14}, frame.Colours{Primaries: 22, Transfer: 4, Matrix: 14}},
		{frame.Colours{}, odd, frame.Colours{}}, {frame.Colours{}, frame.Colours{Primaries: 2, Transfer: 255, Matrix: 3}, frame.Colours{}},
	} {
		if got := tt.first.Or(tt.second); got != tt.want {
			t.Errorf("%+v or %+v: %+v", tt.first, tt.second, got)
		}
	}
}
