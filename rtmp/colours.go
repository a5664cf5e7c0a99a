package rtmp

import (
	"math"

	"github.com/livestill/livestill/frame"
)

const colorInfo = "colorInfo"

// colours returns what a cue says of the colours of the pictures to come, if it says something: Enhanced RTMP v2, "Metadata Frame". What is no number, or
// out of range, is left out. Without a value, or with an empty object, nothing holds any more that was said before.
//
//	colorInfo: {colorConfig: {colorPrimaries, transferCharacteristics, matrixCoefficients}  hdrCll: {maxCLL, maxFall}  hdrMdcv: {maxLuminance}}
func colours(cue frame.Cue) (c frame.Colours, ok bool) {
	if cue.Name != colorInfo || len(cue.Values) == 0 {
		return c, false
	}
	object, ok := cue.Values[0].(map[string]any)
	if !ok {
		return c, cue.Values[0] == nil
	}
	number := func(in, key string, most float64) float64 {
		group, _ := object[in].(map[string]any)
		if v, _ := group[key].(float64); v >= 0 && v <= most {
			return v
		}
		return 0
	}
	coded := func(key string) (n uint8) {
		v := number("colorConfig", key, math.MaxUint8)
		if n = uint8(v); float64(n) != v {
			return 0
		}
		return n
	}
	light := func(in, key string) int32 { return int32(math.Round(number(in, key, math.MaxInt32))) }
	return frame.Colours{
		Primaries: coded("colorPrimaries"), Transfer: coded("transferCharacteristics"), Matrix: coded("matrixCoefficients"),
		MaxContent: light("hdrCll", "maxCLL"), MaxAverage: light("hdrCll", "maxFall"), MaxMastering: light("hdrMdcv", "maxLuminance"),
	}, true
}
