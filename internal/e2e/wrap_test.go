package e2e_test

import (
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"math"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/format"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/frametest"
	"github.com/livestill/livestill/internal/bitstream"
	"github.com/livestill/livestill/rtsp"
)

// TestTimestampsWrap publishes streams whose timestamps begin anew at zero in their middle: after 32 bits, and after the 31 of FFmpeg's FLV.
func TestTimestampsWrap(t *testing.T) {
	clip := frametest.Clip{Frames: momentFrames, GOP: momentGOP, BFrames: 2}
	for about, send := range map[string]func(t *testing.T, cam *capture.Camera, units []frame.AccessUnit){
		"RTMP, 32 bits of milliseconds": sendRTMP(math.MaxUint32-800, math.MaxUint32),
		"RTMP, 31 bits of milliseconds": sendRTMP(math.MaxInt32-800, math.MaxInt32),
		"RTSP, 32 bits of 90 kHz":       sendRTSP(math.MaxUint32 - 72000),
	} {
		t.Run(about, func(t *testing.T) {
			t.Parallel()
			encoded := clip.Units(t)
			cam := recall(t)
			send(t, cam, encoded)
			units := remembered(cam)
			if len(units) != momentFrames {
				t.Fatalf("%d units, want %d", len(units), momentFrames)
			}
			for i, u := range units {
				if d := u.PTS - units[0].PTS - (encoded[i].PTS - encoded[0].PTS); d.Abs() > 2*time.Millisecond {
					t.Fatalf("unit %d: PTS %v, off by %v", i, u.PTS, d)
				}
			}
			shown := recording{}.shown(t, units)
			clean := decodeAll(t, units)
			for _, p := range taps(units, shown) {
				p.check(t, cam, shown, clean)
			}
			tap{capture.Moment{}, momentFrames - 1}.check(t, cam, shown, clean)
		})
	}
}

func remembered(cam *capture.Camera) []frame.AccessUnit { return slices.Concat(cam.History.GOPs()...) }

// sets returns the parameter sets of a key unit of H.264, and what follows them.
func sets(u frame.AccessUnit) (sps, pps []byte, rest [][]byte) {
	for _, n := range bitstream.SplitAnnexB(nil, u.Data) {
		switch n[0] & 0x1f {
		case 7:
			sps = n
		case 8:
			pps = n
		default:
			rest = append(rest, n)
		}
	}
	return sps, pps, rest
}

// serving returns a Handler that is the Camera's, and what waits for the end of its stream.
func serving(t *testing.T, cam *capture.Camera) (h frame.Handler, wait func()) {
	t.Helper()
	ended := make(chan error, 1)
	return frame.HandlerFunc(func(ctx context.Context, s *frame.Stream) error {
			err := cam.ServeStream(ctx, s)
			ended <- err
			return err
		}), func() {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
}

// sendRTMP publishes units to a Server, with timestamps that begin at zero and have the bits of a mask.
func sendRTMP(zero, mask uint32) func(t *testing.T, cam *capture.Camera, units []frame.AccessUnit) {
	return func(t *testing.T, cam *capture.Camera, units []frame.AccessUnit) {
		t.Helper()
		h, wait := serving(t, cam)
		hangUp := publishTimed(t, listen(t, h), messagesOf(units, zero, mask))
		wait()
		if err := hangUp(); err != nil {
			t.Error(err)
		}
	}
}

// messagesOf returns the messages of RTMP that carry units of H.264, with timestamps that begin at zero and have the bits of a mask.
func messagesOf(units []frame.AccessUnit, zero, mask uint32) []timed {
	sps, pps, _ := sets(units[0])
	header := []byte{0x17, 0, 0, 0, 0, 1, sps[1], sps[2], sps[3], 0xff, 0xe1}
	header = append(append(binary.BigEndian.AppendUint16(header, uint16(len(sps))), sps...), 1)
	header = append(binary.BigEndian.AppendUint16(header, uint16(len(pps))), pps...)
	bodies := []timed{{zero, header}}
	for _, u := range units {
		offset := uint32((u.PTS - u.DTS).Milliseconds())
		body := []byte{0x27, 1, byte(offset >> 16), byte(offset >> 8), byte(offset)}
		_, _, nals := sets(u)
		for _, n := range nals {
			body = append(binary.BigEndian.AppendUint32(body, uint32(len(n))), n...)
		}
		bodies = append(bodies, timed{(zero + uint32(u.DTS.Milliseconds())) & mask, body})
	}
	return bodies
}

// sendRTSP publishes units to a Server, with timestamps that begin at zero.
func sendRTSP(zero uint32) func(t *testing.T, cam *capture.Camera, units []frame.AccessUnit) {
	return func(t *testing.T, cam *capture.Camera, units []frame.AccessUnit) {
		t.Helper()
		h, wait := serving(t, cam)
		ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		served := make(chan error)
		go func() {
			served <- (&rtsp.Server{Handler: h, Logger: slog.New(slog.DiscardHandler), PublishTimeout: ample, IdleTimeout: ample}).Serve(ctx, ln)
		}()
		t.Cleanup(func() {
			cancel()
			if err := <-served; !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
		sps, pps, _ := sets(units[0])
		f := &format.H264{PayloadTyp: 96, PacketizationMode: 1, SPS: sps, PPS: pps}
		media := &description.Media{Type: description.MediaTypeVideo, Formats: []format.Format{f}}
		packer, err := f.CreateEncoder()
		if err != nil {
			t.Fatal(err)
		}
		tcp := gortsplib.TransportTCP
		c := gortsplib.Client{Transport: &tcp, ReadTimeout: ample, WriteTimeout: ample, WriteQueueSize: 8192}
		if err := c.StartRecording("rtsp://"+ln.Addr().String()+"/wrap", &description.Session{Medias: []*description.Media{media}}); err != nil {
			t.Fatal(err)
		}
		for _, u := range units {
			packets, err := packer.Encode(bitstream.SplitAnnexB(nil, u.Data))
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range packets {
				p.Timestamp = zero + uint32(u.PTS*9/100000)
				if err := c.WritePacketRTP(media, p); err != nil {
					t.Fatal(err)
				}
			}
		}
		for changed := cam.History.Changed(); len(remembered(cam)) < len(units); changed = cam.History.Changed() {
			<-changed
		}
		c.Close()
		wait()
	}
}
