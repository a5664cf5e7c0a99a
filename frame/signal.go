package frame

import (
	"fmt"
	"slices"
	"strings"
)

// A Signal says what a stream's picture was like, before it was made the Picture that one gets. The numbers of Primaries, Transfer and Matrix are
// those of ITU-T H.273 (ISO/IEC 23091-2), tables 2 to 4, in which 2 is unspecified. Zero says of any field that it is not known, but that zero
// is the Matrix of RGB. What the stream does not say of its colours is as AccessUnit.Colours has it.
type Signal struct {
	// The size in samples of luma, of both fields, without what is cropped.
	Width  int32 `json:"width,omitempty"`
	Height int32 `json:"height,omitempty"`

	// BitDepth is that of luma, 8 to 16.
	BitDepth uint8 `json:"bit_depth,omitempty"`

	// 1 is BT.709, 9 is BT.2020.
	Primaries uint8 `json:"primaries"`
	// 1 is BT.709, 16 is PQ, 18 is HLG.
	Transfer uint8 `json:"transfer"`
	// 1 is BT.709, 5 and 6 are BT.601, 9 is BT.2020.
	Matrix uint8 `json:"matrix"`

	FullRange bool `json:"full_range,omitempty"`

	// The shape of a sample, its width to its height, as the stream tells
	// it; it may be absurd.
	SampleWidth  int32 `json:"sample_width,omitempty"`
	SampleHeight int32 `json:"sample_height,omitempty"`

	// Rotation is by how many degrees the coded picture has to be turned
	// clockwise to be upright, after it was mirrored if Mirrored is true:
	// 0, 90, 180 or 270. Other angles that a stream tells are rounded.
	Rotation int32 `json:"rotation,omitempty"`
	Mirrored bool  `json:"mirrored,omitempty"` // left is right

	Fields FieldOrder `json:"fields,omitempty"`

	// Light levels of HDR10, in cd/m²: the brightest sample of the stream
	// and of the display it was mastered on, and the brightest mean of a
	// picture (MaxCLL, max_display_mastering_luminance, MaxFALL).
	MaxContent   int32 `json:"max_content,omitempty"`
	MaxMastering int32 `json:"max_mastering,omitempty"`
	MaxAverage   int32 `json:"max_average,omitempty"`
}

// Transfer functions of H.273, table 3, that are of high dynamic range.
const (
	TransferPQ  = 16 // SMPTE ST 2084
	TransferHLG = 18 // ARIB STD-B67
)

// HDR reports whether the signal is of high dynamic range.
func (s *Signal) HDR() bool { return s.Transfer == TransferPQ || s.Transfer == TransferHLG }

// A FieldOrder says which of two fields a picture shows first.
type FieldOrder uint8

// The orders of fields.
const (
	// No fields, or none that the stream tells of.
	Progressive FieldOrder = iota
	TopFirst
	BottomFirst
)

var fieldOrders = [...]string{"progressive", "top first", "bottom first"}

func (o FieldOrder) String() string {
	if int(o) < len(fieldOrders) {
		return fieldOrders[o]
	}
	return fmt.Sprintf("FieldOrder(%d)", uint8(o))
}

// MarshalText writes what String does.
func (o FieldOrder) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// UnmarshalText reads the words that String has for orders.
func (o *FieldOrder) UnmarshalText(text []byte) error {
	i := slices.Index(fieldOrders[:], string(text))
	if i < 0 {
		return fmt.Errorf("frame: %.100q is no order of fields", text)
	}
	*o = FieldOrder(i)
	return nil
}

// Changes are what was done to a picture, so that it looks as it should: a set of those below.
type Changes uint16

// What may be done to a picture.
const (
	// It was widened or narrowed, so that its pixels are square.
	Squared Changes = 1 << iota
	// By Signal.Rotation, and by what a Camera turns it.
	Turned
	// Left for right.
	Flipped
	// It had fields of two instants, or only one field: between the lines
	// of one, others were interpolated.
	Deinterlaced
	// Of two fields that came as two pictures.
	Woven
	// It shows the instant of its second field, half a picture after Time.
	SecondField
	// From high to standard dynamic range.
	ToneMapped
	// From wider primaries to those of BT.709.
	GamutMapped
	// The shape of its pixels is absurd, or would make it too large: it was
	// left as it came.
	Unsquared
)

var changes = [...]string{"squared", "turned", "flipped", "deinterlaced", "woven", "second field", "tone-mapped", "gamut-mapped", "unsquared"}

// String lists the changes; it is empty for none.
func (c Changes) String() string {
	var names []string
	for i, name := range changes {
		if c>>i&1 != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}
