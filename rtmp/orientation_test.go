package rtmp_test

import (
	"context"
	"math"
	"slices"
	"testing"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/bitstream"
	"github.com/livestill/livestill/rtmp"
)

// TestOrientation: a publisher that says in its metadata how a player is to turn the pictures has them turned from the next one on, and whoever begins
// at any key unit knows it. What it says beside degrees and quarters changes nothing.
func TestOrientation(t *testing.T) {
	ended := make(chan error, 1)
	var units []frame.AccessUnit
	addr, _ := start(t, &rtmp.Server{Handler: frame.HandlerFunc(func(_ context.Context, s *frame.Stream) error {
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
	time := uint32(0)
	send := func(kind byte, body []byte) {
		c.write(4, rtmp.Message{Kind: kind, Stream: 1, Time: time, Body: body})
		time += 20
	}
	metadata := func(v any) []byte {
		return values(t, "@setDataFrame", "onMetaData", map[string]any{"width": 1280.0, "orientation": v})
	}
	var want []int
	for _, tt := range []struct {
		says []byte // nil for nothing
		want int
	}{
		{nil, 0}, {metadata(90.0), 90}, {nil, 90}, {metadata(270.0), 270}, {metadata(-90.0), 270}, {metadata(180.0), 180}, {metadata(0.0), 0},
		{metadata(1.0), 90}, {metadata(2.0), 180}, {metadata(3.0), 270}, {metadata(360.0), 0},
		{values(t, "onMetaData", map[string]any{"orientation": 90.0}), 90},
		{metadata(45.0), 90}, {metadata(4.0), 90}, {metadata(1e300), 90}, {metadata(math.NaN()), 90}, {metadata("landscape"), 90}, {metadata(nil), 90},
		{metadata(true), 90}, {metadata([]any{180.0}), 90}, {values(t, "onMetaData"), 90}, {values(t, "onMetaData", 180.0), 90},
		{values(t, "onTextData", map[string]any{"orientation": 180.0}), 90}, {[]byte("\x02\x00\x0aonMetaData\x03"), 90},
		{values(t, "@setDataFrame", "onMetaData", map[string]any{"orientation": 180.0}), 180},
		{metadata("270"), 270}, {values(t, "onMetaData", map[string]any{"rotate": "90"}), 90}, {values(t, "onMetaData", map[string]any{"rotation": 180.0}), 180},
	} {
		if tt.says != nil {
			send(dataAMF0, tt.says)
		}
		for _, key := range []bool{len(want)%4 == 0, false} {
			send(video, picture(key, 300))
			want = append(want, tt.want)
		}
	}
	c.unpublish()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	var all, late bitstream.Tracker
	var got, begun []int
	for i := range units {
		if units[i].Key {
			late = bitstream.Tracker{}
		}
		got = append(got, all.Next(&units[i]).Orientation.Rotation)
		begun = append(begun, late.Next(&units[i]).Orientation.Rotation)
	}
	if !slices.Equal(got, want) || !slices.Equal(begun, want) {
		t.Errorf("turned by\n%v and, from the last key unit on,\n%v, want\n%v", got, begun, want)
	}
}
