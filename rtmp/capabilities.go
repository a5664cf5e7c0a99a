package rtmp

// What enhanced RTMP's peers tell of themselves in connect and its answer: Enhanced RTMP v2, "Enhancing NetConnection connect
// Command".
const (
	canDecode = 0x01 // a codec in a FourCC map

	capsMultitrack = 0x02
	capsModEx      = 0x04
	capsNanoOffset = 0x08
)

// fourCCs are the codecs that streams may be in, besides the H.264 of plain RTMP.
var fourCCs = [...]string{"avc1", "hvc1", "av01", "vp09", "vp08"}

// decodable returns the FourCC map of what streams may be in.
func decodable() map[string]float64 {
	codecs := make(map[string]float64)
	for _, c := range fourCCs {
		codecs[c] = canDecode
	}
	return codecs
}
