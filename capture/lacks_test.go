package capture_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/frametest"
)

// TestLacks captures from streams that have no picture. Whoever waits in vain hears why, and Live tells it; nothing is said once there was a key
// unit.
func TestLacks(t *testing.T) {
	told := func() string { return "7 messages, but no parameter sets" }
	for _, test := range []struct {
		about string
		units []frame.AccessUnit
		lacks func() string
		want  string
	}{
		{"nothing comes", nil, nil, "no unit of the stream has come"},
		{"the source knows of nothing", nil, func() string { return "" }, "no unit of the stream has come"},
		{"the source knows why", nil, told, "7 messages, but no parameter sets"},
		{"the source panics", nil, func() string { panic(errHook) }, "no unit of the stream has come"},
		{"units, and none is a key unit", units(10, 20, false)[1:4], nil, "3 units of the stream have come, but no key unit, with which decoding begins"},
		{"a key unit", units(4, 20, false), told, ""},
	} {
		t.Run(test.about, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				hub := &capture.Hub{NewCamera: func(*frame.Stream) (*capture.Camera, error) {
					return &capture.Camera{Decoder: new(decoder)}, nil
				}}
				ctx, end := context.WithCancel(t.Context())
				all := test.units
				if len(all) > 0 {
					all = append(all, frame.AccessUnit{Codec: frame.VP9, Data: []byte{0x84}, DTS: time.Hour, PTS: time.Hour})
				}
				s := frametest.Live(ctx, "a", all)
				if all == nil {
					s.Units = func(func(frame.AccessUnit, error) bool) { <-ctx.Done() }
				}
				s.Lacks = test.lacks
				var serving sync.WaitGroup
				serving.Go(func() { _ = hub.ServeStream(ctx, s) })
				pass(2 * time.Second)
				if live := hub.Live(); len(live) != 1 || live[0].Lacks != test.want {
					t.Errorf("%+v", live)
				}
				why := errors.New("the caller has had enough")
				waits, stop := context.WithTimeoutCause(ctx, time.Second, why)
				defer stop()
				_, err := hub.Capture(waits, capture.Request{Stream: "a", Moment: capture.AtPTS(time.Minute)})
				text := strings.TrimSuffix(why.Error()+": "+test.want, ": ")
				if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, why) || !strings.HasSuffix(err.Error(), text) {
					t.Error(err)
				}
				end()
				serving.Wait()
			})
		})
	}
}

// TestLacksAStream: a Camera that nobody has served says that.
func TestLacksAStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		_, err := (&capture.Camera{Decoder: new(decoder)}).Capture(ctx, capture.Request{})
		if !errors.Is(err, context.DeadlineExceeded) || !strings.HasSuffix(err.Error(), ": no stream has begun") {
			t.Error(err)
		}
	})
}
