package bitstream

// The highest level of H.264 of which FFmpeg knows how many pictures the buffer has room for.
const knownLevel = 52

// MaxDpbMbs: how many macroblocks the buffer of decoded pictures has room for, by level (ITU-T H.264 table A-1).
var maxDpbMbs = map[uint8]int{
	10: 396, 11: 900, 12: 2376, 13: 2376, 20: 2376, 21: 4752, 22: 8100, 30: 8100, 31: 18000, 32: 20480, 40: 32768, 41: 32768, 42: 34816,
	50: 110400, 51: 184320, 52: 184320, 60: 696320, 61: 696320, 62: 696320,
}

// depth returns MaxDpbFrames, how many pictures the buffer of a stream has room for by its level (ITU-T H.264 section A.3.1).
func (s *spsH264) depth() int {
	mbs := int(s.PicWidthInMbsMinus1+1) * int(s.PicHeightInMapUnitsMinus1+1)
	if !s.FrameMbsOnlyFlag {
		mbs *= 2
	}
	if room, ok := maxDpbMbs[s.LevelIdc]; ok && mbs > 0 {
		return min(room/mbs, maxRefPics)
	}
	return maxRefPics
}

// roomier returns the next level for which the buffer of decoded pictures is larger (ITU-T H.264 table A-1).
func roomier(level uint8) uint8 {
	for _, l := range [...]struct{ upTo, next uint8 }{ // the highest of those with the same buffer, and the one after it
		{10, 11}, {11, 12}, {20, 21}, {21, 22}, {30, 31}, {31, 32}, {32, 40}, {41, 42}, {42, 50}, {50, 51},
	} {
		if level <= l.upTo {
			return l.next
		}
	}
	return 60
}
