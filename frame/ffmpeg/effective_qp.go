package ffmpeg

import (
	"math"

	"github.com/livestill/livestill/frame"
)

// Both are round numbers. They were fitted to the PSNR of pictures against their source, in x264's encodes of five scenes, and were right on other
// scenes and settings. Half or twice of the first predict nearly as well, none or twice of the second not quite.
const (
	// The share of a picture that is coded anew in each picture that refers to the one before. Encoders skip blocks, and the residual
	// of others falls below the quantiser: live encodes take about this to forget a key picture.
	renewal = 0.2

	// An intra picture is worse than pictures that refer to others are at the same quantiser: these refine, again and again, what
	// they refer to, where it starts from nothing.
	intraQP = 1
)

// An effectiveQP estimates with which quantiser what pictures show was coded, in the order they come out of the decoder. It is a mean of the
// quantisers that falls off exponentially: a picture's error is its own where it is coded anew, and else that of its reference.
type effectiveQP struct {
	qp    float64 // of the newest picture that others refer to
	begun bool
}

// next returns the effective quantiser of the next picture, given its own; zero if that is zero, which is unknown. B pictures count for no
// other: those that refer to them are B pictures as well.
func (e *effectiveQP) next(qp float64, intra, bi bool) float32 {
	if qp == 0 {
		return 0
	}
	switch {
	case intra:
		qp += intraQP
	case e.begun:
		qp = e.qp + renewal*(qp-e.qp)
	}
	if !bi {
		e.qp, e.begun = qp, true
	}
	return float32(qp)
}

// scaleQP returns a mean quantiser in the scale of H.264, where six are twice the step; zero if that is unknown.
func scaleQP(c frame.Codec, qp float64) float64 {
	switch {
	case c == frame.H264:
		return qp
	case c == frame.MPEG4 && qp > 0:
		return 10 + 6*math.Log2(qp) // the step is 2 qp here, 2^((QP-4)/6) there
	}
	return 0
}
