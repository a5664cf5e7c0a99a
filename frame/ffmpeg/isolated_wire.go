//go:build cgo

package ffmpeg

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"github.com/asticode/go-astiav"

	"github.com/livestill/livestill/frame"
)

// What an Isolated and its child say to each other, over a socket. Each request has an answer, and nothing is said in between. One GOP:
//
//	this process                     child
//
//	begin, with the limits    ─────▶
//	                          ◀───── more
//	unit, with its data       ─────▶ decodes it
//	                          ◀───── latent, for each picture that is out, and then more
//	develop, if it is wanted  ─────▶ converts it to memory that both have
//	copies it                 ◀───── pixels, or failed
//	finish, after the last    ─────▶ decodes to the end
//	                          ◀───── latent, if there is a picture
//	proceed, perhaps after    ─────▶ comes to the next
//	develop                   ◀───── latent, or done, perhaps with an error
//
// Instead of unit, develop, proceed and finish there may be abandon, which is answered by done, too; and done, with an error, may be the
// answer to anything. After done comes the next begin. The first that a child ever says is hello.
//
// Structures are written field by field, little-endian: they have the same size always, so that the child has no length to lie about.
// Whatever else it says is checked where it is used.

// An requestKind says what a request is.
type requestKind uint8

const (
	reqBegin requestKind = iota + 1
	reqUnit
	reqDevelop
	reqProceed
	reqFinish
	reqAbandon
)

// A request is what a child is told to do.
type request struct {
	Kind requestKind

	// Of begin: the fields of Decoder.
	Threads   int32
	MaxPixels int64
	MaxMemory int64

	// Of unit: the fields of AccessUnit, and whether its picture may be wanted.
	Codec             frame.Codec
	Key, Lost, Wanted bool
	PTS               int64
	Time              int64         // nanoseconds after the first unit
	Colours           frame.Colours // zero for nil
	Size              uint32        // bytes of data, which follow

	// Of develop: the number of the picture's unit, as in Latent, and which
	// of its instants.
	Unit   uint32
	Second bool
}

// An answerKind says what an answer is.
type answerKind uint8

const (
	ansHello answerKind = iota + 1
	ansMore
	ansLatent
	ansPixels
	ansFailed
	ansDone
)

// An answer is what a child says. A fault follows those that are failed or done.
type answer struct {
	Kind answerKind

	// Of hello:
	Confined bool

	// Of latent: the fields of frame.Latent. The rest of it this process knows itself.
	Unit            uint32
	Corrupt, Hidden bool
	Second          bool // it has one
	EffectiveQP     float32

	// Of pixels: the fields of frame.Picture. The planes are where planeSizes puts them.
	Width, Height uint32
	Ratio         uint8
	QP            float32
	Frozen        int64
	Signal        frame.Signal
	Changes       frame.Changes

	// Of all: bytes of memory that decoded pictures take.
	InUse int64
}

// A fault is an *Error. The zero fault is none.
type fault struct {
	// one more than its index in steps
	Step  uint8
	Codec frame.Codec
	Is    uint8 // bit i: errors.Is relayed[i]
	Code  int32 // FFmpeg's own, if it is one of these
	Text  [240]byte
}

var (
	steps   = [...]string{"check", "open", "send", "receive", "convert", "child"}
	relayed = [...]error{ErrGOP, ErrUnsupported, ErrNoPicture, frame.ErrTooCostly, ErrCrashed}
)

const maxUnit = 32 << 20 // bytes; twice the longest message of RTMP

// A relayedError is an error of a child.
type relayedError struct {
	text string
	is   []error
}

func (e *relayedError) Error() string   { return e.text }
func (e *relayedError) Unwrap() []error { return e.is }

// faultOf makes a fault of an error.
func faultOf(err error) (f fault) {
	if err == nil {
		return f
	}
	e := &Error{Step: "child", Err: err}
	_ = errors.As(err, &e)
	f.Step = uint8(slices.Index(steps[:], e.Step) + 1)
	f.Codec = e.Codec
	for i, is := range relayed {
		if errors.Is(err, is) {
			f.Is |= 1 << i
		}
	}
	if code := astiav.Error(0); errors.As(err, &code) {
		f.Code = int32(code)
	}
	copy(f.Text[:], e.Err.Error())
	return f
}

// err makes an error of a fault. What text the child sent is harmless in a log.
func (f *fault) err() error {
	if f.Step == 0 || int(f.Step) > len(steps) {
		return nil
	}
	text, _, _ := strings.Cut(string(f.Text[:]), "\x00")
	e := &relayedError{text: strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, text)}
	for i, is := range relayed {
		if f.Is>>i&1 != 0 {
			e.is = append(e.is, is)
		}
	}
	if f.Code != 0 {
		e.is = append(e.is, astiav.Error(f.Code))
	}
	return &Error{Step: steps[f.Step-1], Codec: f.Codec, Err: e}
}

// appendRequest appends a request and its data to b.
func appendRequest(b []byte, o *request, data []byte) []byte {
	o.Size = uint32(len(data))
	return append(appendStruct(b, o), data...)
}

func appendStruct(b []byte, v any) []byte {
	b, err := binary.Append(b, binary.LittleEndian, v)
	if err != nil {
		panic(err) // v has a field that has no fixed size
	}
	return b
}

// readRequest reads a request and its data, which is the caller's.
func readRequest(r io.Reader) (o request, data []byte, err error) {
	if err = binary.Read(r, binary.LittleEndian, &o); err != nil || o.Size == 0 {
		return o, nil, err
	}
	if o.Size > maxUnit {
		return o, nil, fmt.Errorf("a unit of %d bytes", o.Size)
	}
	data = make([]byte, o.Size)
	_, err = io.ReadFull(r, data)
	return o, data, err
}

// writeAnswer writes an answer and, where one belongs to it, the fault that err is.
func writeAnswer(w io.Writer, a *answer, err error) error {
	_, err = w.Write(appendAnswer(nil, a, err))
	return err
}

func appendAnswer(b []byte, a *answer, err error) []byte {
	b = appendStruct(b, a)
	if a.Kind == ansFailed || a.Kind == ansDone {
		b = appendStruct(b, faultOf(err))
	}
	return b
}

// readAnswer reads an answer, and the fault that belongs to it as an error.
func readAnswer(r io.Reader) (a answer, told, err error) {
	if err = binary.Read(r, binary.LittleEndian, &a); err != nil || a.Kind != ansFailed && a.Kind != ansDone {
		return a, nil, err
	}
	var f fault
	err = binary.Read(r, binary.LittleEndian, &f)
	return a, f.err(), err
}

// readHello reads what a child says first.
func readHello(r io.Reader) (confined bool, err error) {
	a, _, err := readAnswer(r)
	if err == nil && a.Kind != ansHello {
		err = fmt.Errorf("answer %d where a child says hello", a.Kind)
	}
	return a.Confined, err
}
