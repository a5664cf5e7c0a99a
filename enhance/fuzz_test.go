package enhance_test

import (
	"image"
	"testing"

	"github.com/livestill/livestill/enhance"
)

// FuzzFilters applies every filter to pictures of any geometry, sound or not, over planes of any bytes: no panic, the picture's
// fields stay, and nothing outside its Rect is written to.
func FuzzFilters(f *testing.F) {
	f.Add(int8(0), int8(0), uint8(16), uint8(16), uint8(2), int16(16), int16(8), []byte("some sixteen by sixteen picture"))
	f.Add(int8(-3), int8(5), uint8(33), uint8(9), uint8(5), int16(40), int16(11), []byte{0, 255, 3, 250, 128})
	f.Add(int8(1), int8(1), uint8(1), uint8(1), uint8(0), int16(1), int16(1), []byte{7})
	f.Add(int8(0), int8(0), uint8(200), uint8(2), uint8(1), int16(-1), int16(0), []byte{})
	filters := []enhance.Filter{
		enhance.Denoise{}, enhance.Denoise{Luma: 8, Chroma: 8}, enhance.Sharpen{}, enhance.Sharpen{Amount: 3, Threshold: 1},
		enhance.Sharpen{Radius: 9, Amount: 1}, enhance.Deblock{}, enhance.Deblock{QP: 33},
	}
	f.Fuzz(func(t *testing.T, x, y int8, w, h, ratio uint8, stride, cstride int16, data []byte) {
		r := image.Rect(int(x), int(y), int(x)+int(w), int(y)+int(h))
		// The planes have room for most of the geometries, and data over and over as pixels.
		plane := func(size, from int) []byte {
			p := make([]byte, min(size, 1<<16))
			for i := range p {
				if len(data) > 0 {
					p[i] = data[(from+i+i/97)%len(data)]
				}
			}
			return p
		}
		ch := (int(h)/2 + 2) * max(int(cstride), 0)
		whole := &image.YCbCr{
			Y: plane(int(h)*max(int(stride), 0)+len(data)%5, 0), Cb: plane(ch, 1), Cr: plane(ch+len(data)%3, 2),
			YStride: int(stride), CStride: int(cstride), SubsampleRatio: image.YCbCrSubsampleRatio(ratio % 7), Rect: r,
		}
		for _, filter := range filters {
			m := clone(whole)
			err := filter.Apply(t.Context(), m)
			if m.Rect != r || m.YStride != whole.YStride || m.CStride != whole.CStride ||
				m.SubsampleRatio != whole.SubsampleRatio ||
				len(m.Y) != len(whole.Y) || len(m.Cb) != len(whole.Cb) || len(m.Cr) != len(whole.Cr) {
				t.Fatalf("%T changed the picture's fields", filter)
			}
			if err != nil {
				if !same(m, whole) {
					t.Fatalf("%T failed with %v, and changed pixels", filter, err)
				}
				continue
			}
			if err := outside(m, whole, r); err != nil {
				t.Fatalf("%T: %v", filter, err)
			}
		}
		enhance.Noise(whole)
		enhance.Sharpness(whole)
	})
}
