package capture_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
)

// TestBest captures the best picture of windows of a stream whose GOPs are ten pictures long. All pictures are coded alike, except for
// those that a test says are better or worse.
func TestBest(t *testing.T) {
	for _, test := range []struct {
		about   string
		bframes bool
		qps     map[int]byte // 30 unless told here
		damaged int          // a picture, with what follows in its GOP; zero is none
		moment  func(start time.Time) capture.Moment
		metric  capture.Metric
		want    int
		literal int
		waits   time.Duration
	}{
		{about: "all are alike", moment: atOffset(1500 * time.Millisecond), want: 15, literal: 15},
		{about: "a better one before", qps: map[int]byte{13: 20}, moment: atOffset(1500 * time.Millisecond), want: 13, literal: 15},
		{about: "a better one after", qps: map[int]byte{17: 20}, moment: atOffset(1500 * time.Millisecond), want: 17, literal: 15},
		{about: "a better one out of reach", qps: map[int]byte{11: 20}, moment: atOffset(1500 * time.Millisecond), want: 15, literal: 15},
		{about: "in the GOP before", qps: map[int]byte{8: 20}, moment: atOffset(1000 * time.Millisecond), want: 8, literal: 10},
		{about: "in the GOP after", qps: map[int]byte{11: 20}, moment: atOffset(900 * time.Millisecond), want: 11, literal: 9},
		{about: "the literal one is the best", qps: map[int]byte{15: 20}, moment: atOffset(1500 * time.Millisecond), want: 15, literal: 15},
		{about: "a Metric of the caller's, among those that are coded well and near", qps: map[int]byte{17: 20}, moment: atOffset(1500 * time.Millisecond),
			metric: func(p *frame.Picture) float64 { return -p.PTS.Seconds() * 10 }, want: 14, literal: 15},
		{about: "newest", qps: map[int]byte{33: 20, 36: 10}, moment: func(time.Time) capture.Moment { return capture.Moment{} }, want: 33, literal: 35},
		{about: "in the future", qps: map[int]byte{52: 20}, moment: atOffset(5000 * time.Millisecond), want: 52, literal: 50, waits: 1750 * time.Millisecond},
		{about: "the better one is damaged", qps: map[int]byte{17: 20}, damaged: 17, moment: atOffset(1500 * time.Millisecond), want: 15, literal: 15},
		{about: "the wanted one is damaged", qps: map[int]byte{13: 20}, damaged: 15, moment: atOffset(1500 * time.Millisecond), want: 13, literal: -1},
		{about: "B-frames", bframes: true, qps: map[int]byte{16: 20}, moment: atOffset(1700 * time.Millisecond), want: 16, literal: 17},
	} {
		t.Run(test.about, eachDecoder(func(t *testing.T, d capture.Decoder) {
			t.Helper()
			synctest.Test(t, func(t *testing.T) {
				us := units(100, 10, test.bframes)
				for i := range us {
					n := int(us[i].PTS / interval)
					us[i].Data = []byte{0, 30}
					if qp, ok := test.qps[n]; ok {
						us[i].Data[1] = qp
					}
					if n == test.damaged && n > 0 {
						us[i].Data[0] = 1
					}
				}
				cam := &capture.Camera{Decoder: d}
				start := time.Now()
				go serve(t, cam, us)
				metric := test.metric
				if metric == nil { // the pictures are too small for Quality
					metric = func(p *frame.Picture) float64 { return -float64(p.EffectiveQP) }
				}
				const now = 3550 * time.Millisecond
				pass(now)
				still, err := cam.Capture(t.Context(), capture.Request{Moment: test.moment(start).Best(250*time.Millisecond, metric)})
				if waited := time.Since(start) - now; waited != test.waits {
					t.Errorf("waited %v, want %v", waited, test.waits)
				}
				if err != nil {
					t.Fatal(err)
				}
				literal := -1
				if still.Literal != nil {
					literal = int(still.Literal.PTS / interval)
				}
				if number(still) != test.want || literal != test.literal || still.Instead != nil {
					t.Errorf("picture %d, literally %d, instead %v; want %d, %d", number(still), literal, still.Instead, test.want, test.literal)
				}
				if literal >= 0 && still.Off != test.want-literal {
					t.Errorf("it says it is %d pictures off", still.Off)
				}
				if still.Ranked[0].PTS != still.PTS || len(still.Ranked) > 4 {
					t.Errorf("%d pictures, the first at %v", len(still.Ranked), still.Ranked[0].PTS)
				}
				for i := range still.Ranked[1:] {
					if still.Ranked[i].Merit < still.Ranked[i+1].Merit {
						t.Errorf("merits %v, %v", still.Ranked[i].Merit, still.Ranked[i+1].Merit)
					}
				}
			})
		}))
	}
}

func TestBestOfNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cam := &capture.Camera{Decoder: &decoder{}}
		us := units(20, 10, false)
		for i := range us {
			us[i].Data = []byte{1}
		}
		serve(t, cam, us)
		if _, err := cam.Capture(t.Context(), capture.Request{Moment: capture.Best(time.Second, nil)}); !errors.Is(err, capture.ErrCorrupt) {
			t.Error(err)
		}
	})
}
