package ffmpeg

// #include "raw.h"
import "C"

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"

	"github.com/asticode/go-astiav"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/internal/pixels"
)

// A format is a kind of image file.
type format struct {
	mime string
	side int // the most pixels in width and height, as readers of such files take them

	settings error // what is wrong with what the caller has set; nil if nothing is

	// file returns the file's parts, of an image that is not empty and whose planes have all of it.
	file func(img *image.YCbCr) ([][]byte, error)
}

// encode writes a picture to w. FFmpeg cannot be stopped within a picture: ctx ends the waiting for a place alone.
func (f format) encode(ctx context.Context, w io.Writer, p *frame.Picture) error {
	if f.settings != nil {
		return &Error{Step: "encode", Type: f.mime, Err: f.settings}
	}
	quiet()
	var parts [][]byte
	err := frame.Work(ctx, func(context.Context) (err error) {
		if err := f.check(p); err != nil {
			return err
		}
		parts, err = f.file(p.YCbCr)
		return err
	})
	if cause := context.Cause(ctx); cause != nil && errors.Is(err, cause) {
		return err
	}
	if err != nil {
		return &Error{Step: "encode", Type: f.mime, Err: err}
	}
	for _, part := range parts {
		if _, err := w.Write(part); err != nil {
			return err
		}
	}
	return nil
}

// check refuses what C cannot be given, and what the format cannot have.
func (f format) check(p *frame.Picture) error {
	if err := pixels.CheckFile(p, f.side); err != nil {
		return err
	}
	// av_image_check_size takes no more, be it in lines or in columns.
	const margin, most = 128, 1 << 28
	if size := p.Rect.Size(); (size.X+margin)*(size.Y+margin) >= most {
		return fmt.Errorf("%w: a picture of %d x %d, where FFmpeg takes 2^28 pixels and no more: scale it down", ErrUnsupported, size.X, size.Y)
	}
	return nil
}

// findEncoder returns the first of some encoders that this FFmpeg has.
func findEncoder(names ...string) (*astiav.Codec, error) {
	for _, name := range names {
		if codec := astiav.FindEncoderByName(name); codec != nil {
			return codec, nil
		}
	}
	return nil, fmt.Errorf("%w: this FFmpeg was built without the encoder %q: link one that has it, or take another encoder", ErrUnsupported, names)
}

// encodeFrame returns what an encoder makes of a frame, on one thread.
func encodeFrame(codec *astiav.Codec, f *astiav.Frame, settings ...[2]string) ([]byte, error) {
	options := astiav.NewDictionary()
	defer options.Free()
	for _, o := range append(settings, [2]string{"threads", "1"}) {
		if err := options.Set(o[0], o[1], 0); err != nil {
			return nil, err
		}
	}
	encoder := astiav.AllocCodecContext(codec)
	defer encoder.Free()
	encoder.SetWidth(f.Width())
	encoder.SetHeight(f.Height())
	encoder.SetPixelFormat(f.PixelFormat())
	encoder.SetTimeBase(astiav.NewRational(1, 1))
	if err := encoder.Open(codec, options); err != nil {
		return nil, err
	}
	packet := astiav.AllocPacket()
	defer packet.Free()
	if err := encoder.SendFrame(f); err != nil {
		return nil, err
	}
	if err := encoder.SendFrame(nil); err != nil {
		return nil, err
	}
	if err := encoder.ReceivePacket(packet); err != nil {
		return nil, err
	}
	return packet.Data(), nil
}

// inRange refuses what a caller has set beyond 1 to most. Zero is the usual.
func inRange(name string, set, most int) error {
	if set < 0 || set > most {
		return fmt.Errorf("%w: %s is %d: set 1 to %d, or leave it zero", ErrSetting, name, set, most)
	}
	return nil
}

// setQuality sets what EncodeQuality of a type is asked for, where zero is none.
func setQuality(to *int, mime string, quality int) error {
	if quality < 1 || quality > maxQuality {
		return &Error{Step: "encode", Type: mime, Err: fmt.Errorf("%w: the quality %d: ask for 1 to %d", ErrSetting, quality, maxQuality)}
	}
	*to = quality
	return nil
}
