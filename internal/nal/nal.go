// Package nal makes the data of access units, as package frame promises it, of the NAL units, OBUs and frames that protocols carry:
// a key unit gets the parameter sets in band that it needs to decode on its own, and is found by what the bitstream says, not the
// protocol. All ingest goes through it, so that these promises are kept in one place.
package nal

import "errors"

// Parameter sets are a few hundred bytes at most. The bound keeps a publisher from growing every key unit with sets of its making.
const maxSets = 64 << 10

// What is wrong with a publisher's parameter sets.
var (
	ErrSets      = errors.New("parameter sets exceed 64 KiB")
	ErrStartCode = errors.New("parameter set has a start code inside") // emulation prevention (H.264 section 7.4.1.1) rules it out
)
