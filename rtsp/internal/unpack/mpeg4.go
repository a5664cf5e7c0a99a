package unpack

import (
	"bytes"
	"errors"

	"github.com/livestill/livestill/frame"
)

// Start codes of MPEG-4 part 2: 00 00 01 and one of these, ISO/IEC 14496-2 table 6-3.
const (
	codeLayer    = 0x20 // a video object layer: 0x20 to 0x2f
	codeSequence = 0xb0 // a visual object sequence
	codeGroup    = 0xb3 // a group of pictures
	codePicture  = 0xb6
)

const maxConfig = 64 << 10 // bytes; encoders write a few hundred at most

var errConfig = errors.New("MPEG-4 configuration exceeds 64 KiB")

// An MPEG4 is the format of MPEG-4 part 2, RFC 6416 section 5.
type MPEG4 struct {
	pieces
	config []byte // what stands before the first picture of a sequence
}

// Learn remembers the configuration that came outside the stream.
func (v *MPEG4) Learn(config []byte) error {
	if len(config) > maxConfig {
		return errConfig
	}
	if !bytes.Equal(config, v.config) {
		v.config = bytes.Clone(config)
	}
	return nil
}

// add takes in the payload of a packet, which is a part of the elementary stream. It can be known for the first of a unit only by the
// start code that it begins with.
func (v *MPEG4) add(b []byte) bool {
	if len(v.data) == 0 && !bytes.HasPrefix(b, []byte{0, 0, 1}) {
		return false
	}
	return v.append(b)
}

// finish makes a unit: what stands before the picture is a configuration if a video object layer is in it. It replaces the one that
// is known, and other key units get it.
func (v *MPEG4) finish(bool) (m made, err error) {
	data := v.data
	v.reset()
	head, picture, layer := mpeg4Head(data)
	if layer {
		if err := v.Learn(data[:head]); err != nil {
			return made{}, err
		}
	}
	if !picture {
		return made{}, nil
	}
	m = made{codec: frame.MPEG4, key: mpeg4Key(data[head:]) && len(v.config) > 0}
	if m.key && !layer {
		m.data = append(m.data, v.config...)
	}
	m.data = append(m.data, data...)
	m.opens = m.key
	m.certain = data[3] == codeSequence
	return m, nil
}

// mpeg4Head returns where the first group of pictures or picture begins, whether there is a picture, and whether there is a video
// object layer before it.
func mpeg4Head(data []byte) (head int, picture, layer bool) {
	group := -1
	for at := 0; ; {
		next := bytes.Index(data[at:], []byte{0, 0, 1})
		if next < 0 || at+next+3 >= len(data) {
			return len(data), false, layer
		}
		at += next
		switch code := data[at+3]; {
		case code == codePicture && group >= 0:
			return group, true, layer
		case code == codePicture:
			return at, true, layer
		case code == codeGroup && group < 0:
			group = at
		case code&0xf0 == codeLayer:
			layer = true
		}
		at += 3
	}
}

// mpeg4Key reports whether the first picture in data is coded without others, ISO/IEC 14496-2 section 6.2.5:
//
//	00 00 01 b6  tt......    t: type, 0 is intra
func mpeg4Key(data []byte) bool {
	_, picture, _ := bytes.Cut(data, []byte{0, 0, 1, codePicture})
	return len(picture) > 0 && picture[0]&0xc0 == 0
}
