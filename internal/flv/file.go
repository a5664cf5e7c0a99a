package flv

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
)

const typeVideo = 9 // of a tag; the others are sound and data

// A FileTag is a video tag of a file.
type FileTag struct {
	Timestamp uint32 // in milliseconds; it wraps
	Body      []byte // valid until the next tag
}

// Tags yields the video tags of r, a file or what comes over HTTP (Adobe Flash Video File Format Specification 10.1, annex E):
//
//	'F' 'L' 'V'  version (8)  flags (8)  size of all this (32)      0 (32), the size of the tag before, which comes before each tag
//	00ettttt  size (24)  timestamp (24), and its upper byte (8)  0 (24)  body                e: encrypted, t: type
//
// An error ends it. A file that ends inside a tag has an io.ErrUnexpectedEOF; one that ends after one is whole.
func Tags(r io.Reader) iter.Seq2[FileTag, error] {
	return func(yield func(FileTag, error) bool) {
		left := false
		err := readTags(r, func(t FileTag) bool {
			left = !yield(t, nil)
			return !left
		})
		if err != nil && !left {
			yield(FileTag{}, err)
		}
	}
}

func readTags(r io.Reader, yield func(FileTag) bool) error {
	if err := readHeader(r); err != nil {
		return err
	}
	var body []byte
	for {
		var head [15]byte // the size of the tag before comes first
		if n, err := io.ReadFull(r, head[:]); err != nil {
			if n <= 4 && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)) {
				return nil
			}
			return err
		}
		size := int(binary.BigEndian.Uint32(head[4:]) & 0xffffff)
		switch head[4] & 0x3f {
		case typeVideo:
			body = slices.Grow(body[:0], size)[:size]
			if _, err := io.ReadFull(r, body); err != nil {
				return ends(err)
			}
			if !yield(FileTag{uint32(head[11])<<24 | uint32(head[8])<<16 | uint32(head[9])<<8 | uint32(head[10]), body}) {
				return nil
			}
		case typeVideo | 0x20:
			return errors.New("the video of the FLV file is encrypted")
		default:
			if err := skip(r, size); err != nil {
				return err
			}
		}
	}
}

// readHeader reads what a file begins with.
func readHeader(r io.Reader) error {
	var file [9]byte
	_, err := io.ReadFull(r, file[:])
	if err = ends(err); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	if err != nil || string(file[:3]) != "FLV" {
		return fmt.Errorf("no FLV file: it begins with %q", file[:3])
	}
	size := int(binary.BigEndian.Uint32(file[5:]))
	if size < len(file) {
		return fmt.Errorf("FLV header of %d bytes", size)
	}
	return skip(r, size-len(file))
}

func skip(r io.Reader, n int) error {
	if _, err := io.CopyN(io.Discard, r, int64(n)); err != nil {
		return ends(err)
	}
	return nil
}

// ends makes an error of the end of a file where there should be more.
func ends(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
