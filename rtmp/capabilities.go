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

// A connectInfo is the information object of the answer to a connect.
type connectInfo struct {
	Level          string  `amf0:"level"`
	Code           string  `amf0:"code"`
	Description    string  `amf0:"description"`
	ObjectEncoding float64 `amf0:"objectEncoding"`
}

// An enhancedInfo is the same for a client that knows enhanced RTMP. Others may stumble over what they do not know.
type enhancedInfo struct {
	Level          string             `amf0:"level"`
	Code           string             `amf0:"code"`
	Description    string             `amf0:"description"`
	ObjectEncoding float64            `amf0:"objectEncoding"`
	FourCCs        []string           `amf0:"fourCcList"` // of version 1
	VideoFourCCs   map[string]float64 `amf0:"videoFourCcInfoMap"`
	CapsEx         float64            `amf0:"capsEx"`
}

// answerTo returns the information object for a connect with the given command object.
func (i connectInfo) answerTo(object map[string]any) any {
	known := false
	for _, name := range []string{"fourCcList", "videoFourCcInfoMap", "audioFourCcInfoMap", "capsEx"} {
		_, has := object[name]
		known = known || has
	}
	if !known {
		return i
	}
	return enhancedInfo{i.Level, i.Code, i.Description, i.ObjectEncoding, fourCCs[:], decodable(), capsMultitrack | capsModEx | capsNanoOffset}
}

// decodable returns the FourCC map of what streams may be in.
func decodable() map[string]float64 {
	codecs := make(map[string]float64)
	for _, c := range fourCCs {
		codecs[c] = canDecode
	}
	return codecs
}
