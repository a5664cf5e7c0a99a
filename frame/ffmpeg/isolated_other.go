//go:build !linux

package ffmpeg

import "errors"

func startChild(_, _ int64) (*child, error) { return nil, errors.ErrUnsupported }

func childMain() error { return errors.ErrUnsupported }
