package rtsp

import (
	"slices"

	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/pion/rtp"

	"github.com/livestill/livestill/internal/unpack"
)

// A followed is a format whose packets a Source makes those of one sender: the library drops what another SSRC sends. It asks each packet's
// format for PTSEqualsDTS before it looks at the packet, decrypted, from whatever transport; there a Source sees it.
type followed struct {
	format.Format
	source *unpack.Source
}

// PTSEqualsDTS implements format.Format.
func (f followed) PTSEqualsDTS(p *rtp.Packet) bool {
	f.source.Follow(p)
	return f.Format.PTSEqualsDTS(p)
}

// follow has a Source follow the packets of the video.
func (v *video) follow(s *unpack.Source) {
	i := slices.Index(v.media.Formats, v.format)
	v.format = followed{v.format, s}
	v.media.Formats[i] = v.format
}
