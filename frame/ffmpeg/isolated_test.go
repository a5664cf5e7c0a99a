package ffmpeg_test

import (
	"context"
	"reflect"
	"testing"
	"time"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/ffmpeg"
)

// Both kinds of decoder.
var (
	_ capture.Follower = new(ffmpeg.Decoder)
	_ capture.Follower = new(ffmpeg.Isolated)
	_ capture.Header   = new(ffmpeg.Isolated)
	_ capture.Fields   = new(ffmpeg.Isolated)
)

func decode(ctx context.Context, d capture.Decoder, g frame.GOP, from time.Time) (ps []*frame.Picture, err error) {
	for p, err := range d.Decode(ctx, g, from) {
		if err != nil {
			return ps, err
		}
		ps = append(ps, p)
	}
	return ps, nil
}

// mustEqual fails the test unless both are the very same pictures, in all that is told of them.
func mustEqual(tb testing.TB, got, want []*frame.Picture) {
	tb.Helper()
	if len(got) != len(want) {
		tb.Fatalf("isolated: %d pictures, want %d", len(got), len(want))
	}
	for i, p := range got {
		if !reflect.DeepEqual(p, want[i]) {
			tb.Fatalf("isolated: picture %d of %v is not what it is without", i, p.PTS)
		}
	}
}
