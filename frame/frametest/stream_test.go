package frametest_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/frametest"
)

// A listener is a testing.TB that notes what fails, and goes on.
type listener struct {
	testing.TB
	heard []string
}

func (l *listener) Helper()           {}
func (l *listener) Failed() bool      { return len(l.heard) > 0 }
func (l *listener) Error(args ...any) { l.heard = append(l.heard, fmt.Sprint(args...)) }
func (l *listener) Errorf(form string, args ...any) {
	l.heard = append(l.heard, fmt.Sprintf(form, args...))
}

// source yields units, each as change makes it.
func source(units []frame.AccessUnit, change func(i int, u *frame.AccessUnit)) func(testing.TB) *frame.Stream {
	return func(testing.TB) *frame.Stream {
		return &frame.Stream{Name: "mine", Units: func(yield func(frame.AccessUnit, error) bool) {
			var clock frame.Clock
			for i, u := range units {
				clock.Stamp(&u, time.Now())
				if change != nil {
					change(i, &u)
				}
				if !yield(u, nil) {
					return
				}
			}
		}}
	}
}

// TestStreamTellsWhatIsWrong runs the suite on sources that are wrong in one way each, and on one that is right.
func TestStreamTellsWhatIsWrong(t *testing.T) {
	units := frametest.Clip{Frames: 20, GOP: 10, BFrames: 2}.Units(t)
	frametest.TestStream(t, source(units, nil))
	frametest.TestStream(t, func(testing.TB) *frame.Stream {
		return frametest.Live(t.Context(), "live", frametest.Clip{Frames: 20}.Units(t))
	})

	var buffer []byte
	buffers := make([][]byte, 5)
	for _, test := range []struct {
		about string
		open  func(testing.TB) *frame.Stream
		says  string
	}{
		{"no stream", func(testing.TB) *frame.Stream { return nil }, "no Stream"},
		{"no units", source(nil, nil), "0 units"},
		{"it does not begin with a key unit", source(units[1:], nil), "no key unit"},
		{"zero Time", source(units, func(_ int, u *frame.AccessUnit) { u.Time = time.Time{} }), "Time is zero"},
		{"in the future", source(units, func(_ int, u *frame.AccessUnit) { u.Time = u.Time.Add(time.Hour) }), "after it has arrived"},
		{"one buffer", source(units, func(_ int, u *frame.AccessUnit) {
			buffer = append(buffer[:0], u.Data...)
			u.Data = buffer
		}), "has changed"},
		{"five buffers by turns", source(units, func(i int, u *frame.AccessUnit) {
			at := &buffers[i%len(buffers)]
			if cap(*at) == 0 {
				*at = make([]byte, 0, 1<<20)
			}
			*at = append((*at)[:0], u.Data...)
			u.Data = *at
		}), "has changed"},
		{"times in the order of decoding", source(units, func(i int, u *frame.AccessUnit) { u.Time = time.Unix(int64(i), 0) }), "is shown"},
		{"one PTS", source(units, func(_ int, u *frame.AccessUnit) { u.PTS = 0 }), "same PTS"},
		{"an error at the end", func(testing.TB) *frame.Stream {
			return &frame.Stream{Units: func(yield func(frame.AccessUnit, error) bool) { yield(frame.AccessUnit{}, errors.New("lightning")) }}
		}, "lightning"},
		{"units after an error", func(tb testing.TB) *frame.Stream {
			tb.Helper()
			return &frame.Stream{Units: func(yield func(frame.AccessUnit, error) bool) {
				if yield(frame.AccessUnit{}, errors.New("lightning")) {
					source(units, nil)(tb).Units(yield)
				}
			}}
		}, "Units go on after"},
		{"it does not hear that it was left", func(testing.TB) *frame.Stream {
			return &frame.Stream{Units: func(yield func(frame.AccessUnit, error) bool) {
				var clock frame.Clock
				for _, u := range units {
					clock.Stamp(&u, time.Now())
					yield(u, nil)
				}
			}}
		}, "panics"},
	} {
		l := &listener{TB: t}
		frametest.TestStream(l, test.open)
		if !slices.ContainsFunc(l.heard, func(s string) bool { return strings.Contains(s, test.says) }) {
			t.Errorf("%s: the suite says %q, want %q", test.about, l.heard, test.says)
		}
	}
}
