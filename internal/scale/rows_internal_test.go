package scale

import (
	"image"
	"math/rand/v2"
	"testing"
)

// TestKernelsAgree holds the kernels that suit this processor to those in Go: their images are the same, of all sizes and subsamplings.
func TestKernelsAgree(t *testing.T) {
	suiting := fastest
	defer func() { fastest = suiting }()
	random := rand.New(rand.NewPCG(1, 2))
	for n := range 400 {
		src := image.NewYCbCr(image.Rect(0, 0, 1+random.IntN(70), 1+random.IntN(200)), image.YCbCrSubsampleRatio(n%6))
		for _, plane := range [][]byte{src.Y, src.Cb, src.Cr} {
			for i := range plane {
				plane[i] = byte(random.Uint32())
			}
		}
		part := image.Rect(random.IntN(src.Rect.Max.X), random.IntN(src.Rect.Max.Y), src.Rect.Max.X, src.Rect.Max.Y)
		size := image.Rect(0, 0, 1+random.IntN(50), 1+random.IntN(50))
		if n%7 == 0 {
			size.Max.Y = 1
		}
		var made [2]*image.YCbCr
		for i, k := range []kernels{suiting, inGo} {
			fastest = k
			made[i] = image.NewYCbCr(size, image.YCbCrSubsampleRatio420)
			if err := Into(t.Context(), made[i], src.SubImage(part).(*image.YCbCr)); err != nil {
				t.Fatal(err)
			}
		}
		for i, planes := range [][2][]byte{{made[0].Y, made[1].Y}, {made[0].Cb, made[1].Cb}, {made[0].Cr, made[1].Cr}} {
			for k, v := range planes[0] {
				if v != planes[1][k] {
					t.Fatalf("%v of %v to %v: plane %d has %d at %d, and %d in Go", part, src.SubsampleRatio, size.Max, i, v, k, planes[1][k])
				}
			}
		}
	}
}
