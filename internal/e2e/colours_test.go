package e2e_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/ffmpeg"
	"github.com/livestill/livestill/frame/frametest"
)

// TestColoursOverRTMP publishes grey in VP9, which cannot tell PQ and HLG. RTMP does: in the sequence header, and in colorInfo, which comes in
// mid-stream. ffmpeg 5.1 sends neither. Each picture becomes SDR by what holds for it, in a process of its own.
func TestColoursOverRTMP(t *testing.T) {
	const frames, hlgFrom = 12, 6
	path := filepath.Join(t.TempDir(), "clip.ivf")
	args := "-f lavfi -i color=gray:s=64x64:r=30 -frames:v 12 -pix_fmt yuv420p10le -c:v libvpx-vp9 -lossless 1 -deadline realtime -cpu-used 8 -g 100"
	if out, err := frametest.Run(t, append(strings.Fields(args), path)...).Wait(); err != nil {
		t.Fatal(err, out)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	messages := []timed{{0, []byte("\x90vp09\x01\x00\x00\x00\x02\x0a\xa2\x09\x10\x09\x00\x00")}}
	for i, picture := range ivf(t, file) {
		stamp := uint32(i * 33)
		if i == hlgFrom { // {colorConfig: {transferCharacteristics: 18}}, in AMF0
			messages = append(messages, timed{stamp, []byte("\xd4vp09\x02\x00\x09colorInfo\x03\x00\x0bcolorConfig\x03\x00\x17transferCharacteristics\x00" +
				"\x40\x32\x00\x00\x00\x00\x00\x00\x00\x00\x09\x00\x00\x09")})
		}
		messages = append(messages, timed{stamp, append([]byte("\xa1vp09"), picture...)})
	}
	isolated := &ffmpeg.Isolated{}
	defer isolated.Close()
	cam := &capture.Camera{Decoder: isolated, Encoder: &ffmpeg.JPEG{}}
	ended := make(chan error, 1)
	url := listen(t, frame.HandlerFunc(func(ctx context.Context, s *frame.Stream) error {
		err := cam.ServeStream(ctx, s)
		ended <- err
		return err
	}))
	hangUp := publishTimed(t, url, messages)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if err := hangUp(); err != nil {
		t.Fatal(err)
	}
	gop := cam.History.GOPs()[0]
	if len(gop) != frames {
		t.Fatalf("%d units", len(gop))
	}
	for i := range gop {
		still, err := cam.Capture(t.Context(), capture.Request{Moment: capture.AtPTS(gop[i].PTS), Tolerance: -1})
		if err != nil {
			t.Fatal(err)
		}
		// The middle of the values is 92 cd/m² in PQ, and 51 in HLG on a display of 1000; SDR's white is 203, and its gamma 2.4.
		want, transfer := 184, uint8(frame.TransferPQ)
		if i >= hlgFrom {
			want, transfer = 143, frame.TransferHLG
		}
		s := still.Signal
		if s.Transfer != transfer || s.Primaries != 9 || s.Matrix != 9 || still.Picture.Changes != frame.ToneMapped|frame.GamutMapped {
			t.Errorf("unit %d: %+v, %v", i, s, still.Picture.Changes)
		}
		if got := int(still.Picture.Y[0]); got < want-3 || got > want+3 {
			t.Errorf("unit %d: grey of %d, want %d", i, got, want)
		}
	}
}
