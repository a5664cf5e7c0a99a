package mp4

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/bitstream"
)

// A track is a video track of a movie.
type track struct {
	id           uint32
	timescale    uint32 // units of time in a second
	orientation  bitstream.Orientation
	descriptions []description
	table        []byte // the sample table box's content
	fragmented   bool   // fragments may follow
	defaults     defaults
}

// A description says how samples are coded.
type description struct {
	codec   frame.Codec
	config  []byte // the decoder's configuration record; nil if there is none
	colours frame.Colours
}

// A defaults is what samples of fragments are like that say nothing else.
type defaults struct {
	description    uint32 // from 1
	duration, size uint32
}

// readMovie finds the first video track of a codec that is known, in the content of a movie box (ISO/IEC 14496-12 section 8.2.1).
func readMovie(moov []byte) (*track, error) {
	var others []string
	for x, err := range boxes(moov) {
		switch {
		case err != nil:
			return nil, err
		case x.kind != "trak":
			continue
		}
		t, what, err := readTrack(x.content)
		if err != nil {
			return nil, err
		}
		if t == nil {
			others = append(others, what)
			continue
		}
		return t, t.extend(moov)
	}
	if len(others) == 0 {
		others = []string{"nothing"}
	}
	return nil, fmt.Errorf("no video track of a codec known here; there is %s", strings.Join(others, ", "))
}

// readTrack reads a track box (section 8.3.1). It returns no track but what it is if it is no video that is known.
func readTrack(trak []byte) (t *track, what string, err error) {
	var (
		found [5][]byte
		paths = [...][]string{{"tkhd"}, {"mdia", "hdlr"}, {"mdia", "mdhd"}, {"mdia", "minf", "stbl"}, {"mdia", "minf", "stbl", "stsd"}}
	)
	for i, path := range paths {
		if found[i], err = find(trak, path...); err != nil {
			return nil, "", err
		}
		if found[i] == nil {
			return nil, "", fmt.Errorf("track has no %s box", strings.Join(path, "/"))
		}
	}
	handler := reader{b: found[1]}
	handler.skip(8)
	if kind := handler.u32(); kind != 'v'<<24|'i'<<16|'d'<<8|'e' {
		return nil, "no video", nil
	}
	t = &track{table: found[3]}
	for _, r := range []struct {
		box    []byte
		before int // words of 32 or 64 bits
		to     *uint32
	}{{found[0], 2, &t.id}, {found[2], 2, &t.timescale}} {
		b := reader{b: r.box}
		version, _ := b.full()
		for range r.before {
			b.long(version)
		}
		if *r.to = b.u32(); b.ended {
			return nil, "", errors.New("track ends inside its headers")
		}
		if r.to == &t.id {
			t.orientation = readMatrix(&b, version)
		}
	}
	if t.timescale == 0 {
		return nil, "", errors.New("track has no time scale")
	}
	what, err = t.describe(found[4])
	if err != nil || what != "" {
		return nil, what, err
	}
	return t, "", nil
}

// describe reads a sample description box (section 8.5.2). It returns the first kind that is not known.
func (t *track) describe(stsd []byte) (unknown string, err error) {
	r := reader{b: stsd}
	r.full()
	r.u32()
	for x, err := range boxes(r.b) {
		if err != nil {
			return "", err
		}
		d, err := readDescription(x)
		if err != nil {
			return "", err
		}
		if d.codec == 0 {
			return fmt.Sprintf("%q", x.kind), nil
		}
		t.descriptions = append(t.descriptions, d)
	}
	if len(t.descriptions) == 0 {
		return "", errors.New("track has no sample description")
	}
	return "", nil
}

// Visual sample entries by their kind, the box in them that has the configuration record, and whether they may lack it.
var entries = map[string]struct {
	codec   frame.Codec
	config  string
	without bool
}{
	"avc1": {frame.H264, "avcC", false}, "avc3": {frame.H264, "avcC", false}, "hvc1": {frame.H265, "hvcC", false}, "hev1": {frame.H265, "hvcC", false},
	"av01": {frame.AV1, "av1C", false}, "vp08": {frame.VP8, "vpcC", true}, "vp09": {frame.VP9, "vpcC", true}, "mp4v": {frame.MPEG4, "esds", false},
	"jpeg": {frame.MJPEG, "", true}, "mjpg": {frame.MJPEG, "", true},
}

