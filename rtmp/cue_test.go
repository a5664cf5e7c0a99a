package rtmp_test

import (
	"context"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/yutopp/go-amf0"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/rtmp"
)

const (
	dataAMF0 = 18
	dataAMF3 = 15
)

func values(tb testing.TB, vs ...any) []byte {
	tb.Helper()
	var b strings.Builder
	for _, v := range vs {
		if err := amf0.NewEncoder(&b).Encode(v); err != nil {
			tb.Fatal(err)
		}
	}
	return []byte(b.String())
}

// TestCues sends data messages among pictures: those that can be read reach the Handler with their time, between the units they
// stood between, and the others do no harm.
func TestCues(t *testing.T) {
	type heard struct {
		frame.Cue
		after int // units
	}
	ended := make(chan error, 1)
	var cues []heard
	var units []frame.AccessUnit
	addr, _ := start(t, &rtmp.Server{Handler: frame.HandlerFunc(func(_ context.Context, s *frame.Stream) error {
		s.OnCue = func(c frame.Cue) { cues = append(cues, heard{c, len(units)}) }
		for u, err := range s.Units {
			if err != nil {
				ended <- err
				return err
			}
			units = append(units, u)
		}
		ended <- nil
		return nil
	})})
	c := dial(t, addr)
	c.publish("key")
	data := func(time uint32, kind byte, body []byte) {
		c.write(5, rtmp.Message{Kind: kind, Stream: 1, Time: time, Body: body})
	}
	bomb := []byte(strings.Repeat("\x03\x00\x01a", 1000))
	data(0, dataAMF0, values(t, "@setDataFrame", "onMetaData", map[string]any{"width": 1280.0, "encoder": "x"}))
	c.write(4, rtmp.Message{Kind: video, Stream: 1, Time: 1000, Body: picture(true, 300)})
	data(1020, dataAMF0, values(t, "onCuePoint", map[string]any{"name": "goal"}))
	data(1030, dataAMF0, append([]byte("\x02\x00\x01x"), bomb...))
	data(1030, dataAMF0, []byte("\x02\x00\x05cut"))
	data(1030, dataAMF0, values(t, 7.0))
	data(1030, dataAMF0, nil)
	data(1030, dataAMF0, append(values(t, "long"), make([]byte, 70<<10)...))
	c.write(4, rtmp.Message{Kind: video, Stream: 1, Time: 1040, Body: picture(false, 300)})
	data(1050, dataAMF3, append([]byte{0}, values(t, "onTextData", "hello")...))
	data(1060, dataAMF0, values(t, "@clearDataFrame", "onMetaData"))
	hdr := map[string]any{"colorConfig": map[string]any{"transferCharacteristics": 16.0}}
	c.write(4, rtmp.Message{Kind: video, Stream: 1, Time: 1070, Body: append([]byte("\xd4hvc1"), values(t, "colorInfo", hdr)...)})
	c.write(4, rtmp.Message{Kind: video, Stream: 1, Time: 1070, Body: []byte("\xd4hvc1\x02\x00\x05cut")})
	c.write(4, rtmp.Message{Kind: video, Stream: 1, Time: 1070, Body: []byte("\xd4hvc1")})
	c.unpublish()
	if err := <-ended; err != nil || len(units) != 2 {
		t.Fatalf("%d units, %v", len(units), err)
	}
	want := []heard{
		{frame.Cue{Name: "onMetaData", PTS: 0, Values: []any{map[string]any{"width": 1280.0, "encoder": "x"}}}, 0},
		{frame.Cue{Name: "onCuePoint", PTS: 1020 * time.Millisecond, Values: []any{map[string]any{"name": "goal"}}}, 1},
		{frame.Cue{Name: "onTextData", PTS: 1050 * time.Millisecond, Values: []any{"hello"}}, 2},
		{frame.Cue{Name: "@clearDataFrame", PTS: 1060 * time.Millisecond, Values: []any{"onMetaData"}}, 2},
		{frame.Cue{Name: "colorInfo", PTS: 1070 * time.Millisecond, Values: []any{hdr}}, 2},
	}
	for i, w := range want {
		if i >= len(cues) {
			t.Fatalf("%d cues, want %d", len(cues), len(want))
		}
		got := cues[i]
		if i > 0 && !got.Time.Equal(units[0].Time.Add(got.PTS-units[0].PTS)) {
			t.Errorf("%s is of %v, the unit at %v of %v", got.Name, got.Time, units[0].PTS, units[0].Time)
		}
		if got.Time = (time.Time{}); !reflect.DeepEqual(got, w) {
			t.Errorf("got %+v, want %+v", got, w)
		}
	}
	if len(cues) != len(want) {
		t.Errorf("%d cues, want %d: %+v", len(cues), len(want), cues)
	}
}

// TestCapabilitiesAreToldToWhoAsks: an encoder that knows enhanced RTMP learns which codecs it may send, and only that one.
func TestCapabilitiesAreToldToWhoAsks(t *testing.T) {
	addr, _ := start(t, &rtmp.Server{Handler: make(recorder, 1)})
	for _, test := range []struct {
		about  string
		object map[string]any
		told   bool
	}{
		{"an encoder of old", map[string]any{"app": "live"}, false},
		{"version 1", map[string]any{"app": "live", "fourCcList": []string{"hvc1", "av01"}}, true},
		{"version 2", map[string]any{"app": "live", "capsEx": 4.0, "videoFourCcInfoMap": map[string]any{"*": 4.0}}, true},
	} {
		c := dial(t, addr)
		c.call(0, "connect", 1, test.object)
		a := c.answer()
		info := a[3].(map[string]any)
		video, _ := info["videoFourCcInfoMap"].(map[string]any)
		list, _ := info["fourCcList"].([]any)
		told := len(list) == 5 && video["hvc1"] == 1.0 && video["av01"] == 1.0 && info["capsEx"] == 14.0
		if told != test.told || !test.told && (video != nil || list != nil) || info["code"] != "NetConnection.Connect.Success" {
			t.Errorf("%s: %v", test.about, info)
		}
	}
}
