//go:build linux && !amd64 && !arm64

package ffmpeg

import "errors"

func seccomp() error { return errors.ErrUnsupported }