// readDescription reads a visual sample entry (section 12.1.3), which has 78 bytes before its boxes.
func readDescription(x box) (d description, err error) {
	entry, known := entries[x.kind]
	if !known {
		return d, nil
	}
	d.codec = entry.codec
	const fixed = 78
	if len(x.content) < fixed && !entry.without {
		return d, fmt.Errorf("sample entry %q of %d bytes", x.kind, len(x.content))
	}
	b := x.content[min(fixed, len(x.content)):]
	had := false      // the configuration record
	for len(b) >= 8 { // QuickTime ends it with zeros
		inner, rest, err := cutBox(b)
		switch {
		case err != nil && (had || entry.without):
			return d, nil
		case err != nil:
			return d, err
		case inner.kind != entry.config:
			readColours(&d.colours, inner)
		case !had:
			if had = true; entry.config == "esds" {
				d.codec, d.config, err = readESDS(inner.content)
			} else {
				d.config = bytes.Clone(inner.content)
			}
			if err != nil {
				return d, err
			}
		}
		b = rest
	}
	if !had && !entry.without {
		err = fmt.Errorf("sample entry %q has no %s box", x.kind, entry.config)
	}
	return d, err
}

// Tags of descriptors and types of objects: ISO/IEC 14496-1 sections 7.2.2.1 and 7.2.6.6.2.
const (
	tagES       = 3
	tagDecoder  = 4
	tagSpecific = 5

	objectMPEG4 = 0x20
	objectJPEG  = 0x6c
)

// readESDS reads an ES descriptor, and in it the decoder's configuration and what is specific to it (ISO/IEC 14496-1 section 7.2.6). A codec
// that is not known is zero.
//
//	tag (8)  size (7 bits a byte, up to 4)  content
//	ES: id (16)  s u o priority (5)  [16 if s]  [n (8), n bytes, if u]  [16 if o]  descriptors    decoder: object (8)  96 bits  descriptors
func readESDS(b []byte) (c frame.Codec, config []byte, err error) {
	r := reader{b: b}
	r.full()
	tag, es := r.descriptor()
	if tag != tagES || len(es.b) < 3 {
		return 0, nil, errors.New("esds box without an ES descriptor")
	}
	flags := es.b[2]
	es.skip(3)
	if flags&0x80 != 0 {
		es.skip(2)
	}
	if flags&0x40 != 0 && len(es.b) > 0 {
		es.skip(1 + int(es.b[0]))
	}
	if flags&0x20 != 0 {
		es.skip(2)
	}
	tag, decoder := es.descriptor()
	if tag != tagDecoder || len(decoder.b) < 13 {
		return 0, nil, errors.New("esds box without a decoder's configuration")
	}
	switch decoder.b[0] {
	case objectMPEG4:
		c = frame.MPEG4
	case objectJPEG:
		c = frame.MJPEG
	default:
		return 0, nil, nil
	}
	decoder.skip(13)
	if tag, specific := decoder.descriptor(); tag == tagSpecific && c == frame.MPEG4 {
		config = bytes.Clone(specific.b)
	}
	return c, config, nil
}

// descriptor cuts off a descriptor. One that is longer than what is left is cut short.
func (r *reader) descriptor() (tag byte, content reader) {
	if len(r.b) == 0 {
		return 0, reader{}
	}
	tag = r.b[0]
	size, n := 0, 1
	for n < min(len(r.b), 5) {
		c := r.b[n]
		n++
		size = size<<7 | int(c&0x7f)
		if c < 0x80 {
			break
		}
	}
	r.skip(n)
	size = min(size, len(r.b))
	content.b = r.b[:size]
	r.skip(size)
	return tag, content
}

// extend finds out whether fragments may follow, and what their samples are like by default (sections 8.8.1 and 8.8.3).
func (t *track) extend(moov []byte) error {
	mvex, err := find(moov, "mvex")
	if err != nil {
		return err
	}
	t.fragmented = mvex != nil
	for x, err := range boxes(mvex) {
		if err != nil {
			return err
		}
		r := reader{b: x.content}
		r.full()
		if x.kind == "trex" && r.u32() == t.id {
			t.defaults = defaults{description: r.u32(), duration: r.u32(), size: r.u32()}
		}
	}
	return nil
}
