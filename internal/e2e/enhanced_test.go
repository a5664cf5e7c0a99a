package e2e_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	gortmp "github.com/yutopp/go-rtmp"
	"github.com/yutopp/go-rtmp/message"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/frametest"
	"github.com/livestill/livestill/internal/bitstream"
)

// Packet types of enhanced RTMP.
const (
	sequenceStart = 0
	codedFrames   = 1
)

// TestEnhancedRTMP publishes clips in codecs that plain RTMP has no name for, with go-rtmp's client, since ffmpeg 5.1 cannot, and
// captures frames of them.
func TestEnhancedRTMP(t *testing.T) {
	const frames, gop = 40, 20
	for _, test := range []struct {
		codec  frame.Codec
		fourCC string
		args   string // for ffmpeg
		record []byte // what the sequence starts with; nil for nothing
		split  func(t *testing.T, file []byte) [][]byte
	}{
		{frame.H265, "hvc1", "-c:v libx265 -preset ultrafast -x265-params log-level=none:aud=1:bframes=0:keyint=20:min-keyint=20 -f hevc",
			append(append([]byte{1}, make([]byte, 20)...), 3, 0), hevc},
		{frame.AV1, "av01", "-c:v libaom-av1 -cpu-used 8 -usage realtime -g 20 -lag-in-frames 0 -f ivf", nil, ivf},
		{frame.VP9, "vp09", "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 20 -lag-in-frames 0 -f ivf", nil, ivf},
		{frame.VP8, "vp08", "-c:v libvpx -deadline realtime -g 20 -f ivf", nil, ivf},
	} {
		t.Run(test.codec.String(), func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "clip")
			clip := frametest.Clip{Frames: frames, GOP: gop}
			args := append([]string{"-i", clip.File(t)}, strings.Fields(test.args)...)
			if out, err := frametest.Run(t, append(args, path)...).Wait(); err != nil {
				t.Fatal(err, out)
			}
			file, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var bodies [][]byte
			if test.record != nil {
				bodies = append(bodies, append([]byte{0x90 | sequenceStart}, test.fourCC+string(test.record)...))
			}
			for _, picture := range test.split(t, file) {
				body := append([]byte{0xa0 | codedFrames}, test.fourCC...) // the frame type is wrong for key pictures, and is not believed
				if test.codec == frame.H265 {
					body = append(body, 0, 0, 0)
				}
				bodies = append(bodies, append(body, picture...))
			}
			cam := camera()
			ended := make(chan error, 1)
			url := listen(t, frame.HandlerFunc(func(ctx context.Context, s *frame.Stream) error {
				err := cam.ServeStream(ctx, s)
				ended <- err
				return err
			}))
			hangUp := publish(t, url, bodies)
			if err := <-ended; err != nil { // to hang up before that might reset the connection
				t.Fatal(err)
			}
			if err := hangUp(); err != nil {
				t.Fatal(err)
			}
			var units []frame.AccessUnit
			for _, g := range cam.History.GOPs() {
				units = append(units, g...)
			}
			if len(units) != frames || units[0].Codec != test.codec {
				t.Fatalf("%d units of %v, want %d of %v", len(units), units[0].Codec, frames, test.codec)
			}
			for range 6 {
				n := rand.IntN(frames)
				still, err := cam.Capture(t.Context(), capture.Request{Moment: capture.At(units[n].Time), Tolerance: -1})
				if err != nil {
					t.Fatal(err)
				}
				if got := number(t, still); got != n || still.Key != (n%gop == 0) {
					t.Errorf("asked for frame %d, got %d, key %v", n, got, still.Key)
				}
			}
		})
	}
}

// publish sends the bodies of video messages, a 30th of a second after one another, and says that this was all.
func publish(t *testing.T, url string, bodies [][]byte) (hangUp func() error) {
	t.Helper()
	messages := make([]timed, len(bodies))
	for i, body := range bodies {
		at := time.Duration(i) * time.Second / 30
		messages[i] = timed{uint32(at.Milliseconds()), body}
	}
	return publishTimed(t, url, messages)
}

// A timed is the body of a message, and its timestamp.
type timed struct {
	stamp uint32
	body  []byte
}

func publishTimed(t *testing.T, url string, messages []timed) (hangUp func() error) {
	t.Helper()
	client, stream := publishOn(t, url, "enhanced", messages)
	// The client's own DeleteStream has a data race with its reader.
	leave := &message.CommandMessage{CommandName: "FCUnpublish", Encoding: message.EncodingTypeAMF0, Body: strings.NewReader("\x05\x02\x00\x08enhanced")}
	if err := stream.Write(3, 0, leave); err != nil {
		t.Fatal(err)
	}
	return client.Close
}

// publishOn sends messages under a name, and goes on publishing.
func publishOn(t *testing.T, url, name string, messages []timed) (*gortmp.ClientConn, *gortmp.Stream) {
	t.Helper()
	host, _, _ := strings.Cut(strings.TrimPrefix(url, "rtmp://"), "/")
	client, err := gortmp.Dial("rtmp", host, &gortmp.ConnConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Connect(&message.NetConnectionConnect{Command: message.NetConnectionConnectCommand{App: "live", TCURL: url}}); err != nil {
		t.Fatal(err)
	}
	stream, err := client.CreateStream(nil, 1<<20) // a chunk for each message: it cannot split those with large timestamps
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Publish(&message.NetStreamPublish{PublishingName: name, PublishingType: "live"}); err != nil {
		t.Fatal(err)
	}
	for _, m := range messages {
		if err := stream.Write(6, m.stamp, &message.VideoMessage{Payload: bytes.NewReader(m.body)}); err != nil {
			t.Fatal(err)
		}
	}
	return client, stream
}

// hevc splits a byte stream with delimiters into pictures of NAL units with their lengths.
func hevc(t *testing.T, file []byte) (pictures [][]byte) {
	t.Helper()
	const delimiter = 35
	for _, n := range bitstream.SplitAnnexB(nil, file) {
		if n[0]>>1&0x3f == delimiter {
			pictures = append(pictures, nil)
		}
		last := len(pictures) - 1
		pictures[last] = append(binary.BigEndian.AppendUint32(pictures[last], uint32(len(n))), n...)
	}
	return pictures
}

// ivf splits an IVF file into frames: a header of 32 bytes, then each frame behind its size and eight bytes of time.
func ivf(t *testing.T, file []byte) (pictures [][]byte) {
	t.Helper()
	if string(file[:4]) != "DKIF" {
		t.Fatal("not an IVF file: " + strconv.Quote(string(file[:4])))
	}
	for b := file[32:]; len(b) > 12; {
		size := int(binary.LittleEndian.Uint32(b))
		pictures = append(pictures, b[12:12+size])
		b = b[12+size:]
	}
	return pictures
}
