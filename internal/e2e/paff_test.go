package e2e_test

import (
	"image"
	"slices"
	"testing"
	"time"

	"github.com/livestill/livestill/frame"
	"github.com/livestill/livestill/frame/ffmpeg"
	"github.com/livestill/livestill/frame/frametest"
)

// The pictures of paff are as small as a counter can be: four macroblocks in each field.
const (
	paffWidth, paffHeight = 64, 32
	macroblock            = 16
)

// A bitWriter writes the syntax elements of ITU-T H.264 section 7.2.
type bitWriter struct {
	b    []byte
	free int // bits of the last byte
}

func (w *bitWriter) u(bits, v int) {
	for i := bits - 1; i >= 0; i-- {
		if w.free == 0 {
			w.b, w.free = append(w.b, 0), 8
		}
		w.free--
		w.b[len(w.b)-1] |= byte(v>>i&1) << w.free
	}
}

// ue writes an Exp-Golomb code, section 9.1.
func (w *bitWriter) ue(vs ...int) {
	for _, v := range vs {
		length := 1
		for (v+1)>>length > 0 {
			length++
		}
		w.u(2*length-1, v+1)
	}
}

// nal ends a NAL unit with its trailing bits, and returns it with a start code and emulation prevention, section 7.3.1.
func (w *bitWriter) nal(header byte) []byte {
	w.u(1, 1)
	out, zeros := []byte{0, 0, 0, 1, header}, 0
	for _, c := range w.b {
		if zeros == 2 && c <= 3 {
			out, zeros = append(out, 3), 0
		}
		if zeros++; c != 0 {
			zeros = 0
		}
		out = append(out, c)
	}
	return out
}

// paff makes a stream whose pictures are coded as pairs of fields (picture-adaptive frame-field coding), which no encoder at hand
// does. The first field of a key picture and both of the others have plain samples (I_PCM); the second of a key picture is all skipped,
// so that it is the first again. Each unit is a picture, or a field if apart is set.
func paff(apart bool) []frame.AccessUnit {
	return paffOf(apart, momentGOP, func(n, _ int) *image.YCbCr { return paffPicture(n) })
}

// paffInstants is paff of fields that show a number of their own, above bars that move; but for the second one of a key picture, which is the first again.
func paffInstants(apart bool) []frame.AccessUnit {
	const speed, bar = 6, 16
	return paffOf(apart, paffPairs, func(n, parity int) *image.YCbCr {
		number := paffNumber(n, parity)
		img := paffPicture(number)
		for y := macroblock / 2; y < paffHeight; y++ {
			for x := range paffWidth {
				img.Y[y*img.YStride+x] = byte(64 + 128*((x+speed*number)/bar%2))
			}
		}
		return img
	})
}

const paffPairs = (momentGOP + 1) / 2 // in a GOP of paffInstants

// paffNumber returns what a field of picture n of paffInstants shows.
func paffNumber(n, parity int) int { return n/paffPairs*momentGOP + max(0, n%paffPairs*2-1+parity) }

// isPaffRepeat reports whether a unit of paffInstants has no picture of its own.
func isPaffRepeat(i int, _ frame.AccessUnit) bool { return i%(momentGOP+1) == 1 }

// paffPicture draws picture n of paff.
func paffPicture(n int) *image.YCbCr {
	img := image.NewYCbCr(image.Rect(0, 0, paffWidth, paffHeight), image.YCbCrSubsampleRatio420)
	for i := range img.Cb {
		img.Cb[i], img.Cr[i] = 128, 128
	}
	for i := range img.Y {
		img.Y[i] = byte(64 + n)
	}
	frametest.Draw(img, n)
	return img
}

// paffOf is paff of GOPs of so many other pictures, of which draw draws that of a field.
func paffOf(apart bool, gop int, draw func(n, parity int) *image.YCbCr) (units []frame.AccessUnit) {
	for n := range momentFrames / momentGOP * gop {
		key := n%gop == 0
		first, second := paffField(n, gop, 0, draw(n, 0)), paffField(n, gop, 1, draw(n, 1))
		if key {
			first = append(paffSets(), first...)
		}
		pts := time.Duration(n) * time.Second / 25
		u := frame.AccessUnit{Codec: frame.H264, Key: key, PTS: pts, DTS: pts, Time: frametest.Epoch.Add(pts), Data: append(first, second...)}
		if apart {
			half := u
			u.Data = first
			half.Data, half.Key = second, false
			half.PTS += time.Second / 50
			half.DTS, half.Time = half.PTS, frametest.Epoch.Add(half.PTS)
			units = append(units, u, half)
			continue
		}
		units = append(units, u)
	}
	return units
}

