// Package bitstream makes the data of access units, as package frame promises it, of the NAL units, OBUs and frames that protocols carry:
// a key unit gets the parameter sets in band that it needs to decode on its own, and is found by what the bitstream says, not the
// protocol. All ingest goes through it, so that these promises are kept in one place.
package bitstream

import "errors"

// MaxSet is the most bytes of a parameter set or sequence header. Those of real encoders stay below 1 KiB; one of H.264 with all scaling
// lists and schedules of a buffer that there can be is about 3 KiB.
const MaxSet = 4 << 10

// The most bytes of all parameter sets of a stream. The bound keeps a publisher from growing every key unit with sets of its making.
const maxSets = 64 << 10

// What is wrong with a publisher's parameter sets.
var (
	ErrSet       = errors.New("parameter set exceeds 4 KiB")
	ErrSets      = errors.New("parameter sets exceed 64 KiB")
	ErrStartCode = errors.New("parameter set has a start code inside") // emulation prevention (H.264 section 7.4.1.1) rules it out
)
