// Package nocgo is empty. Without cgo it does not build, and the compiler says why. Package ffmpeg imports it only then, so that this is all
// that a build without cgo prints.
package nocgo
