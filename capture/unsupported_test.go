package capture_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
)

// TestUnsupported captures from a stream that the Decoder has no way to decode: that is no damage. What is near stands in, if it is of another kind.
func TestUnsupported(t *testing.T) {
	eachDecoder(func(t *testing.T, d capture.Decoder) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			cam := &capture.Camera{Decoder: d}
			us := units(20, 10, false)
			us[10].Data = []byte{0x12}
			serve(t, cam, us)
			_, err := cam.Capture(t.Context(), capture.Request{Moment: capture.AtPTS(us[15].PTS), Tolerance: -1})
			if !errors.Is(err, capture.ErrUnsupported) || errors.Is(err, capture.ErrCorrupt) {
				t.Error(err)
			}
			still, err := cam.Capture(t.Context(), capture.Request{Moment: capture.AtPTS(us[15].PTS), Tolerance: time.Minute})
			if err != nil || number(still) != 9 || !errors.Is(still.Instead, capture.ErrUnsupported) {
				t.Errorf("%+v, %v", still, err)
			}
		})
	})(t)
}

// TestUnitError serves units that are wrong: the source is told.
func TestUnitError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		us := units(20, 10, false)
		us[7].Data = nil
		cam := &capture.Camera{Decoder: new(decoder)}
		err := cam.ServeStream(t.Context(), &frame.Stream{Name: "mine", Units: func(yield func(frame.AccessUnit, error) bool) {
			for _, u := range us {
				u.Time = time.Now()
				if !yield(u, nil) {
					return
				}
			}
		}})
		var wrong *frame.UnitError
		if !errors.As(err, &wrong) || wrong.Unit != 7 || wrong.Reason != "it has no Data" {
			t.Error(err)
		}
	})
}
