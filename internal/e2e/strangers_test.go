package e2e_test

import (
	"bytes"
	"context"
	"iter"
	"sync"
	"testing"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/enhance"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/ffmpeg"
	"github.com/livestill/livestill/frame/frametest"
)

// A stranger makes the units of a hostile stream: n counts them.
type stranger func(n int) frame.AccessUnit

// annexB makes a unit of NAL units.
func annexB(key bool, nals ...[]byte) frame.AccessUnit {
	u := frame.AccessUnit{Codec: frame.H264, Key: key}
	for _, n := range nals {
		u.Data = append(append(u.Data, 0, 0, 0, 1), n...)
	}
	return u
}

var strangers = map[string]stranger{
	// 144 is a profile whose SPS has other fields for some readers than for others: one macroblock wide, or 5433.
	"read-twice": func(n int) frame.AccessUnit {
		slice := append([]byte{0x61, 0xb8}, bytes.Repeat([]byte{0xa5}, 60)...)
		if n == 0 {
			sps := []byte{0x67, 0x90, 0x00, 0x28, 0xac, 0xcf, 0x80, 0x05, 0x4e, 0x79, 0x1c, 0xdb, 0x84}
			return annexB(true, sps, []byte{0x68, 0xce, 0x38, 0x80}, append([]byte{0x65, 0x88, 0x84}, slice[2:]...))
		}
		return annexB(false, slice)
	},
	"long-set": func(int) frame.AccessUnit {
		sps := append([]byte{0x67, 0x64, 0x00, 0x0a, 0xad}, bytes.Repeat([]byte{0, 0, 0xff, 0xfe}, 12_000)...)
		return annexB(true, sps, []byte{0x68, 0xce, 0x38, 0x80}, []byte{0x65, 0x88, 0x84, 0x00, 0x33, 0xff})
	},
	"flood": func(n int) frame.AccessUnit {
		return frame.AccessUnit{Codec: frame.VP9, Key: n == 0, Data: []byte{map[bool]byte{true: 0x82, false: 0x86}[n == 0]}}
	},
	"flood-of-key-units": func(int) frame.AccessUnit {
		return frame.AccessUnit{Codec: frame.VP9, Key: true, Data: []byte{0x82}}
	},
	"huge": func(int) frame.AccessUnit { // 65472 x 65472 pixels of VP8, says its header (RFC 6386 section 9.1)
		return frame.AccessUnit{Codec: frame.VP8, Key: true, Data: []byte{0x10, 2, 0, 0x9d, 1, 0x2a, 0xc0, 0xff, 0xc0, 0xff, 1, 2, 3, 4, 5, 6, 7, 8}}
	},
}

// units yields what a stranger sends: 2,000 units at once, and then a hundred a second.
func (s stranger) units(ctx context.Context) iter.Seq2[frame.AccessUnit, error] {
	return func(yield func(frame.AccessUnit, error) bool) {
		began := time.Now()
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for n := 0; ; n++ {
			u := s(n)
			u.Time = time.Now()
			u.PTS = u.Time.Sub(began)
			u.DTS = u.PTS
			if !yield(u, nil) {
				return
			}
			if n < 2000 {
				continue
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	}
}

// TestStrangers captures a good publisher's stream beside those of strangers, which are captured, too, all with one Decoder. The good one
// loses no unit, and its stills show what they should; of the strangers no picture is delivered.
func TestStrangers(t *testing.T) {
	t.Run("in this process", func(t *testing.T) { beStrange(t, new(ffmpeg.Decoder)) })
	t.Run("isolated", func(t *testing.T) {
		d := new(ffmpeg.Isolated)
		defer d.Close()
		beStrange(t, d)
	})
}

func beStrange(t *testing.T, decoder capture.Decoder) {
	t.Helper()
	hub := &capture.Hub{NewCamera: func(s *frame.Stream) (*capture.Camera, error) {
		return &capture.Camera{Decoder: decoder, Enhancer: enhance.Auto{}, Encoder: &ffmpeg.JPEG{}}, nil
	}}
	var mu sync.Mutex
	last, units := time.Duration(-1), 0
	began := make(chan struct{})
	url := listen(t, frame.HandlerFunc(func(ctx context.Context, s *frame.Stream) error {
		all := s.Units
		s.Units = func(yield func(frame.AccessUnit, error) bool) {
			for u, err := range all {
				mu.Lock()
				if gap := u.DTS - last; err == nil && last >= 0 && (gap > 40*time.Millisecond || u.Lost) {
					t.Errorf("after unit %d the good stream has a gap of %v", units, gap)
				}
				last, units = u.DTS, units+1
				if units == 10 {
					close(began)
				}
				mu.Unlock()
				if !yield(u, err) {
					return
				}
			}
		}
		return hub.ServeStream(ctx, s)
	}))
	publisher := frametest.Clip{FPS: 30, Frames: 300, GOP: 30}.Loop(t, url+"good")
	<-began

	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for name, s := range strangers {
		all.Go(func() { _ = hub.ServeStream(ctx, &frame.Stream{Name: name, Units: s.units(ctx)}) })
	}
	for name := range strangers {
		all.Go(func() {
			for ctx.Err() == nil {
				tap, end := context.WithTimeout(ctx, time.Second)
				still, err := hub.Capture(tap, capture.Request{Stream: name})
				if err == nil {
					t.Errorf("a still of %s: %v", name, still.Picture.Rect)
				}
				end()
				if c := hub.Camera(name); c != nil {
					select {
					case <-c.History.Changed():
					case <-ctx.Done():
					}
				}
			}
		})
	}
	for range 5 {
		still, err := hub.Capture(t.Context(), capture.Request{Stream: "live/good"})
		if err != nil {
			t.Fatal(err)
		}
		number(t, still)
	}
	cancel()
	all.Wait()
	publisher.Kill()
}
