package rtsp_test

import (
	"io"
	"strings"
	"testing"

	"github.com/pion/rtp"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/bitstream"
	"github.com/livestill/livestill/rtsp"
)

// TestOrientation has a camera that is turned upside down tell so in RTP, to a Client and to a Server, where the description says by which extension.
func TestOrientation(t *testing.T) {
	units := small(t)
	for attribute, want := range map[string]int{
		"extmap:5 urn:3gpp:video-orientation":                                            180,
		"extmap:5/sendonly urn:3gpp:video-orientation":                                   180,
		"extmap:4 urn:x:other\r\na=extmap:5 urn:3gpp:video-orientation":                  180,
		"extmap:6 urn:3gpp:video-orientation":                                            0,
		"extmap:5 urn:ietf:params:rtp-hdrext:toffset":                                    0,
		"extmap:999 urn:3gpp:video-orientation":                                          0,
		"extmap:x urn:3gpp:video-orientation\r\na=extmap\r\na=extmap:5":                  0,
		"extmap: urn:3gpp:video-orientation":                                             0,
		"extmap:999 urn:3gpp:video-orientation\r\na=extmap:5 urn:3gpp:video-orientation": 180,
	} {
		sdp := strings.Replace(describe(units), "a=control", "a="+attribute+"\r\na=control", 1)
		send := func(r *raw) {
			for _, u := range units[:6] {
				for _, b := range r.packetize(t, u) {
					var p rtp.Packet
					if err := p.Unmarshal(b); err != nil {
						t.Fatal(err)
					}
					if p.Marker {
						p.Extension, p.ExtensionProfile = true, 0xbede
						if err := p.SetExtension(5, []byte{2}); err != nil {
							t.Fatal(err)
						}
					}
					b, err := p.Marshal()
					if err != nil {
						t.Fatal(err)
					}
					_, _ = r.Write(interleave(b))
				}
			}
		}
		url := alone(sdp, func(r *raw) {
			send(r)
			_, _ = io.Copy(io.Discard, r.in)
		}).start(t)
		_, pulled := collect(t, &rtsp.Client{URL: url, Transport: rtsp.TCP}, 4)
		got := make(taker, 1)
		addr, _ := listen(t, &rtsp.Server{Handler: takeSome{got, 4}})
		r := dial(t, addr, nil)
		r.record(t, sdp)
		send(r)
		for _, units := range [][]frame.AccessUnit{pulled, (<-got).units} {
			var tracker bitstream.Tracker
			for i := range units {
				if o := tracker.Next(&units[i]).Orientation; o.Rotation != want || o.Mirrored {
					t.Errorf("%q: unit %d: %+v, want %d degrees", attribute, i, o, want)
				}
			}
		}
	}
}
