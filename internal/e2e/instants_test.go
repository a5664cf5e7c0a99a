package e2e_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
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
						if got, ok := frametest.Read(still.Picture.YCbCr); !ok || got != number || !still.Time.Equal(u.Time) {
							t.Errorf("%s: %d, %v: shows %d (%v), %v", name, number, m, got, ok, still.Picture.Changes)
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
