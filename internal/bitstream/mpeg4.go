package bitstream

import (
	"bytes"
	"errors"
)

// Start codes of MPEG-4 part 2: 00 00 01 and one of these, ISO/IEC 14496-2 table 6-3.
const (
	mpeg4Layer    = 0x20 // video_object_layer_start_code: 0x20 to 0x2f
	mpeg4Sequence = 0xb0 // visual_object_sequence_start_code
	mpeg4Group    = 0xb3 // group_of_vop_start_code
	mpeg4VOP      = 0xb6 // vop_start_code: a picture
)

var errConfigMPEG4 = errors.New("MPEG-4 configuration exceeds 8 KiB")

// MPEG4 makes access units of a stream of MPEG-4 part 2 and remembers its configuration. The zero value is ready for a new stream.
type MPEG4 struct {
	config []byte // what stands before the first picture of a sequence
}

// Config remembers a configuration in place of the one before.
func (m *MPEG4) Config(config []byte) error {
	if len(config) > maxSetBytes {
		return errConfigMPEG4
	}
	if !bytes.Equal(config, m.config) {
		m.config = bytes.Clone(config)
	}
	return nil
}

// Unit returns an access unit, and whether it is a key unit: one whose first picture is coded without others, and whose configuration is
// known. What stands before the picture is a configuration if a video object layer is in it; a key unit that has none gets the one that is
// known. The data is a copy of its own. It is empty if there is no picture in it; a configuration is remembered all the same.
func (m *MPEG4) Unit(unit []byte) (data []byte, key bool, err error) {
	head, picture, layer := headMPEG4(unit)
	if layer {
		if err := m.Config(unit[:head]); err != nil {
			return nil, false, err
		}
	}
	if !picture {
		return nil, false, nil
	}
	key = intraMPEG4(unit[head:]) && len(m.config) > 0
	if key && !layer {
		data = append(data, m.config...)
	}
	return append(data, unit...), key, nil
}

// BeginsMPEG4 reports whether a unit begins with a visual object sequence, before which nothing of it can come.
func BeginsMPEG4(unit []byte) bool {
	return len(unit) > 3 && bytes.HasPrefix(unit, startCode) && unit[3] == mpeg4Sequence
}

// headMPEG4 returns where the first group of pictures or picture begins, whether there is a picture, and whether there is a video
// object layer before it.
func headMPEG4(data []byte) (head int, picture, layer bool) {
	group := -1
	for at := 0; ; {
		next := bytes.Index(data[at:], startCode)
		if next < 0 || at+next+3 >= len(data) {
			return len(data), false, layer
		}
		at += next
		switch code := data[at+3]; {
		case code == mpeg4VOP && group >= 0:
			return group, true, layer
		case code == mpeg4VOP:
			return at, true, layer
		case code == mpeg4Group && group < 0:
			group = at
		case code&0xf0 == mpeg4Layer:
			layer = true
		}
		at += 3
	}
}

// intraMPEG4 reports whether the first picture in data is coded without others, ISO/IEC 14496-2 section 6.2.5:
//
//	00 00 01 b6  vop_coding_type (2), zero if it is  ......
func intraMPEG4(data []byte) bool {
	_, picture, _ := bytes.Cut(data, []byte{0, 0, 1, mpeg4VOP})
	return len(picture) > 0 && picture[0]&0xc0 == 0
}
