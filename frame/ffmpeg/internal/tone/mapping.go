// Package tone makes standard dynamic range and BT.709 primaries of what has others: as curves and matrices, and as a table of them for all
// colours at once.
//
// PQ and HLG are made light of a display of 1000 cd/m² or as bright as the stream says (ITU-R BT.2100), that is brought down to
// 203 cd/m², which is the white of SDR in HDR (BT.2408), by the curve of BT.2390, and then coded for a display of SDR (BT.1886). The curve is
// applied to the largest of R, G and B, and the others go along: hue and saturation stay. What BT.709 has no colours for comes as near as can be.
package tone

import "github.com/livestill/livestill/frame"

// BT2020 are the primaries of BT.2020, by their number in ITU-T H.273, table 2.
const BT2020 = 9

// The other primaries of that table.
const (
	bt709     = 1
	dciP3     = 11
	displayP3 = 12

	// Players treat these as BT.709: most are near it, and the others are of no stream.
	bt470M    = 4
	bt470BG   = 5 // BT.601 of 625 lines
	smpte170M = 6 // BT.601 of 525 lines
	smpte240M = 7
	film      = 8
	cieXYZ    = 10
	ebu3213   = 22
)

// Light in cd/m².
const (
	white     = 203   // of SDR: BT.2408, table 1
	usual     = 1000  // the peak of HLG, and of PQ that tells none
	brightest = 10000 // of PQ
)

// A Mapping is what has to be done to the colours of a picture. The zero Mapping is nothing.
type Mapping struct {
	primaries uint8 // those of the picture, one of the above
	transfer  uint8 // frame.TransferPQ, frame.TransferHLG, or 0 for SDR
	peak      int32 // in cd/m²; 0 for SDR
}

// Of returns what has to be done to the colours of a signal.
//
// Primaries of BT.2020 and P3 are mapped. HDR without primaries is BT.2020, all else BT.709. All transfer functions but PQ and HLG are that of
// SDR displays.
func Of(s *frame.Signal) Mapping {
	m := Mapping{primaries: bt709}
	switch s.Primaries {
	case BT2020, dciP3, displayP3:
		m.primaries = s.Primaries
	case bt709, bt470M, bt470BG, smpte170M, smpte240M, film, cieXYZ, ebu3213:
	default:
		if s.HDR() {
			m.primaries = BT2020
		}
	}
	switch {
	case s.Transfer == frame.TransferPQ:
		m.transfer, m.peak = frame.TransferPQ, peak(s)
	case s.Transfer == frame.TransferHLG:
		m.transfer, m.peak = frame.TransferHLG, usual
	case m.primaries == bt709:
		return Mapping{}
	}
	return m
}

// peak returns how bright a picture of PQ may be.
func peak(s *frame.Signal) int32 {
	for _, told := range [...]int32{s.MaxContent, s.MaxMastering} {
		if told > 0 {
			return min(max(told, white), brightest)
		}
	}
	return usual
}

// Changes returns what doing it is called.
func (m Mapping) Changes() (c frame.Changes) {
	if m.transfer != 0 {
		c |= frame.ToneMapped
	}
	if m.primaries != bt709 && m != (Mapping{}) {
		c |= frame.GamutMapped
	}
	return c
}
