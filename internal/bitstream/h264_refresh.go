package bitstream

// A GOP has at least eight times the pictures that a refresh takes. So at most one in eight is not clean.
const refreshes = 8

// A refresh chooses the units of H.264 that are key units without an IDR picture: those with a recovery point (ITU-T H.264 section
// D.2.8), from which on a decoder comes to clean pictures. Decoders know which pictures are not, those that are shown before the
// recovery point among them.
//
// At the first picture of an open GOP all is clean at once: it is a key unit. With intra refresh, by which encoders spread the cost of
// a key picture over many, clean pictures come only with the last of them, a GOP from each refresh to the next would have few or none,
// and one without end could not be forgotten. So such a unit is a key unit if nothing else can be: there was none yet, or something
// was lost since; and else after eight times the pictures that it takes.
type refresh struct {
	pictures uint64 // since the last key unit
	begun    bool   // there was one
	lost     bool   // something was lost since
	space    []byte // for messages
}

// due reports whether the unit that consists of nals is to be a key unit for its recovery point.
func (r *refresh) due(nals [][]byte) bool {
	count, ok := recoveryPoint(nals, &r.space)
	return ok && (count == 0 || !r.begun || r.lost || r.pictures >= refreshes*count)
}

// note notes that there was a unit.
func (r *refresh) note(key bool) {
	r.pictures++
	if key {
		*r = refresh{begun: true, space: r.space}
	}
}
