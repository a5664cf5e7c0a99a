package e2e_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/ffmpeg"
	"github.com/livestill/livestill/frame/frametest"
)

// Of a picture of two fields, a moment in the second half of its time is that of its second field. Each field has a number of its own.
func TestBothInstants(t *testing.T) {
	const each = time.Second / 15
	clip := frametest.Clip{Width: 640, Height: 352, Frames: 40, GOP: 10, BFrames: 2, Args: []string{
		"-vf", "tinterlace=mode=interleave_top,setfield=tff", "-flags", "+ilme+ildct", "-x264-params", "tff=1:b-adapt=0"}}
	units := clip.Units(t)
	shown := slices.SortedFunc(slices.Values(units), func(a, b frame.AccessUnit) int { return int(a.PTS - b.PTS) })
	isolated := &ffmpeg.Isolated{}
	t.Cleanup(isolated.Close)
	for name, decoder := range map[string]capture.Decoder{"Decoder": &ffmpeg.Decoder{}, "Isolated": isolated} {
		cam := recall(t, units)
		cam.Decoder = decoder
		var atOnce sync.WaitGroup
		for n, u := range shown {
			for number, moments := range map[int][]capture.Moment{
				2 * n:   {capture.At(u.Time), capture.At(u.Time.Add(each / 4)), capture.AtPTS(u.PTS + each/3)},
				2*n + 1: {capture.At(u.Time.Add(3 * each / 4)), capture.AtPTS(u.PTS + 2*each/3)},
			} {
				for _, m := range moments {
					atOnce.Go(func() {
						still, err := cam.Capture(t.Context(), capture.Request{Moment: m, Tolerance: -1})
						if err != nil {
							t.Errorf("%s: %d, %v: %v", name, number, m, err)
							return
						}
						second := still.Picture.Changes&frame.SecondField != 0
						told := slices.ContainsFunc(still.Steps, func(s capture.Step) bool { return strings.HasSuffix(s.Did, "second field") })
						late := time.Duration(number%2) * each / 2
						if got, ok := frametest.Read(still.Picture.YCbCr); !ok || got != number {
							t.Errorf("%s: %d, %v: shows %d (%v), %v", name, number, m, got, ok, still.Picture.Changes)
						} else if off := still.Time.Sub(u.Time) - late; off.Abs() > time.Millisecond || still.PTS-u.PTS != still.Time.Sub(u.Time) || still.Off != 0 {
							t.Errorf("%s: %d, %v: shown %v, %v, %d away", name, number, m, still.Time.Sub(u.Time), still.PTS-u.PTS, still.Off)
						} else if second != (number%2 == 1) || told != second {
							t.Errorf("%s: %d, %v: %v, %+v", name, number, m, still.Picture.Changes, still.Steps)
						}
					})
				}
			}
		}
		atOnce.Wait()
	}
}

// The same of pairs of fields, wherever the units and their times are. Where the second field shows the instant of the first, that is delivered.
func TestBothInstantsOfPairs(t *testing.T) {
	const each = time.Second / 25
	sameTime := paffInstants(true)
	for i := range sameTime {
		if first := sameTime[i-i%2]; i%2 == 1 {
			sameTime[i].PTS, sameTime[i].Time = first.PTS, first.Time
		}
	}
	isolated := &ffmpeg.Isolated{}
	t.Cleanup(isolated.Close)
	for about, units := range map[string][]frame.AccessUnit{
		"one unit": paffInstants(false), "two units": paffInstants(true), "two units of the same time": sameTime,
	} {
		cam := recall(t, units)
		if about == "two units" {
			cam.Decoder = isolated
		}
		end := units[len(units)-1].Time.Add(-each)
		for first := units[0]; first.Time.Before(end); first.PTS, first.Time = first.PTS+each, first.Time.Add(each) {
			n := int(first.PTS / each)
			for late, second := range map[time.Duration]bool{0: false, each / 3: false, each / 2: true, 3 * each / 4: true, each - 1: true} {
				want, at := paffNumber(n, 0), time.Duration(0)
				if second && n%paffPairs > 0 {
					want, at = paffNumber(n, 1), each/2
				}
				for _, m := range []capture.Moment{capture.At(first.Time.Add(late)), capture.AtPTS(first.PTS + late)} {
					still, err := cam.Capture(t.Context(), capture.Request{Moment: m, Tolerance: -1})
					if err != nil {
						t.Errorf("%s: picture %d, %v late: %v", about, n, late, err)
						continue
					}
					got, _ := frametest.Read(still.Picture.YCbCr)
					if got != want || still.Time.Sub(first.Time) != at || still.PTS-first.PTS != at {
						t.Errorf("%s: picture %d, %v late: shows %d, not %d, at %v, %v; %v", about, n, late, got, want, still.Time.Sub(first.Time),
							still.PTS-first.PTS, still.Picture.Changes)
					}
				}
			}
		}
	}
}

// Every delivers each field once, wherever the units are.
func TestEveryField(t *testing.T) {
	const interval, ticks = time.Second / 100, 60
	for _, apart := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			units := paffInstants(apart)
			for i := range units {
				units[i].Time = time.Now().Add(units[i].PTS - time.Second)
			}
			var shown, want []int
			tick, unchanged := 0, 0
			cam := recall(t, units)
			for still, err := range cam.Every(t.Context(), interval, capture.Request{Moment: capture.Ago(time.Second), Tolerance: -1}) {
				switch {
				case err == nil:
					n, _ := frametest.Read(still.Picture.YCbCr)
					shown = append(shown, n)
				case errors.Is(err, capture.ErrUnchanged):
					unchanged++
				default:
					t.Error(err)
				}
				if n := paffNumber(tick/4, tick/2%2); len(want) == 0 || want[len(want)-1] != n {
					want = append(want, n)
				}
				if tick++; tick == ticks {
					break
				}
			}
			if !slices.Equal(shown, want) || unchanged != ticks-len(want) {
				t.Errorf("apart %v: %v were delivered, not %v; %d were unchanged", apart, shown, want, unchanged)
			}
		})
	}
}
