package frame

// Colours are what carries a stream says of its colours, beside the stream: RTMP's metadata, a file's index. Of VP9 nothing else tells PQ and HLG.
// The fields are as in Signal. Zero says of any field that nothing is known of it, and so do numbers that stand for nothing.
type Colours struct {
	Primaries, Transfer, Matrix          uint8
	FullRange                            bool
	MaxContent, MaxMastering, MaxAverage int32 // 1 to 10000 cd/m²
}

// Or returns what c says, and what other says of the rest. Of what neither says anything of it is zero.
func (c Colours) Or(other Colours) Colours {
	const brightest = 10000 // cd/m², of PQ
	light := func(v int32) bool { return v > 0 && v <= brightest }
	return Colours{
		Primaries:    or(c.Primaries, other.Primaries, func(v uint8) bool { return v == 1 || v >= 4 && v <= 12 || v == 22 }),
		Transfer:     or(c.Transfer, other.Transfer, func(v uint8) bool { return v == 1 || v >= 4 && v <= 18 }),
		Matrix:       or(c.Matrix, other.Matrix, func(v uint8) bool { return v == 1 || v >= 4 && v <= 14 }), // RGB is no matrix
		FullRange:    c.FullRange || other.FullRange,
		MaxContent:   or(c.MaxContent, other.MaxContent, light),
		MaxMastering: or(c.MaxMastering, other.MaxMastering, light),
		MaxAverage:   or(c.MaxAverage, other.MaxAverage, light),
	}
}

// or returns the first that says something; zero if none does.
func or[T any](a, b T, says func(T) bool) (none T) {
	switch {
	case says(a):
		return a
	case says(b):
		return b
	}
	return none
}
