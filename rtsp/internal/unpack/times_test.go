package unpack_test

import (
	"testing"
	"time"

	"github.com/livestill/livestill/rtsp/internal/unpack"
)

// TestResume dates a stream after another of the same source, whose clock was a minute ahead, and maybe one that brought nothing.
func TestResume(t *testing.T) {
	for _, test := range []struct {
		about  string
		pause  time.Duration
		ahead  time.Duration // the source's clock when it is back
		begins time.Duration // how far the times of the new stream are ahead at its first unit and, when its clock is told, at its last
		ends   time.Duration
	}{
		{"the clock is the same", time.Second, time.Minute, time.Minute, time.Minute},
		{"it was set ahead", time.Second, time.Hour, time.Minute, time.Hour},
		{"it was set back a little", time.Second, 59 * time.Second, time.Minute, 59 * time.Second},
		{"it was set back far: arrival goes on to tell", time.Second, 0, time.Minute, time.Minute},
		{"after a long break, the source tells anew", 2 * time.Minute, 0, 0, 0},
	} {
		for _, between := range []bool{false, true} {
			first := newCamera()
			first.send(t, 10, nil)
			first.report(time.Minute)
			first.send(t, 10, nil)

			second := newCamera()
			second.begin = first.begin.Add(20*time.Second/fps + test.pause)
			times := first.Times()
			if between {
				empty := unpack.New(new(unpack.VP8))
				empty.Resume(times, second.begin.Add(-test.pause/2))
				times = empty.Times()
			}
			second.Resume(times, second.begin)
			second.send(t, 50, nil)
			second.report(test.ahead)
			second.send(t, 100, nil)

			if begins, ends := second.ahead(0), second.ahead(149); begins != test.begins || ends != test.ends {
				t.Errorf("%s: %v to %v ahead, want %v to %v", test.about, begins, ends, test.begins, test.ends)
			}
			if told := second.units[149].SourceTime; told != (test.ahead == test.ends) || second.units[0].SourceTime {
				t.Errorf("%s: dated by the source %v", test.about, told)
			}
			last := first.units[19].Time
			for n, u := range second.units {
				if !u.Time.After(last) {
					t.Errorf("%s: picture %d goes back by %v", test.about, n, last.Sub(u.Time))
				}
				if shown := second.begin.Add(time.Duration(n) * time.Second / fps); !u.Shown().Equal(shown) {
					t.Errorf("%s: picture %d is dated %v ahead by our clock", test.about, n, u.Shown().Sub(shown))
				}
				last = u.Time
			}
		}
	}
}
