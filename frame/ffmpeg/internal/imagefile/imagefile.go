// Package imagefile makes image files of what encoders write: each kind of file says once that its colours are those of sRGB, in the way that readers
// of such files go by, and is the same whatever the version of the encoder. Pixels it passes on as they are.
//
// It knows the containers alone, and needs neither FFmpeg nor cgo. Functions return the parts of a file, one behind the other; some of them are parts
// of what they were given, which nobody may change while they are in use.
package imagefile
