package ffmpeg

// Live returns how many libav objects the decoder has not freed.
func (d *Decoder) Live() int64 { return d.live.Load() }
