package capture_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"log/slog"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
)

var shownAt = time.Date(2026, 5, 6, 7, 8, 9, 123456789, time.UTC)

// fullStill has a value for each field that JSON keeps.
func fullStill() *capture.Still {
	return &capture.Still{
		ID: "id", Stream: "live/alice", Variant: "thumb", Type: "image/jpeg",
		Request: capture.Request{
			Stream: "live/alice", Moment: capture.Ago(1500*time.Millisecond).Best(time.Second, nil), By: "bob",
			Labels: map[string]string{"tenant": "a"}, ID: "id", MaxAge: time.Minute, Tolerance: -1, Lookahead: 100 * time.Millisecond,
			Variants: []string{"", "thumb"}, Own: []capture.Variant{{
				Name: "mine", Width: 320, Height: 240, Fit: capture.Pad, Crop: capture.Crop{X: 1, Y: 2, Width: 30, Height: 40}, Enlarge: true, Plain: true,
				Type: "image/png", Quality: 75, Encoder: capture.JPEG{},
			}},
		},
		Wanted: shownAt.Add(time.Second), Time: shownAt, PTS: 95443*time.Second + 718*time.Microsecond, Age: -7 * time.Millisecond, Backlog: 12 * time.Second, Key: true, QP: 31.5,
		Scores: capture.Scores{
			PSNR: 40.25, Quality: -3.5, Sharpness: 9, Noise: 1, Blockiness: 0.25, Brightness: 127, Black: 0.125, White: 0.5, MotionBlur: 0.75,
		},
		Frozen: 40 * time.Millisecond, Blank: true, Off: -1, Merged: 3, Refined: true, Instead: fmt.Errorf("%w: lost", capture.ErrCorrupt),
		Steps:    []capture.Step{{Name: capture.StepPolicy, Took: 1}, {Name: capture.StepDecode, Hook: "*ffmpeg.Decoder", Took: 9 * time.Millisecond}},
		Location: "/stills/x.jpg",
		Variants: []*capture.Still{{
			ID: "id", Stream: "live/alice", Variant: "mine", Type: "image/avif", Wanted: shownAt, Time: shownAt,
			Err: &capture.Error{Step: capture.StepEncode, Stream: "live/alice", ID: "id", Variant: "mine", Err: capture.ErrUnsupported},
		}},
	}
}

// TestStableJSON: names, units and shapes are those of the file, which readers out there rely on. New names may come; none goes.
func TestStableJSON(t *testing.T) {
	still := fullStill()
	golden, err := os.ReadFile("testdata/events.json")
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.MarshalIndent([]capture.Event{
		{Request: still.Request, Still: still},
		{
			Request: capture.Request{Stream: "live/alice", Moment: capture.At(shownAt), By: "carl"},
			Err:     &capture.Error{Step: capture.StepPolicy, Stream: "live/alice", Err: capture.Deny("friends only")},
		},
		{
			Request: capture.Request{Stream: "live/nobody", Moment: capture.AtPTS(time.Hour)},
			Err:     &capture.Error{Step: capture.StepWait, Stream: "live/nobody", Err: capture.ErrNotLive},
		},
		{Request: capture.Request{Stream: "live/alice", Moment: capture.Keyframe()}, Err: errors.New("no words for it")},
	}, "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	if got = append(got, '\n'); !bytes.Equal(got, golden) {
		t.Errorf("testdata/events.json should be:\n%s", got)
	}
	var events []capture.Event
	if err := json.Unmarshal(golden, &events); err != nil {
		t.Fatal(err)
	}
	if again, err := json.MarshalIndent(events, "", "\t"); err != nil || !bytes.Equal(append(again, '\n'), golden) {
		t.Errorf("%v, read and written again it is:\n%s", err, again)
	}
	if s := events[0].Still; s.PTS != still.PTS || s.Age != still.Age || s.Backlog != still.Backlog || s.Time != still.Time || s.Steps[0].Took != 1 || s.Request.Tolerance != -1 {
		t.Errorf("read %+v", s.Request)
	}
}

