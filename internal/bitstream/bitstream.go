// Package bitstream knows the bitstreams of codecs except for the pictures in them: NAL units and OBUs, parameter sets, the headers of slices
// and frames. What the rest of Livestill knows of them it knows from here, except for frame.Check, which
// reads types and flags itself: this package imports frame.
//
//   - H264, H265, AV1 and MPEG4 make the data of access units, as package frame promises it, of what protocols carry. A key unit gets the
//     parameter sets in band that it needs to decode on its own, and is found by what the bitstream says, not the protocol. VP8Key and
//     VP9Key tell of frames that need no more.
//   - A Tracker reads the headers of the access units of a GOP, once for all that decoding asks: how large pictures are, whether one is
//     missing, what refers to them, whether there are more parts than a decoder is to be given.
//   - A GuardRow is written below pictures of H.264, so that FFmpeg finds damage.
//
// Names are those of the specifications. Streams are strangers': whatever their bytes are, nothing here panics, takes time that is not linear
// in them, or remembers without a bound.
package bitstream

import "errors"

// MaxSet is the most bytes of a parameter set or sequence header. Those of real encoders stay below 1 KiB; one of H.264 with all scaling
// lists and schedules of a buffer that there can be is about 3 KiB.
const MaxSet = 4 << 10

// MaxSets is the most parameter sets that a stream may have at a time, and that an access unit may have. Encoders write three, some a dozen.
const MaxSets = 64

// The most bytes of all parameter sets of a stream, or of its configuration in MPEG-4 part 2. Each key unit gets them, so the bound keeps a
// publisher from growing units of a few bytes with sets of its making. Those of real encoders are some hundred bytes, or 1 KiB and more with
// scaling lists.
const maxSetBytes = 8 << 10

// The most bytes of a configuration record. Some encoders put messages into it beside the sets.
const maxRecord = 64 << 10

// What is wrong with a publisher's parameter sets.
var (
	ErrSet       = errors.New("parameter set exceeds 4 KiB")
	ErrSets      = errors.New("a stream has more than 64 parameter sets, or more than 8 KiB of them")
	ErrStartCode = errors.New("parameter set has a start code inside") // emulation prevention (H.264 section 7.4.1.1) rules it out
)
