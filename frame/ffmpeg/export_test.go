package ffmpeg

// Live returns how many libav objects the decoder has not freed.
func (d *Decoder) Live() int64 { return d.live.Load() }

// Bare makes the decoder put no floor below pictures.
func (d *Decoder) Bare() *Decoder {
	d.bare = true
	return d
}