// TestEventErrorAsJSON: whoever reads an Event of another process branches as that one would.
func TestEventErrorAsJSON(t *testing.T) {
	for _, err := range []error{
		capture.ErrDenied, capture.ErrForgotten, capture.ErrCorrupt, capture.ErrUnsupported, capture.ErrBlank, capture.ErrUnchanged,
		capture.ErrNotLive, capture.ErrTakenOver, capture.ErrLive, capture.ErrVariant, capture.ErrDecoder, capture.ErrRotate,
		capture.ErrTooCostly, capture.ErrRejected, capture.ErrSetting,
		context.DeadlineExceeded, context.Canceled, capture.Deny("friends only"),
	} {
		for _, err := range []error{err, fmt.Errorf("hook: %w", err), &capture.Error{Step: capture.StepStore, Stream: "live", Err: err}} {
			b, failed := json.Marshal(capture.Event{Err: err})
			var got capture.Event
			if failed := errors.Join(failed, json.Unmarshal(b, &got)); failed != nil {
				t.Fatal(failed)
			}
			if got.Err == nil || got.Err.Error() != err.Error() || !errors.Is(got.Err, errors.Unwrap(err)) && errors.Unwrap(err) != nil &&
				!errors.As(err, new(capture.Denied)) {
				t.Errorf("%v came back as %v: %s", err, got.Err, b)
			}
			for _, known := range []error{capture.ErrDenied, capture.ErrNotLive, context.Canceled} {
				if errors.Is(err, known) != errors.Is(got.Err, known) {
					t.Errorf("%v came back as %v, another kind: %s", err, got.Err, b)
				}
			}
			var was, is capture.Denied
			if errors.As(err, &was) && (!errors.As(got.Err, &is) || is != was) {
				t.Errorf("%v came back without its reason: %s", err, b)
			}
		}
	}
}

// TestFitText: each Fit is read as what it was, also those that there are not, of requests that were refused.
func TestFitText(t *testing.T) {
	for i := range 256 {
		fit := capture.Fit(i)
		e := capture.Event{Request: capture.Request{Own: []capture.Variant{{Name: "a", Fit: fit}}}, Err: capture.ErrVariant}
		b, err := json.Marshal(e)
		var got capture.Event
		if err := errors.Join(err, json.Unmarshal(b, &got)); err != nil || got.Request.Own[0].Fit != fit {
			t.Errorf("%v: %v, %s", fit, err, b)
		}
	}
	for _, text := range []string{"", "Within", "4", "Fit(0)", "Fit(04)", "Fit(256)", "Fit(-1)", "Fit(77", "fit(77)"} {
		fit := capture.Pad
		if err := fit.UnmarshalText([]byte(text)); err == nil || !strings.Contains(err.Error(), "none of [within fill pad stretch]") || fit != capture.Pad {
			t.Errorf("%q is %v, %v", text, fit, err)
		}
	}
}

// TestMomentText reads what people write, and says what is wrong with the rest.
func TestMomentText(t *testing.T) {
	for text, want := range map[string]capture.Moment{
		"": {}, "newest": {}, "keyframe": capture.Keyframe(), "ago:1.5s": capture.Ago(1500 * time.Millisecond),
		"pts:1h2m3.5s": capture.AtPTS(time.Hour + 2*time.Minute + 3500*time.Millisecond), "at:2026-05-06T07:08:09.123456789Z": capture.At(shownAt),
		"best:500ms:keyframe": capture.Keyframe().Best(500*time.Millisecond, nil), "best:1s": capture.Best(time.Second, nil),
		"ticks:90000": capture.AtTicks(90000), "best:2s:ago:3s": capture.Ago(3*time.Second).Best(2*time.Second, nil),
	} {
		var got capture.Moment
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%q is %v, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{
		"latest": "none of newest, keyframe, ago, pts, ticks, at, best", "ago:": "invalid duration", "ago:5": "missing unit", "newest:1s": "has no value",
		"at:yesterday": "cannot parse", "best:1s:best:1s": "best of a best", "best:-1s": "less than nothing", "best:": "invalid duration",
	} {
		m := capture.Keyframe()
		if err := m.UnmarshalText([]byte(text)); err == nil || !strings.Contains(err.Error(), want) || m != capture.Keyframe() {
			t.Errorf("%q is %v, %v; want %s", text, m, err, want)
		}
	}
}

// TestPresetsStay: what JSON does not tell stays as it was, as encoding/json has it.
func TestPresetsStay(t *testing.T) {
	for _, text := range []string{`{}`, `null`, `{"by":"bob"}`, `{"moment":null}`} {
		own := []capture.Variant{{Name: "a", Width: 3}}
		r := capture.Request{Moment: capture.Keyframe(), MaxAge: time.Minute, Stream: "live", Variants: []string{}, Own: own}
		if err := json.Unmarshal([]byte(text), &r); err != nil || r.Variants == nil || len(r.Own) != 1 || r.MaxAge != time.Minute || r.Stream != "live" || r.Moment != capture.Keyframe() {
			t.Errorf("%s: %+v, %v", text, r, err)
		}
		if err := json.Unmarshal([]byte(`{"variants":["b"],"own":[{"name":"b"}]}`), &r); err != nil || r.Own[0] != (capture.Variant{Name: "b"}) || own[0].Name != "a" {
			t.Errorf("%+v, and what others have is %+v, %v", r, own, err)
		}
	}
}

// TestSightAsJSON reads what an operator's page is given.
func TestSightAsJSON(t *testing.T) {
	want := []any{
		&capture.Live{
			Name: "a", Remote: &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 1935}, Since: shownAt, Codec: frame.H265, Size: image.Pt(1920, 1080),
			FrameRate: 29.97, BitRate: 4e6, KeyInterval: 2500 * time.Millisecond, Units: 7, Lost: 1, Remembered: 3, Captures: 2,
		},
		&capture.Stats{Captures: 1, Delivered: 2, Failed: 3, Decoded: 4, Processor: 1500 * time.Millisecond, Remembered: 5},
		&capture.StoreStats{Putting: 1, Put: 2, Failed: 3, Rejected: 4, Bytes: 5, Took: time.Millisecond},
	}
	for i, got := range []any{new(capture.Live), new(capture.Stats), new(capture.StoreStats)} {
		b, err := json.Marshal(want[i])
		if err := errors.Join(err, json.Unmarshal(b, got)); err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(got) != fmt.Sprint(want[i]) {
			t.Errorf("%+v came back as %+v: %s", want[i], got, b)
		}
	}
	if b, err := json.Marshal(new(capture.Hub).Live()); err != nil || string(b) != "[]" {
		t.Errorf("of nothing: %s, %v", b, err)
	}
	if _, err := json.Marshal(capture.Event{Err: &capture.Error{Step: capture.StepStore}}); err != nil {
		t.Error(err)
	}
}

