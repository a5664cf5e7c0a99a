package bitstream

import (
	"encoding/binary"
	"math"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"

	"github.com/livestill/livestill/internal/bitstream/bitio"
)

// Values of payloadType (ITU-T H.264 section D.1.1), and how many bytes their payloads have.
const (
	seiMasteringDisplay, masteringDisplaySize = 137, 24
	seiContentLight, contentLightSize         = 144, 4
)

// LightLevels are what an H.264 stream of high dynamic range says of its light, in cd/m²; zero if it says nothing. FFmpeg 5.1 reads them of other
// codecs alone.
type LightLevels struct {
	MaxContent, MaxAverage int // of a sample, and of a picture's mean
	MaxMastering           int // of the display that it was made on
}

// ReadLightLevels reads the messages of a unit of H.264 that apply until the next sequence begins (sections D.2.29 and D.2.31):
//
//	mastering display colour volume: x, y of three primaries and of white (16 each)  max_luminance (32, a unit is 0.0001 cd/m²)  min_luminance (32)
//	content light level: max_content (16)  max_pic_average (16)
func ReadLightLevels(nals [][]byte) (l LightLevels) {
	for _, n := range nals {
		if len(n) == 0 || len(n) > maxSEI || typeH264(n) != h264.NALUTypeSEI || forbidden(n) {
			continue
		}
		for b := bitio.RBSP(make([]byte, 0, len(n)), n)[1:]; len(b) > 2; {
			var kind, size int
			kind, b = seiNumber(b)
			if size, b = seiNumber(b); size > len(b) {
				break
			}
			l.read(kind, b[:size])
			b = b[size:]
		}
	}
	return l
}

// read reads a message.
func (l *LightLevels) read(kind int, payload []byte) {
	switch {
	case kind == seiMasteringDisplay && len(payload) >= masteringDisplaySize:
		const chromaticities, unit = 16, 0.0001
		l.MaxMastering = int(math.Round(unit * float64(binary.BigEndian.Uint32(payload[chromaticities:]))))
	case kind == seiContentLight && len(payload) >= contentLightSize:
		l.MaxContent, l.MaxAverage = int(binary.BigEndian.Uint16(payload)), int(binary.BigEndian.Uint16(payload[2:]))
	}
}
