package rtsp_test

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/rtsp"
)

// TestAnotherPayloadType: a stream whose packets have another payload type than was described says so.
func TestAnotherPayloadType(t *testing.T) {
	units := small(t)
	c := alone(strings.NewReplacer(" 96", " 98", ":96", ":98").Replace(general+ofH264)+"a=control:trackID=1\r\n", func(r *raw) {
		r.pour(t, units...)
		_, _ = io.Copy(io.Discard, r.in)
	})
	var lacks string
	client := &rtsp.Client{URL: c.start(t), Transport: rtsp.TCP, Once: true, Timeout: time.Second}
	client.Handler = frame.HandlerFunc(func(ctx context.Context, s *frame.Stream) error {
		err := drain(ctx, s)
		lacks = s.Lacks()
		return err
	})
	if err := client.Run(context.Background()); err == nil || lacks != "packets come with payload type 96, but the description has 98" {
		t.Errorf("%q, %v", lacks, err)
	}
}