// FuzzMomentText: what is read is written in words that are read as the same.
func FuzzMomentText(f *testing.F) {
	for _, text := range []string{"newest", "keyframe", "ago:1.5s", "pts:-1h", "at:2026-05-06T07:08:09+02:00", "best:1s:at:0001-01-01T00:00:00Z", "ago:-0"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var m, again capture.Moment
		if m.UnmarshalText([]byte(text)) != nil {
			return
		}
		if err := again.UnmarshalText([]byte(m.String())); err != nil || again.String() != m.String() {
			t.Fatalf("%q is %v, and that is %v, %v", text, m, again, err)
		}
	})
}

// FuzzEventJSON: what is read is the same when it is written and read again.
func FuzzEventJSON(f *testing.F) {
	golden, err := os.ReadFile("testdata/events.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(golden)
	f.Add([]byte(`[{"still":{"pts_seconds":1e3,"age_seconds":-0.1e-8,"instead":"no undamaged picture"}},{"error":{}},{"request":{"moment":"ago:1s","own":[{"name":"a","fit":"Fit(77)"}]}}]`))
	f.Add([]byte(`[{"request":{"tolerance_seconds":9223372036.854775807,"max_age_seconds":-9223372036.854775808,"lookahead_seconds":1e-300}}]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var events, again []capture.Event
		if json.Unmarshal(text, &events) != nil {
			return
		}
		written, err := json.Marshal(events)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(written, &again); err != nil {
			t.Fatalf("%s: %v", written, err)
		}
		if twice, err := json.Marshal(again); err != nil || !bytes.Equal(twice, written) {
			t.Fatalf("%v\n%s\nbecame\n%s", err, written, twice)
		}
	})
}

// TestInALine: what is printed or logged has no pixels and no data.
func TestInALine(t *testing.T) {
	still := fullStill()
	still.Data = make([]byte, 58_000)
	still.Picture = &frame.Picture{YCbCr: image.NewYCbCr(image.Rect(0, 0, 64, 48), image.YCbCrSubsampleRatio420), Key: true}
	unit := frame.AccessUnit{Codec: frame.H264, Key: true, Lost: true, Data: still.Data, PTS: time.Second}
	for want, v := range map[string]any{
		"<nil>": (*capture.Still)(nil), `stream "a" from <nil>`: &frame.Stream{Name: "a", Key: "k"}, `"live/alice"`: still, "58000 bytes": *still, "64x48": still.Picture, "QP 0.0, key": *still.Picture, "no pixels": frame.Picture{},
		"PTS 1s": unit, "H.264 unit of 58000 bytes, PTS 1s, DTS 0s, key, lost": &unit,
	} {
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "v", v)
		for _, text := range []string{fmt.Sprint(v), fmt.Sprintf("%+v", v), log.String()} {
			if len(text) > 400 || strings.Count(text, "\n") > strings.Count(log.String(), "\n") {
				t.Errorf("%d bytes: %s", len(text), text)
			}
		}
		if text := fmt.Sprint(v); !strings.Contains(text, want) {
			t.Errorf("%s: want %s", text, want)
		}
	}
}
