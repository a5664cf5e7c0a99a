package capture_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/frametest"
)

// TestAtTicks captures by the ticks of an MPEG-2 transport stream, near where they begin anew and days later.
func TestAtTicks(t *testing.T) {
	const now, wrap = 3550 * time.Millisecond, 1 << 33
	for _, began := range []time.Duration{0, (wrap * time.Second / 90_000).Truncate(interval), 2*wrap/90_000*time.Second - 2*time.Second, 1000 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			cam := &capture.Camera{Decoder: &decoder{}}
			s := frametest.Live(t.Context(), "live/a", units(100, 10, false))
			plain := s.Units
			s.Units = func(yield func(frame.AccessUnit, error) bool) {
				for u, err := range plain {
					u.PTS, u.DTS = u.PTS+began, u.DTS+began
					if !yield(u, err) {
						return
					}
				}
			}
			go func() { _ = cam.ServeStream(t.Context(), s) }()
			pass(now)
			for _, want := range []int{3, 12, 20, 35} {
				ticks := uint64((began + time.Duration(want)*interval).Milliseconds()) * 90
				for _, more := range []uint64{0, 8900} { // it is on show for 9000
					still, err := cam.Capture(t.Context(), capture.Request{Moment: capture.AtTicks((ticks + more) % wrap)})
					if err != nil || still.PTS != began+time.Duration(want)*interval || still.Instead != nil {
						t.Errorf("%d ticks into picture %d of a stream that began at %v: %v, %v", more, want, began, still, err)
					}
				}
			}
		})
	}
}

func TestAtProgramDateTime(t *testing.T) {
	for date, want := range map[string]string{
		"2026-05-06T07:08:09.123Z": "at:2026-05-06T07:08:10.623Z", "2026-05-06T09:08:09+0200": "at:2026-05-06T07:08:10.5Z", // as ffmpeg writes it
		"2026-05-06T09:08:09.5+02:00": "at:2026-05-06T07:08:11Z", "2026-05-06T09:08:09.5+02": "at:2026-05-06T07:08:11Z",
		"2026-05-06T09:08:09": "", "yesterday": "", "": "",
	} {
		m, err := capture.AtProgramDateTime(date, 1500*time.Millisecond)
		if (err == nil) != (want != "") || err == nil && m.String() != want {
			t.Errorf("%q: %v, %v, want %s", date, m, err, want)
		}
	}
}

// FuzzAtProgramDateTime: whatever a viewer sends is no moment, or one that has a text.
func FuzzAtProgramDateTime(f *testing.F) {
	f.Add("2026-05-06T09:08:09.123+0200", 1.5)
	f.Add("2026-05-06T09:08:09", -1e300)
	f.Fuzz(func(t *testing.T, date string, after float64) {
		m, err := capture.AtProgramDateTime(date, time.Duration(after*float64(time.Second)))
		if err != nil {
			return
		}
		var again capture.Moment
		if err := again.UnmarshalText([]byte(m.String())); err != nil || again.String() != m.String() {
			t.Fatalf("%q is %v, and that is %v, %v", date, m, again, err)
		}
	})
}
