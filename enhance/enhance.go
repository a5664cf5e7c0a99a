// Package enhance makes better pixels of a decoded picture: it merges what neighbours in time show of the scene, removes noise, blocks and
// ringing, sharpens, and measures noise and sharpness. Auto does what helps; each is there alone as well.
//
// Pictures are 8-bit full-range BT.601 image.YCbCr of any chroma subsampling and any size, sub-images included. Every filter
// works in place. It reads and writes no luma outside the picture's Rect and no chroma but the samples its pixels share; a
// sub-image that begins or ends in the middle of a subsampled pair therefore changes the sample it shares with its neighbour.
//
// Filters split the work across GOMAXPROCS goroutines, which have all ended when Apply returns. The result does not depend on
// their number. The zero value of every filter is ready to use, keeps no state, and may be applied by many goroutines at once.
package enhance

import (
	"context"
	"image"

	"github.com/livestill/livestill/enhance/internal/raster"
)

// ErrImage is wrapped by the error for an image whose fields contradict each other: a stride shorter than a row, a plane shorter
// than its rows, an unknown subsampling.
var ErrImage = raster.ErrImage

// A Filter improves a picture in place.
//
// Apply returns context.Cause(ctx) soon after ctx ends. The picture is then half done: some of it filtered, some not, and fit
// only to be thrown away. An error that wraps ErrImage means that the planes are smaller than the picture, which is left untouched.
type Filter interface {
	Apply(ctx context.Context, img *image.YCbCr) error
}

// FilterFunc makes a Filter of a function.
type FilterFunc func(ctx context.Context, img *image.YCbCr) error

// Apply calls f.
func (f FilterFunc) Apply(ctx context.Context, img *image.YCbCr) error { return f(ctx, img) }

// A Chain is the Filter that applies its filters in order, up to the first that fails. An empty Chain changes nothing.
type Chain []Filter

// Apply applies every filter of the chain to img.
func (c Chain) Apply(ctx context.Context, img *image.YCbCr) error {
	for _, f := range c {
		if err := f.Apply(ctx, img); err != nil {
			return err
		}
	}
	return nil
}
