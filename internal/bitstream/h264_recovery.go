package bitstream

import (
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"

	"github.com/livestill/livestill/internal/bitstream/bitio"
)

// recoveryPoint returns recovery_frame_cnt (ITU-T H.264 section D.2.8), with which the message begins as an Exp-Golomb code (D.1.8), if the unit that
// consists of nals is a recovery point: so many pictures that are referred to come from it on, up to the first that is clean.
// space is for messages.
func recoveryPoint(nals [][]byte, space *[]byte) (count uint64, ok bool) {
	for _, n := range nals {
		if len(n) == 0 || typeH264(n) != h264.NALUTypeSEI {
			continue
		}
		for kind, payload := range seiMessages(n, 1, space) {
			if kind == seiRecoveryPoint {
				r := bitio.NewReader(payload, 0)
				count := r.UE()
				return uint64(count), !r.Failed
			}
		}
	}
	return 0, false
}

// A recovery tells which units come before the clean ones where decoding began at a recovery point. FFmpeg knows which pictures it leaves
// unclean, but says nothing of those that it buffers to the end.
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
		r.remain, _ = recoveryPoint(nals, new([]byte))
	case r.remain > 0 && !s.NonReference && !s.SecondField:
		r.remain--
	}
	s.NoIDR, s.BeforeRecovery = r.noIDR, r.noIDR && r.remain > 0
}
