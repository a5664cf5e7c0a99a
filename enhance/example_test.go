package enhance_test

import (
	"context"
	"fmt"
	"image"
	"math/rand/v2"

	"github.com/livestill/livestill/enhance"
)

func Example() {
	// A grey picture with noise, where a decoded one would be.
	img := image.NewYCbCr(image.Rect(0, 0, 320, 240), image.YCbCrSubsampleRatio420)
	rnd := rand.New(rand.NewPCG(1, 2))
	for i := range img.Y {
		img.Y[i] = byte(128 + 4*rnd.NormFloat64())
	}

	fmt.Printf("noise before: %.1f\n", enhance.Noise(img))
	better := enhance.Chain{enhance.Denoise{}, enhance.Sharpen{Amount: 0.5}}
	if err := better.Apply(context.Background(), img); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("noise after: %.1f\n", enhance.Noise(img))
	// Output:
	// noise before: 4.0
	// noise after: 0.7
}
