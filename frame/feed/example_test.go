package feed_test

import (
	"fmt"
	"os"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/feed"
)

// A packet is what some library gives.
type packet struct {
	pts, dts time.Duration
	data     []byte
}

// A source whose pictures come one by one, each NAL unit after its length: a Stream that a Camera can serve.
func Example() {
	avcC := []byte("\x01\x42\xc0\x1e\xff\xe1\x00\x05\x67\x42\xc0\x1e\xda\x01\x00\x04\x68\xce\x38\x80")
	packets := []packet{
		{0, 0, []byte("\x00\x00\x00\x04\x65\x88\x84\x10")},
		{40 * time.Millisecond, 40 * time.Millisecond, []byte("\x00\x00\x00\x03\x41\x9a\x02")},
	}
	video := feed.Video{Codec: frame.H264}
	stream := &frame.Stream{Lacks: video.Lacks, Units: func(yield func(frame.AccessUnit, error) bool) {
		if err := video.Config(avcC); err != nil {
			yield(frame.AccessUnit{}, err)
			return
		}
		for _, p := range packets {
			u, ok, err := video.Unit(p.pts, p.dts, p.data)
			if (ok || err != nil) && !yield(u, err) || err != nil {
				return
			}
		}
	}}
	for u, err := range stream.Units { // as Camera.ServeStream does
		fmt.Printf("%v, key %v: %x %v\n", u.Codec, u.Key, u.Data, err)
	}
	fmt.Printf("it lacks %q\n", stream.Lacks())
	// Output:
	// H.264, key true: 000000016742c01eda0000000168ce38800000000165888410 <nil>
	// H.264, key false: 00000001419a02 <nil>
	// it lacks ""
}

// An MP4 file, in real time. Without Play the units come as fast as they are read.
func ExampleReadMP4() {
	file, err := os.Open("../../testdata/dog.mp4")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = file.Close() }()
	units, size := 0, 0
	for u, err := range feed.ReadMP4(file) {
		if err != nil {
			fmt.Println(err)
			return
		}
		units++
		size += len(u.Data)
	}
	fmt.Println(units > 0, size > 0)
	// Output: true true
}
