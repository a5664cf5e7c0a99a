package feed

import (
	"errors"
	"fmt"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/ingest"
	"github.com/livestill/livestill/internal/unpack"
)

// ErrPacket says that bytes are no packet of RTP or RTCP. The stream can go on without them.
var ErrPacket = errors.New("feed: no RTP packet")

// An RTP makes access units of RTP packets of one stream: H.264 (RFC 6184, but not interleaved), H.265 (RFC 7798), AV1, VP8 (RFC 7741), VP9 (RFC
// 9628), MJPEG (RFC 2435) and MPEG-4 (RFC 6416). It is ready when its Codec is set, which must not change.
//
// Units of which packets are missing are Lost, or left out where they cannot be decoded. A packet out of order counts as missing: where the
// network does that, put them in order first. It takes up to 8 MiB of memory for the unit that is being collected.
type RTP struct {
	Codec frame.Codec

	stream *unpack.Stream
	learn  func(sets ...[]byte) error
	err    error // after which there is nothing more
	lacks  ingest.Lacks
}

// Config takes what a session description has beside the packets: of H.264 and H.265 the parameter sets (sprop-parameter-sets, sprop-vps,
// sprop-sps, sprop-pps) without base64, in any order; of MPEG-4 its config. It is needed if the packets have none of it.
func (r *RTP) Config(sets ...[]byte) error {
	if err := r.begin(); err != nil {
		return err
	}
	if r.learn == nil {
		return nil
	}
	if err := r.learn(sets...); err != nil {
		return fmt.Errorf("feed: %v: %w", r.Codec, err)
	}
	return nil
}

// Packet takes in the next packet, with its header, and returns the units that are whole with it, two at most; nothing of b is kept. It may be
// of RTCP (RFC 5761 section 4 tells which): sender reports tell the source's own clock, and then units have SourceTime.
//
// What is no packet is an ErrPacket, and changes nothing. After any other error, which is returned from then on, nothing more can be made of
// the stream.
func (r *RTP) Packet(b []byte) (units []frame.AccessUnit, err error) {
	if err := r.begin(); err != nil {
		return nil, err
	}
	if len(b) < 2 || b[0]>>6 != version {
		return nil, fmt.Errorf("%w: %d bytes, not of version %d", ErrPacket, len(b), version)
	}
	if firstRTCP <= b[1] && b[1] <= lastRTCP {
		return nil, r.report(b)
	}
	var p rtp.Packet
	if err := p.Unmarshal(b); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPacket, err)
	}
	if err := r.stream.Packet(&p, time.Now(), func(u frame.AccessUnit) { units = append(units, u) }); err != nil {
		r.err = fmt.Errorf("feed: %v: %w", r.Codec, err)
	}
	r.lacks.Set(r.stream.Lacks())
	return units, r.err
}

// Lacks tells why no unit came of the packets up to now; nothing if one did, or if there were none. It is for Stream.Lacks: any goroutine may call
// it.
func (r *RTP) Lacks() string { return r.lacks.Text() }

const (
	version = 2 // RFC 3550 section 5.1

	firstRTCP, lastRTCP = 192, 223 // in the second byte, where packets of RTP have their payload type
)

// report takes in what is in a packet of RTCP.
func (r *RTP) report(b []byte) error {
	packets, err := rtcp.Unmarshal(b)
	if err != nil {
		return fmt.Errorf("%w, of RTCP: %w", ErrPacket, err)
	}
	for _, p := range packets {
		if report, ok := p.(*rtcp.SenderReport); ok {
			r.stream.Report(report.SSRC, report.RTPTime, report.NTPTime)
		}
	}
	return nil
}

// begin makes the stream of the codec.
func (r *RTP) begin() error {
	if r.stream != nil || r.err != nil {
		return r.err
	}
	switch r.Codec {
	case frame.H264:
		f := new(unpack.H264)
		r.stream, r.learn = unpack.New(f), f.Learn
	case frame.H265:
		f := new(unpack.H265)
		r.stream, r.learn = unpack.New(f), f.Learn
	case frame.AV1:
		r.stream = unpack.New(new(unpack.AV1))
	case frame.VP8:
		r.stream = unpack.New(new(unpack.VP8))
	case frame.VP9:
		r.stream = unpack.New(new(unpack.VP9))
	case frame.MJPEG:
		r.stream = unpack.New(new(unpack.MJPEG))
	case frame.MPEG4:
		f := new(unpack.MPEG4)
		r.stream = unpack.New(f)
		r.learn = func(sets ...[]byte) error {
			if len(sets) != 1 {
				return fmt.Errorf("%d configurations, want one", len(sets))
			}
			return f.Learn(sets[0])
		}
	default:
		r.err = errors.New("feed: RTP: its Codec is none that is known here")
	}
	return r.err
}