// paffSets returns the parameter sets, sections 7.3.2.1.1 and 7.3.2.2.
func paffSets() []byte {
	var sps, pps bitWriter
	sps.u(24, 77<<16|10)                    // Main profile, level 1
	sps.ue(0, 0, 0, 4, 2)                   // id, 4 bits of frame_num, 8 bits of picture order count, two reference frames
	sps.u(1, 0)                             // no gaps
	sps.ue(paffWidth/16-1, paffHeight/32-1) // in macroblocks and pairs of them
	sps.u(5, 0b00101)                       // fields, no MBAFF, direct_8x8_inference, no cropping
	sps.u(10, 0b0000000011)                 // of the VUI the restrictions alone: motion vectors of any length
	sps.ue(0, 0, 10, 10, 0, 2)              // nothing reordered, two pictures buffered
	pps.ue(0, 0)                            // ids
	pps.u(2, 0)                             // CAVLC, no order of the bottom field
	pps.ue(0, 0, 0)                         // one slice group, one reference in each list
	pps.u(3, 0)                             // no weights
	pps.ue(0, 0, 0)                         // quantisers
	pps.u(3, 0b100)                         // deblocking is controlled
	return append(sps.nal(0x67), pps.nal(0x68)...)
}

// paffField returns a field of picture n, a slice (section 7.3.3): the top one is 0, the bottom one is 1. It has its lines of img. GOPs have so many
// pictures.
func paffField(n, gop, parity int, img *image.YCbCr) []byte {
	const intra, predicted, pcmIntra, pcmPredicted = 7, 5, 25, 30
	at := n % gop
	idr := at == 0 && parity == 0
	var w bitWriter
	kind := predicted
	if parity == 0 {
		kind = intra
	}
	w.ue(0, kind, 0)
	w.u(4, at%16)       // frame_num
	w.u(2, 0b10|parity) // a field, which one
	if idr {
		w.ue(n / gop % 2)
	}
	w.u(8, 2*at+parity) // picture order count
	if kind == predicted {
		w.u(2, 0) // one reference, the nearest
	}
	w.u(1, 0) // references are marked by the sliding window; or, twice, nothing out of the ordinary of an IDR picture
	if idr {
		w.u(1, 0)
	}
	w.ue(0, 1) // quantiser; no deblocking
	header := byte(0x61)
	if idr {
		header = 0x65
	}
	count := paffWidth / macroblock
	if at == 0 && parity == 1 {
		w.ue(count) // all skipped
		return w.nal(header)
	}
	for mb := range count {
		if kind == predicted {
			w.ue(0, pcmPredicted)
		} else {
			w.ue(pcmIntra)
		}
		w.free = 0
		for y := range macroblock {
			w.b = append(w.b, img.Y[(2*y+parity)*img.YStride+mb*macroblock:][:macroblock]...)
		}
		for _, plane := range [][]byte{img.Cb, img.Cr} {
			for y := range macroblock / 2 {
				w.b = append(w.b, plane[(2*y+parity)*img.CStride+mb*macroblock/2:][:macroblock/2]...)
			}
		}
	}
	return w.nal(header)
}

// Pairs of fields of two instants, in one unit or in two, become pictures without combs: of the first instant, and of both.
func TestPAFFIsDeinterlaced(t *testing.T) {
	const speed = 1 // columns a field
	at := func(n, parity int) int { return 8 + speed*(2*(n%momentGOP)+parity) }
	draw := func(n, parity int) *image.YCbCr {
		img := paffPicture(0)
		for y := range paffHeight {
			for x := range paffWidth {
				img.Y[y*img.YStride+x] = 64
				if x >= at(n, parity) {
					img.Y[y*img.YStride+x] = 192
				}
			}
		}
		return img
	}
	for _, apart := range []bool{false, true} {
		g := frame.GOP(paffOf(apart, momentGOP, draw))
		g = g[:1+slices.IndexFunc(g[1:], func(u frame.AccessUnit) bool { return u.Key })]
		fields := 1 // that are delivered, of a picture
		if apart {
			fields = 2
		}
		n := 0 // of a field that is delivered
		for p, err := range new(ffmpeg.Decoder).Decode(t.Context(), g, time.Time{}) {
			if err != nil {
				t.Fatal(err)
			}
			if apart && n == 1 {
				n++ // the second field of the first picture is the first again
			}
			if deinterlaced := p.Changes == frame.Deinterlaced; deinterlaced != (n > 0) || p.Signal.Fields != frame.TopFirst || p.PTS != g[n].PTS {
				t.Errorf("apart %v: field %d at %v: %v, %v", apart, n, p.PTS, p.Changes, p.Signal.Fields)
			}
			for y := range paffHeight {
				edge := slices.IndexFunc(p.Y[y*p.YStride:][:paffWidth], func(v byte) bool { return v > 128 })
				if edge != at(n/fields, n%fields) {
					t.Errorf("apart %v: field %d: the edge is at %d, not at %d", apart, n, edge, at(n/fields, n%fields))
					break
				}
			}
			n++
		}
		if n != fields*momentGOP {
			t.Errorf("apart %v: %d pictures", apart, n)
		}
	}
}
