package capture_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"image"
	"iter"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/frametest"
	"github.com/livestill/livestill/internal/fakeclock"
)

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
		data := []byte{0x84} // what a frame of VP9 begins with
		if shown%gop == 0 {
			data = []byte{0x80} // and a key frame
		}
		us = append(us, frame.AccessUnit{
			Codec: frame.VP9, Key: shown%gop == 0,
			DTS: time.Duration(dts) * interval, PTS: time.Duration(shown)*interval + delay, Data: data,
		})
	}
	return us
}

var errBroken = errors.New("the decoder cannot go on")

// decoder is a Follower that draws the number of each picture into it. A unit whose data is 1 is decoded with damage, which
// reaches what is decoded after it in its GOP; at a unit whose data is 2 decoding fails, of one whose data is 0x12 the decoder has no way; one
// whose data is 3 is black, one whose data is 0x10 larger than the others, one whose data is 0x11 makes no picture. A second byte is its
// effective quantiser. It puts pictures into order, as far as the units have a delay for that, and takes as long for each unit as it is told.
type decoder struct {
	places  chan struct{} // as many as may decode at a time; nil for any number
	took    time.Duration
	decoded atomic.Int64
}

func (d *decoder) Follow(_ context.Context, us iter.Seq2[frame.AccessUnit, bool]) iter.Seq2[frame.Latent, error] {
	return func(yield func(frame.Latent, error) bool) {
		var buffered []*frame.Picture
		black, large := make(map[time.Duration]bool), make(map[time.Duration]bool)
		number := make(map[*frame.Picture]int)
		damaged, delay := false, -1
		show := func(most int) bool {
			for len(buffered) > most {
				slices.SortFunc(buffered, func(a, b *frame.Picture) int { return cmp.Compare(a.PTS, b.PTS) })
				p := buffered[0]
				buffered = buffered[1:]
				if !yield(frame.Latent{Unit: number[p], PTS: p.PTS, Corrupt: p.Corrupt, EffectiveQP: p.EffectiveQP, Develop: func() (*frame.Picture, error) {
					p.YCbCr = image.NewYCbCr(image.Rect(0, 0, 64, 32), image.YCbCrSubsampleRatio420)
					if large[p.PTS] {
						p.YCbCr = image.NewYCbCr(image.Rect(0, 0, 128, 64), image.YCbCrSubsampleRatio420)
					}
					if !black[p.PTS] {
						frametest.Draw(p.YCbCr, int(p.PTS/interval))
					}
					return p, nil
				}}, nil) {
					return false
				}
			}
			return true
		}
		for u := range us {
			if delay < 0 {
				delay = int((u.PTS - u.DTS) / interval)
			}
			fakeclock.Pass(d.took) // the work that decoding is
			d.decoded.Add(1)
			if err := map[byte]error{2: errBroken, 0x12: fmt.Errorf("the fake decoder: %w", frame.ErrUnsupported)}[u.Data[0]]; err != nil {
				if show(0) {
					yield(frame.Latent{}, err)
				}
				return
			}
			if u.Data[0] == 0x11 {
				continue
			}
			damaged = damaged || u.Data[0] == 1
			black[u.PTS], large[u.PTS] = u.Data[0] == 3, u.Data[0] == 0x10
			p := &frame.Picture{PTS: u.PTS, Time: u.Time, Key: u.Key, Corrupt: damaged}
			if len(u.Data) > 1 {
				p.EffectiveQP = float32(u.Data[1])
			}
			number[p] = len(number)
			buffered = append(buffered, p)
			if !show(delay) {
				return
			}
		}
		show(0)
	}
}

func (d *decoder) Reserve(context.Context, string) (frame.Place, error) {
	if d.places != nil {
		d.places <- struct{}{}
	}
	return place{d.places}, nil
}

// A place is one of places, which may be nil.
type place struct{ places chan struct{} }

func (p place) Yield(context.Context) error { return nil }

func (p place) Release() {
	if p.places != nil {
		<-p.places
	}
}

func (d *decoder) Decode(ctx context.Context, g frame.GOP, from time.Time) iter.Seq2[*frame.Picture, error] {
	units := func(yield func(frame.AccessUnit, bool) bool) {
		for _, u := range g {
			if !yield(u, true) {
				return
			}
		}
	}
	return func(yield func(*frame.Picture, error) bool) {
		for l, err := range d.Follow(ctx, units) {
			if err != nil {
				yield(nil, err)
				return
			}
			if p, err := l.Develop(); !p.Time.Before(from) && !yield(p, err) {
				return
			}
		}
	}
}

// plain hides that a Decoder is a Follower.
type plain struct{ capture.Decoder }

// eachDecoder runs a test with both kinds.
func eachDecoder(test func(t *testing.T, d capture.Decoder)) func(*testing.T) {
	return func(t *testing.T) {
		t.Helper()
		test(t, new(decoder))
		test(t, plain{new(decoder)})
	}
}

// pass lets time pass on the clock of a synctest bubble, outside of which it panics: it takes none, ends at the exact instant, and all that
// is due by then has happened.
func pass(d time.Duration) {
	fakeclock.Pass(d)
	synctest.Wait()
}

// number reads the number that was drawn into a still.
func number(s *capture.Still) int {
	n, ok := frametest.Read(s.Picture.YCbCr)
	if !ok {
		return -1
	}
	return n
}
