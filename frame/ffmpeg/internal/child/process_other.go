//go:build !linux || !cgo

package child

import (
	"errors"
	"io"
)

// Start starts no child here.
func Start(_, _ int64) (*Child, error) { return nil, errors.ErrUnsupported }

// Main cannot be had here.
func Main(func(socket io.ReadWriter, shared []byte, confined bool, headroom func() bool) error) error {
	return errors.ErrUnsupported
}
