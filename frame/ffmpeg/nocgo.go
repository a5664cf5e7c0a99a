//go:build !cgo

package ffmpeg

import _ "github.com/livestill/livestill/frame/ffmpeg/internal/nocgo" // which does not build
