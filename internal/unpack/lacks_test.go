package unpack_test

import (
	"strings"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/unpack"
	"github.com/pion/rtp"
)

// TestLacks: a stream of which no unit is made says what it lacks, until there is one.
func TestLacks(t *testing.T) {
	const (
		sps, pps, idr, p = "\x67\x42\xc0\x1e\xda", "\x68\xce\x38\x80", "\x65\x88\x84\x10", "\x41\x9a\x02\x04"
		vps265, idr265   = "\x40\x01\x0c\x01", "\x26\x01\xaf\x80"
	)
	for _, test := range []struct {
		about  string
		format unpack.Format
		units  [][]string
		want   string // nothing: a unit was made
	}{
		{"nothing", new(unpack.H264), nil, ""},
		{"no parameter sets", new(unpack.H264), [][]string{{idr}, {p}}, "2 pictures have come, but no parameter sets (SPS and PPS), neither"},
		{"no PPS", new(unpack.H264), [][]string{{sps, idr}, {p}}, "2 pictures have come, but no picture parameter set (PPS), neither"},
		{"no key picture", new(unpack.H264), [][]string{{sps, pps}, {p}, {p}, {p}}, "3 pictures have come, but no whole key picture"},
		{"no sets of H.265", new(unpack.H265), [][]string{{vps265, idr265}}, "1 pictures have come, but no parameter sets (SPS and PPS), neither"},
		{"H.265 that is described as H.264", new(unpack.H264), [][]string{{"\x40\x01\x0c", "\x42\x01\x01", "\x44\x01\xc1", idr265}},
			"1 pictures have come, but no parameter sets (SPS and PPS) of H.264: it is H.265"},
		{"H.264 that is described as H.265", new(unpack.H265), [][]string{{sps, pps, idr}, {p}}, "packets have come, but no picture of H.265: it is H.264"},
		{"the same, in packets of several", new(unpack.H265), [][]string{{"\x78\x00\x05" + sps + "\x00\x04" + pps, idr}, {p}},
			"packets have come, but no picture of H.265: it is H.264"},
		{"nothing but what is no packet of it", new(unpack.H264), [][]string{{"\x1f\x01"}}, "packets have come, but no picture"},
		{"no key frame of VP8", new(unpack.VP8), [][]string{{"\x10\x11\x02\x00"}}, "1 pictures have come, but no whole key picture"},
		{"all that is needed", new(unpack.H264), [][]string{{idr}, {sps, pps, idr}, {p}}, ""},
	} {
		s := unpack.New(test.format)
		sequence := uint16(0)
		for i, unit := range test.units {
			for k, payload := range unit {
				packet := &rtp.Packet{Payload: []byte(payload)}
				packet.SequenceNumber, packet.Timestamp, packet.Marker = sequence, uint32(i)*3600, k == len(unit)-1
				sequence++
				if err := s.Packet(packet, time.Now(), func(frame.AccessUnit) {}); err != nil {
					t.Fatal(err)
				}
			}
		}
		if got := s.Lacks(); !strings.HasPrefix(got, test.want) || got != "" && test.want == "" {
			t.Errorf("%s: %q", test.about, got)
		}
	}
}
