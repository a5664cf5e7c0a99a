package rtsp_test

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"strings"
	"testing"

	"github.com/livestill/livestill/rtsp"
	"github.com/pion/rtp"
)

// TestGStreamerPublishesJPEG has GStreamer publish pictures of sizes that RTP has no room for, of which it tells in the description.
func TestGStreamerPublishesJPEG(t *testing.T) {
	for _, size := range []image.Point{{2592, 1944}, {640, 360}} {
		got := make(taker, 1)
		addr, _ := listen(t, &rtsp.Server{Handler: takeSome{got, 2}})
		if err := gstreamer(t, got, "videotestsrc num-buffers=50 ! video/x-raw,format=I420,width=%d,height=%d,framerate=10/1 ! jpegenc ! "+
			"rtspclientsink protocols=tcp location=rtsp://%s/live/cam", size.X, size.Y, addr); err != nil {
			t.Fatal(err)
		}
		for _, u := range (<-got).units {
			img, err := jpeg.Decode(bytes.NewReader(u.Data))
			if err != nil || img.Bounds().Size() != size {
				t.Errorf("%v: %v, %v", size, img.Bounds(), err)
			}
		}
	}
}

// TestJPEGIsAsLargeAsDescribed has the description tell of the size in the ways that there are, to a Client and to a Server.
func TestJPEGIsAsLargeAsDescribed(t *testing.T) {
	const width, height = 2060, 12
	var file bytes.Buffer
	if err := jpeg.Encode(&file, image.NewYCbCr(image.Rect(0, 0, width, height), image.YCbCrSubsampleRatio420), &jpeg.Options{Quality: 50}); err != nil {
		t.Fatal(err)
	}
	_, scan, _ := bytes.Cut(file.Bytes(), []byte{0xff, 0xda})
	payload := append([]byte{0, 0, 0, 0, 1, 50, 0, 0}, scan[12:]...) // RFC 2435 section 3.1
	for _, attribute := range []string{"x-dimensions:2060,12", "x-dimensions: 2060 , 12", "framesize:26 2060-12", "cliprect:0,0,12,2060"} {
		sdp := general + "m=video 0 RTP/AVP 26\r\na=" + attribute + "\r\na=control:streamid=0\r\n"
		packets := func(r *raw) {
			for n := range 3 {
				p := rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: 26, SequenceNumber: uint16(n), Timestamp: uint32(n) * 3000, Marker: true}, Payload: payload}
				b, err := p.Marshal()
				if err != nil {
					t.Fatal(err)
				}
				_, _ = r.Write(interleave(b))
			}
		}
		url := alone(sdp, func(r *raw) {
			packets(r)
			_, _ = io.Copy(io.Discard, r.in)
		}).start(t)
		_, pulled := collect(t, &rtsp.Client{URL: url, Transport: rtsp.TCP}, 2)
		got := make(taker, 1)
		addr, _ := listen(t, &rtsp.Server{Handler: takeSome{got, 2}})
		r := dial(t, addr, nil)
		r.record(t, sdp)
		packets(r)
		for i, u := range append(pulled, (<-got).units...) {
			c, err := jpeg.DecodeConfig(bytes.NewReader(u.Data))
			if err != nil || c.Width != width || c.Height != height {
				t.Errorf("%s: unit %d is of %d x %d, %v", attribute, i, c.Width, c.Height, err)
			}
		}
	}
}

// TestVideoSaidToBeSent has an encoder say of its video that it is sent, as it is.
func TestVideoSaidToBeSent(t *testing.T) {
	units := small(t)
	for _, direction := range []string{"sendonly", "recvonly", "inactive", "sendrecv"} {
		got := make(taker, 1)
		addr, _ := listen(t, &rtsp.Server{Handler: takeSome{got, 10}})
		r := dial(t, addr, nil)
		r.record(t, strings.Replace(describe(units), "a=control", fmt.Sprintf("a=%s\r\na=control", direction), 1))
		r.send(t, units[:11]...)
		arrived(t, <-got, units[:10], 0)
	}
}
