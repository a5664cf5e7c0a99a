package unpack_test

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/pion/rtp"
)

// spoil loses, doubles and moves packets at random: a unit that is not marked must be what was encoded, and follow what was encoded
// before it unless it is a key unit. Pictures that are shown before a key unit may refer to what came before: if that is missing, they
// are marked, or left out if there was nothing.
func (k kind) spoil(t *testing.T, all []*rtp.Packet, want []frame.AccessUnit) {
	t.Helper()
	r := rand.New(rand.NewPCG(3, 4))
	index := make(map[time.Duration]int)
	for i, u := range want {
		index[u.PTS.Round(time.Millisecond)] = i
	}
	for _, rate := range []float64{0.005, 0.02, 0.05, 0.5} {
		marked, whole := 0, 0
		for range 30 {
			packets := spoiled(r, rate, all)
			zero := time.Duration(int32(packets[0].Timestamp-all[0].Timestamp)) * time.Second / 90000
			last := -1
			var dts, keyPTS time.Duration
			torn := false // before the last key unit
			for n, u := range k.unpack(t, packets) {
				at, ok := index[(u.PTS + zero).Round(time.Millisecond)]
				got, due := u.Data, want[at].Data
				for n == 1 && last < at-1 && want[last+1].PTS < want[last].PTS {
					last++ // left out
				}
				if u.Key {
					torn, keyPTS = n > 0 && last != at-1, u.PTS
				}
				if n == 0 && k.first != nil {
					got, due = k.first(got), k.first(due)
				}
				switch {
				case !ok:
					t.Fatalf("%v spoiled: no unit has PTS %v", rate, u.PTS+zero)
				case u.Key != want[at].Key && !u.Lost || n == 0 && !u.Key:
					t.Fatalf("%v spoiled: unit %d: key %v, lost %v", rate, at, u.Key, u.Lost)
				case n > 0 && u.DTS < dts:
					t.Fatalf("%v spoiled: unit %d: DTS %v after %v", rate, at, u.DTS, dts)
				case u.Lost:
					marked++
				case torn && u.PTS < keyPTS:
					t.Fatalf("%v spoiled: unit %d refers to what is missing, and is not marked", rate, at)
				case !bytes.Equal(got, due) || last != at-1 && !u.Key:
					t.Fatalf("%v spoiled: unit %d, after %d, is damaged and not marked", rate, at, last)
				default:
					whole++
				}
				last, dts = at, u.DTS
			}
		}
		if rate < 0.5 && (marked == 0 || whole == 0) {
			t.Errorf("%v spoiled: %d units are marked, %d are not", rate, marked, whole)
		}
		t.Logf("%v of packets spoiled: %d units marked, %d whole", rate, marked, whole)
	}
}

// spoiled returns packets of which some are missing, some come twice, and some come later.
func spoiled(r *rand.Rand, rate float64, all []*rtp.Packet) (packets []*rtp.Packet) {
	for len(packets) == 0 {
		for _, p := range all {
			switch {
			case r.Float64() >= rate:
				packets = append(packets, p)
			case r.IntN(3) == 0:
				packets = append(packets, p, p)
			case r.IntN(2) == 0 && len(packets) > 1:
				packets = slices.Insert(packets, len(packets)-1-r.IntN(min(8, len(packets)-1)), p)
			}
		}
	}
	return packets
}
