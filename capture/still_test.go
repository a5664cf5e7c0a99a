package capture_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
)

// TestStillAsJSON writes a still, and reads all of the truth back, but no pixels.
func TestStillAsJSON(t *testing.T) {
	shown := time.Date(2026, 5, 6, 7, 8, 9, 123456789, time.UTC)
	full := capture.Still{
		ID: "id", Stream: "live/\x01\"ü", Variant: "thumb", Type: "image/jpeg",
		Request: capture.Request{Stream: "live", ID: "id", By: "bob", Tolerance: time.Second},
		Wanted:  shown.Add(time.Second), Time: shown, PTS: -5, Age: 7, Key: true, QP: 31.5, Scores: capture.Scores{PSNR: 40.25}, Off: -1,
		Steps: []capture.Step{{Name: "decode", Hook: "*ffmpeg.Decoder", Took: 9}}, Location: "/x",
		Instead: fmt.Errorf("%w: lost", capture.ErrCorrupt),
	}
	with := full
	with.Request.Moment = capture.Ago(time.Second)
	with.Data = []byte("pixels")
	with.Picture = &frame.Picture{YCbCr: image.NewYCbCr(image.Rect(0, 0, 64, 64), image.YCbCrSubsampleRatio420)}
	with.Literal, with.Ranked = with.Picture, []capture.Ranked{{Picture: with.Picture}}
	b, err := json.Marshal(&with)
	if err != nil || len(b) > 1500 || strings.Contains(string(b), "pixels") {
		t.Fatalf("%d bytes, %v: %s", len(b), err, b)
	}
	got := capture.Still{Data: []byte("of before")}
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(got.Instead, capture.ErrCorrupt) || got.Instead.Error() != full.Instead.Error() {
		t.Errorf("stands in because of %v", got.Instead)
	}
	if again, err := json.Marshal(&got); err != nil || !bytes.Equal(again, b) || got.Time != full.Time || got.Request.By != "bob" || got.Data != nil {
		t.Errorf("%s, %v\nwas\n%s", again, err, b)
	}
	if err := json.Unmarshal([]byte(`{"id": 5}`), &got); err == nil {
		t.Error("an ID that is no string, and no error")
	}
	if b, err := json.Marshal(new(capture.Still)); err != nil || strings.Contains(string(b), "instead") {
		t.Errorf("%s, %v", b, err)
	}
}

// TestStillAsJSONAlways: whatever a camera's clock or a Metric says, it is no reason to lose the still.
func TestStillAsJSONAlways(t *testing.T) {
	odd := capture.Still{
		ID: "id", QP: float32(math.NaN()), Time: time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC),
		Wanted: time.Date(2026, 5, 6, 7, 8, 9, 0, time.FixedZone("", 24*60*60)),
	}
	scores := reflect.ValueOf(&odd.Scores).Elem()
	for i := range scores.NumField() {
		scores.Field(i).SetFloat(math.Inf(i%2*2 - 1))
	}
	b, err := json.Marshal(&odd)
	var got capture.Still
	if err := errors.Join(err, json.Unmarshal(b, &got)); err != nil {
		t.Fatal(err)
	}
	if !got.Wanted.Equal(odd.Wanted) || !got.Time.IsZero() || got.QP != 0 || got.Scores != (capture.Scores{}) || got.ID != "id" {
		t.Errorf("%s", b)
	}
	if !math.IsNaN(float64(odd.QP)) {
		t.Error("the still was changed")
	}
}
