package bitstream

// A frameNumbers follows frame_num, which counts the pictures that others refer to (ITU-T H.264 section 7.4.3).
type frameNumbers struct {
	begun  bool   // last is known
	last   uint64 // frame_num of the last picture that is referred to
	counts bool   // it was seen to go up: encoders that leave it as it is are forgiven
}

// gap reports whether a picture that others refer to is missing before p, or p was there before.
func (f *frameNumbers) gap(p *pictureH264, maxFrameNum uint64) bool {
	num, referred := p.frameNum, p.nalRefIDC != 0
	if p.idr() {
		f.begun, f.last = true, num
		return false
	}
	next := (f.last + 1) % maxFrameNum
	again := num == f.last && f.counts && referred && p.field == 0
	gap := f.begun && (again || num != f.last && num != next)
	f.counts = f.counts || f.begun && referred && num == next
	if referred || gap {
		f.begun, f.last = true, num
	}
	return gap
}
