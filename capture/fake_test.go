package capture_test

import (
	"context"
	"errors"
	"image"
	"iter"
	"sync/atomic"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/frametest"
)

// Sleeps in these tests are on the clock of a synctest bubble: they take no time, and end at the exact instant.
const interval = 100 * time.Millisecond // between the pictures of the streams that these tests make

// units makes n units that are shown 100 ms apart, a key unit every gop. Each third and fourth is a B-frame if bframes is set:
// decoded after the picture that is shown two later. Data of a unit is a byte; "bad" data makes the fake decoder's damage.
func units(n, gop int, bframes bool) []frame.AccessUnit {
	var order []int
	for start := 0; start < n; start += gop {
		for i := start; i < min(start+gop, n); i++ {
			if at := i - start; bframes && at%3 == 1 && i+2 < min(start+gop, n) {
				order = append(order, i+2, i, i+1)
				i += 2
				continue
			}
			order = append(order, i)
		}
	}
	var us []frame.AccessUnit
	for dts, shown := range order {
		delay := time.Duration(0)
		if bframes {
			delay = 2 * interval
		}
		us = append(us, frame.AccessUnit{
			Codec: frame.H264, Key: shown%gop == 0,
			DTS: time.Duration(dts) * interval, PTS: time.Duration(shown)*interval + delay, Data: []byte{0},
		})
	}
	return us
}

var errBroken = errors.New("the decoder cannot go on")

// decoder is a Decoder that draws the number of each picture into it. A unit whose data is 1 is decoded with damage, which
// reaches what is decoded after it in its GOP; at a unit whose data is 2 decoding fails.
type decoder struct{ decoded atomic.Int64 }

func (d *decoder) Decode(ctx context.Context, g frame.GOP, from time.Time) iter.Seq2[*frame.Picture, error] {
	return func(yield func(*frame.Picture, error) bool) {
		pictures := map[time.Duration]*frame.Picture{}
		damaged, broken := false, false
		for _, u := range g {
			d.decoded.Add(1)
			if broken = u.Data[0] == 2; broken {
				break
			}
			damaged = damaged || u.Data[0] == 1
			img := image.NewYCbCr(image.Rect(0, 0, 64, 32), image.YCbCrSubsampleRatio420)
			frametest.Draw(img, int(u.PTS/interval))
			pictures[u.PTS] = &frame.Picture{YCbCr: img, PTS: u.PTS, Time: u.Time, Key: u.Key, Corrupt: damaged}
		}
		for pts := g[0].PTS; len(pictures) > 0; pts += interval {
			p := pictures[pts]
			delete(pictures, pts)
			if p != nil && !p.Time.Before(from) && !yield(p, nil) {
				return
			}
		}
		if broken {
			yield(nil, errBroken)
		}
	}
}

// number reads the number that was drawn into a still.
func number(s *capture.Still) int {
	n, ok := frametest.Read(s.Picture.YCbCr)
	if !ok {
		return -1
	}
	return n
}
