//go:build linux

package ffmpeg

// Confine is what a child does to itself.
var Confine = confine
