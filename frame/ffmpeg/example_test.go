package ffmpeg_test

import (
	"context"
	"fmt"
	"image"

	"github.com/livestill/livestill/capture"
	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/ffmpeg"
)

// A Filter is for the field Enhancer of a capture.Camera. What is wrong with a graph is told when it is used.
func ExampleFilter() {
	var square capture.Enhancer = ffmpeg.Filter("crop=in_h:in_h,scale=512:512,unsharp=5:5:0.6")

	// A grey picture where a decoded one would be.
	p := &frame.Picture{YCbCr: image.NewYCbCr(image.Rect(0, 0, 1280, 720), image.YCbCrSubsampleRatio420)}
	b := &frame.Burst{Pictures: []*frame.Picture{p}}
	made, err := square.Enhance(context.Background(), b)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(made.Rect.Dx(), "x", made.Rect.Dy())

	_, err = ffmpeg.Filter("unsharp=amount=0.6").Enhance(context.Background(), b)
	fmt.Println(err)
	// Output:
	// 512 x 512
	// ffmpeg: parse "unsharp=amount=0.6": not a filter graph that makes one picture of one: filter "unsharp" with options "amount=0.6": Option not found
}
