package bitstream

import (
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/livestill/livestill/internal/bitstream/bitio"
)

const (
	seiRecoveryPoint = 6 // payloadType, ITU-T H.264 section D.1

	maxSEI = 4 << 10 // bytes of a NAL unit in which a recovery point is looked for; encoders write some 10
)

// recoveryPoint returns recovery_frame_cnt (ITU-T H.264 section D.2.8), if the unit that consists of nals is a recovery point: so many
// pictures that are referred to come from it on, up to the first that is clean. Messages are (sections 7.3.2.3.1 and D.1.8)
//
//	payloadType (8, 255: add the next byte)  payloadSize (8, 255: add the next byte)  recovery_frame_cnt (Exp-Golomb)  ...
func recoveryPoint(nals [][]byte) (count uint64, ok bool) {
	for _, n := range nals {
		if len(n) == 0 || typeH264(n) != h264.NALUTypeSEI || len(n) > maxSEI {
			continue
		}
		b := bitio.RBSP(make([]byte, 0, len(n)), n)[1:]
		for len(b) > 2 {
			var kind, size int
			kind, b = seiNumber(b)
			size, b = seiNumber(b)
			if size > len(b) {
				break
			}
			if kind == seiRecoveryPoint {
				r := bitio.NewReader(b[:size], 0)
				count := r.UE()
				return uint64(count), !r.Failed
			}
			b = b[size:]
		}
	}
	return 0, false
}

// seiNumber reads the type or the size of a message.
func seiNumber(b []byte) (v int, rest []byte) {
	for len(b) > 0 {
		c := b[0]
		b = b[1:]
		if v += int(c); c != 255 {
			break
		}
	}
	return v, b
}

// A recovery tells which units come before the clean ones where decoding began at a recovery point. FFmpeg knows which pictures it leaves
// unclean, but says nothing of those that it holds back to the end.
type recovery struct {
	begun  bool   // a unit came
	noIDR  bool   // the first was no IDR picture, but at best a recovery point
	remain uint64 // pictures that are referred to, up to the first that is clean
}

// count counts the next unit, of which s says already what refers to it, and says in s where it stands.
func (r *recovery) count(nals [][]byte, s *Status) {
	switch {
	case !r.begun:
		r.begun, r.noIDR = true, !HasIDR(nals)
		r.remain, _ = recoveryPoint(nals)
	case r.remain > 0 && !s.NonReference && !s.SecondField:
		r.remain--
	}
	s.NoIDR, s.BeforeRecovery = r.noIDR, r.noIDR && r.remain > 0
}
