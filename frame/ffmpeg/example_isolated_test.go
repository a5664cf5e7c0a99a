package ffmpeg_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/ffmpeg"
)

// An Isolated takes the place of a Decoder in a program whose main begins with
//
//	func main() {
//		ffmpeg.Child()
func ExampleIsolated() {
	d := &ffmpeg.Isolated{} // one for all Cameras
	defer d.Close()

	hostile := frame.GOP{{Codec: frame.H264, Key: true, Data: []byte("what a stranger sends")}}
	for _, err := range d.Decode(context.Background(), hostile, time.Time{}) {
		fmt.Println(errors.Is(err, ffmpeg.ErrNoPicture))
	}
	fmt.Println(d.Children().Crashed)
	// Output:
	// true
	// 0
}
