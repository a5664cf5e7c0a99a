package rtsp_test

import (
	"testing"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/livestill/livestill/rtsp"
	"github.com/pion/rtp"
)

// TestSRTP publishes over TLS and UDP, for which packets are encrypted one by one. Neither ffmpeg nor GStreamer's sink does so with
// keys that are handed over in SETUP.
func TestSRTP(t *testing.T) {
	units, config, got := small(t), certificate(), make(taker, 1)
	addr, _ := listen(t, &rtsp.Server{Handler: takeSome{got, 50}, TLSConfig: config, UDPAddr: "127.0.0.1:0"})
	udp := gortsplib.TransportUDP
	c := gortsplib.Client{TLSConfig: trusting(config), Transport: &udp, WriteQueueSize: 1024, ReadTimeout: ample, WriteTimeout: ample}
	media := &description.Media{Type: description.MediaTypeVideo,
		Formats: []format.Format{&format.H264{PayloadTyp: payloadType, PacketizationMode: 1}}}
	if err := c.StartRecording("rtsps://"+addr+"/live/cam", &description.Session{Medias: []*description.Media{media}}); err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var r raw
	for _, u := range units {
		for _, b := range r.packetize(t, u) {
			var p rtp.Packet
			if err := p.Unmarshal(b); err != nil {
				t.Fatal(err)
			}
			if c.WritePacketRTP(media, &p) != nil {
				break // it is hung up on
			}
		}
	}
	arrived(t, <-got, units, 10)
}
