package ffmpeg

import "sync"

// Live returns how many libav objects the decoder has not freed.
func (d *Decoder) Live() int64 { return d.live.Load() }

// Bare makes the decoder put no floor below pictures.
func (d *Decoder) Bare() *Decoder {
	d.bare = true
	return d
}

// Isolated returns an Isolated with the limits of d. All that are made so share their children.
func (d *Decoder) Isolated() *Isolated {
	return &Isolated{Decoder: Decoder{Threads: d.Threads, Concurrent: d.Concurrent, MaxPixels: d.MaxPixels, bare: d.bare}, pool: shared()}
}

var shared = sync.OnceValue(func() *pool { return newPool(0, defaultMaxPixels) })
